"""Canonical skops archives: the same bytes for the same model, and no more of them than a model can have.

skops names the parts of its archive by memory address and stamps them with the time. Both are removed here, so that the
digest of a model shows whether two trainings came to the same result.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from retail_assets.errors import ModelFileError

_EPOCH = (1980, 1, 1, 0, 0, 0)
#: Bytes of all parts together; the largest models of the benchmarks have a few megabytes.
LARGEST = 512 * 1024 * 1024
_MOST_PARTS = 100_000
#: What zipfile and numpy raise for damaged bytes.
_NOT_AN_ARCHIVE = (
    zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError, struct.error, zlib.error
)  # fmt: skip


def refuse_beyond_bounds(archive: bytes) -> None:
    """Raise ModelFileError for an archive whose parts, or arrays in them, are larger than any model.

    Only what the archive says of itself is read, nothing is unpacked; a part cannot unpack to more than it says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as source:
            parts = source.infolist()
            stated = sum(part.file_size for part in parts)
            if len(parts) > _MOST_PARTS or stated > LARGEST:
                raise ModelFileError(
                    f"The stored model would unpack to {stated:,} bytes in {len(parts):,} parts; no model has more "
                    f"than {LARGEST:,} bytes. It is not one of ours: retrain, or roll back to another version."
                )
            for part in parts:
                if part.filename.endswith(".npy"):
                    with source.open(part) as file:
                        _refuse_large_array(file, part)
    except _NOT_AN_ARCHIVE:
        return  # the loader says what is wrong with it


def _refuse_large_array(file: IO[bytes], part: zipfile.ZipInfo) -> None:
    """numpy allocates what the header of an array says before it reads the array."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if math.prod(shape) * dtype.itemsize > part.file_size:
        raise ModelFileError(
            f"An array of the stored model claims to be larger than its part {part.filename!r}. It is not one of ours: "
            "retrain, or roll back to another version."
        )


def canonical(archive: bytes) -> bytes:
    """Rewrite an archive with its parts numbered in the order in which they are named, and without time stamps."""
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(parts.pop("schema.json"))
    number: dict[str, str] = {}
    count = itertools.count(1)

    def renumber(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                renumber(item)
        elif isinstance(node, dict):
            if "__id__" in node:
                address = str(node["__id__"])
                # Constants may or may not be shared in memory; a number of its own for each is right in both cases.
                new = str(next(count))
                node["__id__"] = int(new if node.get("is_json") else number.setdefault(address, new))
            if isinstance(node.get("file"), str) and node["file"] in parts:
                stem, dot, suffix = node["file"].partition(".")
                node["file"] = f"{number.setdefault(stem, str(next(count)))}{dot}{suffix}"
                files[node["file"]] = f"{stem}{dot}{suffix}"
            for value in node.values():
                renumber(value)

    files: dict[str, str] = {}
    renumber(schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        target.writestr(zipfile.ZipInfo("schema.json", _EPOCH), json.dumps(schema, separators=(",", ":")))
        for new, old in sorted(files.items(), key=lambda item: int(item[0].partition(".")[0])):
            target.writestr(zipfile.ZipInfo(new, _EPOCH), _without_padding(parts[old]))
    return out.getvalue()


def _without_padding(part: bytes) -> bytes:
    """The array with zeros between its fields: the nodes of a tree are structs, padded with whatever was in memory."""
    if not part.startswith(b"\x93NUMPY"):
        return part
    array = np.load(io.BytesIO(part), allow_pickle=False)
    if array.dtype.names is None:
        return part
    clean = np.frombuffer(bytearray(array.nbytes), dtype=array.dtype).reshape(array.shape)
    for name in array.dtype.names:
        clean[name] = array[name]
    out = io.BytesIO()
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()
