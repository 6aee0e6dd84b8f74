"""What a backup contains: the places of a home, and the manifest with a checksum of every file.

A backup is a folder (or a prefix of S3 or Azure): `backup.json`, the files below one folder per place, and last of all
`backup.json.sha256`, without which it is no backup.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retail_assets.errors import RetailError
from retail_assets.settings import Settings
from retail_assets.storage import Store
from retail_assets.storage.records import RecordError, read_record
from retail_assets.storage.store import is_key

FORMAT = 1
MANIFEST, CHECKSUM = "backup.json", "backup.json.sha256"

#: The place of everything in the home that is in no other place: Dagster's records, the embedded warehouse, registers.
HOME = "home"


class BackupError(RetailError):
    """A backup cannot be made there, is not whole, or cannot be restored here."""


@dataclass(frozen=True)
class File:
    """A file of a backup: its place, its key there, and its content; `modified` in nanoseconds since 1970."""

    place: str
    key: str
    bytes: int
    sha256: str
    mode: int
    modified: int

    @property
    def stored_as(self) -> str:
        """The key in the backup."""
        return f"{self.place}/{self.key}"


@dataclass(frozen=True)
class Manifest:
    """The manifest of a backup.

    Attributes:
        format: of this file.
        created: when the backup began, ISO 8601 in UTC.
        code_version: of the package that wrote it.
        source: the contract whose settings were used.
        warehouse: the kind of warehouse; the tables are in the backup where it is `duckdb`.
        places: folder of each place that was copied.
        left_out: what is not in the backup, and what keeps it instead.
        files: every file.
        folders: permissions of each place, and of folders below it that are not as usual; by place, `/` and key.
    """

    format: int
    created: str
    code_version: str
    source: str
    warehouse: str
    places: Mapping[str, str]
    left_out: Mapping[str, str]
    files: Sequence[File]
    folders: Mapping[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def write_manifest(backup: Store, manifest: Manifest) -> None:
    """Write the manifest and, last, its checksum: from then on the backup is whole."""
    data = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode() + b"\n"
    backup.write(MANIFEST, data)
    backup.write(CHECKSUM, f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n".encode())


def read_backup(backup: Store) -> Manifest:
    """Read the manifest of a backup. Raises BackupError where it is not whole, was changed, or is of another format."""
    data, checksum = backup.read_if_exists(MANIFEST), backup.read_if_exists(CHECKSUM)
    if data is None or checksum is None:
        raise BackupError(
            f"{backup.uri} is not a whole backup: {MANIFEST if data is None else CHECKSUM} is missing. Is it "
            "the folder of a backup? If the backup was cut short, use another one."
        )
    if checksum.split()[:1] != [hashlib.sha256(data).hexdigest().encode()]:
        raise BackupError(f"{backup.uri_of(MANIFEST)} was changed: its checksum is not that of {CHECKSUM}.")
    found: Any = json.loads(data)
    if found.get("format") != FORMAT:
        raise BackupError(
            f"{backup.uri} has format {found.get('format')}, and this program reads {FORMAT}. Restore it with "
            f"retail-assets {found.get('code_version')}, which wrote it."
        )
    try:
        manifest = read_record(data, Manifest)
    except RecordError as e:
        raise BackupError(f"{backup.uri_of(MANIFEST)} cannot be read ({e}).") from None
    for file in manifest.files:
        if file.place not in manifest.places or not is_key(file.key):
            raise BackupError(f"{backup.uri_of(MANIFEST)} names {file.stored_as!r}, which is no file of a backup.")
    for folder in manifest.folders:
        place, _, key = folder.partition("/")
        if place not in manifest.places or not (key == "" or is_key(key)):
            raise BackupError(f"{backup.uri_of(MANIFEST)} names {folder!r}, which is no folder of a backup.")
    return manifest


def places(settings: Settings) -> dict[str, str]:
    """Return the address of every place that these settings name, the home last."""
    return {
        "raw": settings.raw_uri,
        "lake": settings.lake_uri,
        "models": settings.models_uri,
        "serving": settings.serving_uri,
        "output": settings.output_uri,
        HOME: str(settings.home),
    }


def is_within(path: Path, folder: Path) -> bool:
    """Return whether a path is a folder or below it."""
    return path == folder or folder in path.parents
