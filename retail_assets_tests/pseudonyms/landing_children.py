"""`retail-assets land` in a process of its own, which ends by SIGKILL at a moment of its work."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from retail_assets_tests.faults.child_processes import kill_this_process

#: While the copy with pseudonyms is written; when it is; at the first byte in the store; when the store has it all.
MOMENTS = ["half a copy", "copied", "half an object", "landed"]


def land(environ: Mapping[str, str], arguments: list[str], moment: str | None) -> NoReturn:
    """Land files; die at this moment if one is given, else end with the code of the command."""
    from retail_assets.cli import app

    os.environ.update(environ)
    tempfile.tempdir = environ["TMPDIR"]
    if moment:
        _arm(moment)
    raise SystemExit(app.main(["land", *arguments]))


def _arm(moment: str) -> None:
    from retail_assets.landing import land as land_module
    from retail_assets.landing import text_lines
    from retail_assets.pseudonyms import rewritten

    landing: Any = land_module
    rewriting: Any = rewritten
    read, copy, lines = landing._read, landing._copy, rewriting.replaced_lines
    reads = 0

    def dying(*arguments: Any) -> None:
        kill_this_process()

    def half_the_lines(*arguments: Any) -> Iterator[tuple[int, str]]:
        yield from itertools.islice(lines(*arguments), 1000)
        kill_this_process()

    def twenty_reads(*arguments: Any) -> bytes:
        nonlocal reads
        reads += 1
        found: bytes = read(*arguments) if reads < 20 else kill_this_process()
        return found

    def whole_copy(*arguments: Any) -> None:
        copy(*arguments)
        kill_this_process()

    if moment == "half a copy":
        text_lines._READ_BYTES = 1000  # so that the copy grows while the file is read
        rewriting.replaced_lines = half_the_lines
    elif moment == "copied":
        rewriting.first_clear_line = dying
    elif moment == "half an object":
        landing._CHUNK = 1000
        landing._read = twenty_reads
    else:
        landing._copy = whole_copy
