"""YAML that people write, read within bounds: a file of a few lines can stand for gigabytes, and one more for a crash.

Contracts, personas and `dagster.yaml` have a few hundred values on a few levels. What exceeds the bounds by far is
refused before it is built, with the line.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 256 * 1024
#: Values, each repetition by an alias counted.
MOST_VALUES = 10_000
DEEPEST = 20
LONGEST = 10_000


class YamlBoundsError(yaml.MarkedYAMLError):
    """YAML that exceeds a bound; `problem` says which, `problem_mark` where."""

    def __init__(self, problem: str, mark: Any) -> None:
        super().__init__(problem=problem, problem_mark=mark)

    def __str__(self) -> str:
        return f"{self.problem} (line {self.problem_mark.line + 1})" if self.problem_mark else str(self.problem)


def read_text(path: Path) -> str:
    """Return the text of a YAML file. Raises OSError, or ValueError for a folder, a pipe, a large or a binary file."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES // 1024} KiB, far more than such a file needs")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        raise ValueError(f"it is not UTF-8 text (line {line})") from None


def refuse_beyond_bounds(text: str) -> None:
    """Raise YamlBoundsError if a text has more values, levels or longer values than any such file needs.

    Values that an alias repeats count each time, so that a bomb of aliases is refused before it is expanded.

    >>> refuse_beyond_bounds("name: my_shop")
    >>> refuse_beyond_bounds("a: &a [*a]")
    Traceback (most recent call last):
      ...
    retail_assets.contracts.yaml_text.YamlBoundsError: the alias *a stands for itself (line 1)
    """
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise YamlBoundsError(f"it has more than {MOST_BYTES // 1024} KiB, far more than such a file needs", None)
    sizes: dict[str | None, int] = {}
    # The anchor of each collection that is open, and how many values it has so far; the first is the whole text.
    opened: list[tuple[str | None, int]] = [(None, 0)]
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                anchor, size = opened.pop()
                if anchor is not None:
                    sizes[anchor] = size
            elif isinstance(event, yaml.NodeEvent):
                size = 1
                if isinstance(event, yaml.AliasEvent):
                    if any(anchor == event.anchor for anchor, _ in opened):
                        raise YamlBoundsError(f"the alias *{event.anchor} stands for itself", event.start_mark)
                    size = sizes.get(event.anchor, 1)
                elif isinstance(event, yaml.CollectionStartEvent):
                    opened.append((event.anchor, size))
                    if len(opened) > DEEPEST:
                        raise YamlBoundsError(f"values are nested deeper than {DEEPEST} levels", event.start_mark)
                    continue
                elif isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST:
                    raise YamlBoundsError(f"a value has more than {LONGEST:,} characters", event.start_mark)
                anchor_of_scalar = event.anchor if isinstance(event, yaml.ScalarEvent) else None
                if anchor_of_scalar is not None:
                    sizes[anchor_of_scalar] = size
            else:
                continue
            anchor, before = opened.pop()
            opened.append((anchor, before + size))
            if before + size > MOST_VALUES:
                raise YamlBoundsError(f"it stands for more than {MOST_VALUES:,} values", event.start_mark)
    except YamlBoundsError:
        raise
    except (yaml.YAMLError, RecursionError):
        return  # whoever reads it says what is wrong with it
