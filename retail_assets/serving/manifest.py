"""The manifest of a bundle and the pointer to the one in use: written by `exports/bundle`, read as a stranger's file.

Every field is checked before it is used: types, lengths, names without paths, sizes within bounds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from retail_assets.serving.errors import BadBundleError
from retail_assets.serving.schema import SCHEMA_VERSION

POINTER, BUNDLES, MANIFEST = "current.json", "bundles", "manifest.json"
DATABASE, MODEL = "retail.sqlite", "model.json"
FILES = (DATABASE, MODEL)
"""The files of a bundle. A manifest that names others is refused, so no name can lead out of the folder."""

MOST_BYTES = 2 * 1024**3
"""Bytes of a bundle at most; a million customers take 0.2 GB."""
MOST_MANIFEST_BYTES = 256 * 1024
MOST_MODEL_BYTES = 16 * 1024**2
MOST_PAST = 200
"""Publications that the pointer remembers."""

_VERSION = re.compile(r"\d{8}-[0-9a-f]{12}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class File:
    """A file of a bundle."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The facts of a bundle. `version` follows from everything else but `created`.

    Attributes:
        version: the cut-off and a digest of the content, such as `20171231-0123456789ab`.
        created: when it was published first, ISO 8601 in UTC.
        source: name of the shop's contract.
        currency: ISO 4217 code.
        country: of the holidays, ISO 3166.
        timezone: of the shop.
        first_day: first day of sales.
        cutoff: last day of sales.
        forecast_model, segment_model: versions in the model store; `none` without a model.
        schema_version: of the files, `schema.SCHEMA_VERSION`.
        code_version: of the package that wrote it.
        counts: rows by table of the SQLite file.
        files: by name.
    """

    version: str
    created: str
    source: str
    currency: str
    country: str
    timezone: str
    first_day: str
    cutoff: str
    forecast_model: str
    segment_model: str
    schema_version: int
    code_version: str
    counts: Mapping[str, int]
    files: Mapping[str, File] = field(default_factory=dict)

    def dumps(self) -> bytes:
        """Write the manifest as JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False).encode() + b"\n"


@dataclass(frozen=True)
class Publication:
    """A bundle that was put in place, and when (ISO 8601 in UTC)."""

    version: str
    at: str


@dataclass(frozen=True)
class Pointer:
    """The bundle in use, and those before it, oldest first; the last of `history` is the one in use."""

    history: tuple[Publication, ...]

    @property
    def version(self) -> str:
        return self.history[-1].version

    @property
    def published_at(self) -> str:
        return self.history[-1].at

    def moved(self, version: str, at: str) -> Pointer:
        """Return the pointer after another publication."""
        return Pointer((*self.history, Publication(version, at))[-MOST_PAST:])

    def dumps(self) -> bytes:
        """Write the pointer as JSON."""
        content = {"version": self.version, "history": [asdict(each) for each in self.history]}
        return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"


def key(version: str, name: str) -> str:
    """Return the key of a bundle's file below the bundles' folder. Raises BadBundleError for what is no version."""
    if not is_version(version):
        raise BadBundleError(f"{version[:80]!r} is not a version of a bundle, such as 20171231-0123456789ab.")
    return f"{BUNDLES}/{version}/{name}"


def is_version(text: str) -> bool:
    """Say whether a text is a version: no path can be.

    >>> is_version("20171231-0123456789ab"), is_version("../20171231-0123456789ab")
    (True, False)
    """
    return bool(_VERSION.match(text))


def version_of(manifest: Manifest) -> str:
    """Return the version that follows from the content of a manifest."""
    content = {name: value for name, value in asdict(manifest).items() if name not in ("version", "created")}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()
    return f"{manifest.cutoff.replace('-', '')}-{digest[:12]}"


def read_pointer(data: bytes, where: str) -> Pointer:
    """Read a pointer. Raises BadBundleError, which names `where`, for anything else."""
    try:
        content = _object(data)
        history = tuple(Publication(_text(each["version"]), _moment(each["at"])) for each in content["history"])
        if not history or len(history) > MOST_PAST or not all(is_version(each.version) for each in history):
            raise ValueError("history")
        if content["version"] != history[-1].version:
            raise ValueError("version")
        return Pointer(history)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise BadBundleError(
            f"{where} is not a pointer to a bundle ({_reason(e)}). Materialize serving_bundle again."
        ) from None


def read_manifest(data: bytes, version: str, where: str, most_bytes: int = MOST_BYTES) -> Manifest:
    """Read the manifest of a version.

    Args:
        data: the file.
        version: that it must be of.
        where: its address, for messages.
        most_bytes: size of all files together that is accepted.

    Raises:
        BadBundleError: it is not a manifest, of another format or version, or promises more than is accepted.
    """
    try:
        manifest = _manifest(_object(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise BadBundleError(
            f"{where} is not a manifest of a bundle ({_reason(e)}). Materialize serving_bundle again."
        ) from None
    if manifest.schema_version != SCHEMA_VERSION:
        raise BadBundleError(
            f"{where} has schema version {manifest.schema_version}, and this program reads {SCHEMA_VERSION}. Install "
            "the version of retail-assets that published it, or materialize serving_bundle with this one."
        )
    if manifest.version != version or version_of(manifest) != version:
        raise BadBundleError(f"{where} is not that of {version}: it was changed. Materialize serving_bundle again.")
    size = sum(file.bytes for file in manifest.files.values())
    if size > most_bytes or manifest.files[MODEL].bytes > MOST_MODEL_BYTES:
        raise BadBundleError(f"{where} promises {size:,} bytes, more than the {most_bytes:,} that are accepted.")
    return manifest


def _manifest(content: Mapping[str, Any]) -> Manifest:
    names = content["files"]
    if set(names) != set(FILES):
        raise ValueError("files")
    files = {}
    for name in FILES:
        sha256, size = names[name]["sha256"], names[name]["bytes"]
        if not isinstance(sha256, str) or not _SHA256.match(sha256):
            raise ValueError(f"files.{name}.sha256")
        files[name] = File(sha256, _count(size))
    texts = {
        name: _text(content[name])
        for name in (
            "version", "created", "source", "currency", "country", "timezone", "first_day", "cutoff",
            "forecast_model", "segment_model", "code_version",
        )
    }  # fmt: skip
    for name in ("first_day", "cutoff"):
        dt.date.fromisoformat(texts[name])
    _moment(texts["created"])
    counts = {_text(name): _count(number) for name, number in content["counts"].items()}
    return Manifest(schema_version=_count(content["schema_version"]), counts=counts, files=files, **texts)


def _object(data: bytes) -> dict[str, Any]:
    content = json.loads(data)
    if not isinstance(content, dict):
        raise TypeError("not an object")
    return content


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise TypeError(f"{str(value)[:40]!r} is not a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise TypeError(f"{str(value)[:40]!r} is not a count")
    return value


def _moment(value: object) -> str:
    text = _text(value)
    if dt.datetime.fromisoformat(text).tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return text


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:120]
