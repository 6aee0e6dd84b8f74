"""Canonical skops archives: the same bytes for the same model.

skops names the parts of its archive by memory address and stamps them with the time. Both are removed here, so that the
digest of a model shows whether two trainings came to the same result.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import Any

import numpy as np

_EPOCH = (1980, 1, 1, 0, 0, 0)


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
