"""The crash matrix: at which points between raw files and tables a process is killed, and what each kill leaves.

`test_kills.py` takes every row from here and checks every column of it; `docs/faults.md` shows the same rows. Print
them with `python -m retail_assets_tests.faults.matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass

from retail_assets_tests.faults.kills import CLEAN_MANIFEST, DATA, RAW_MANIFEST, Kill

_RAW, _CLEAN, _LOAD = "raw_sales_files", "clean_sales", "sales"


@dataclass(frozen=True)
class Row:
    """One kill in a run over two landings, and the state it leaves.

    `raw` and `clean` count the landings whose new manifest is published. `data` and `parts` say whether data files that
    no manifest names and temporary files are left, `loaded` whether the tables are the new ones.
    """

    asset: str
    moment: str
    kill: Kill
    spark: bool = False
    raw: int = 2
    clean: int = 2
    data: bool = False
    parts: bool = False
    loaded: bool = False

    @property
    def name(self) -> str:
        return f"{self.asset}: {self.moment}"

    @property
    def recorded(self) -> tuple[str, ...]:
        """Assets whose materialization Dagster has recorded."""
        return {_RAW: (), _CLEAN: (_RAW,), _LOAD: (_RAW, _CLEAN)}[self.asset]

    @property
    def left(self) -> str:
        """What is left, in words for the documentation."""
        manifests = {0: "old", 1: "new for the first landing", 2: "new"}
        parts = [f"raw manifests {manifests[self.raw]}"]
        if self.asset != _RAW:
            parts.append(f"clean manifests {manifests[self.clean]}")
        if self.data:
            parts.append("data files that no manifest names")
        if self.parts:
            parts.append("a temporary file")
        return "; ".join(parts)


ROWS = (
    Row(_RAW, "before the first manifest", Kill("before object", RAW_MANIFEST), raw=0, clean=0),
    Row(
        _RAW,
        "halfway through the manifest of the second landing",
        Kill("half an object", RAW_MANIFEST, 2),
        raw=1,
        clean=0,
        parts=True,
    ),
    Row(_RAW, "after the manifests, before Dagster's event", Kill("after object", RAW_MANIFEST, 2), clean=0),
    Row(_CLEAN, "while old leftovers are swept", Kill("after deletion"), clean=0),
    Row(_CLEAN, "before the first file (in a Spark task)", Kill("before object", f"workers:{DATA}"), True, clean=0),
    Row(
        _CLEAN,
        "halfway through the second file of a Spark task",
        Kill("half an object", f"workers:{DATA}", 2),
        True,
        clean=0,
        data=True,
        parts=True,
    ),
    Row(
        _CLEAN,
        "after all files, before the first manifest (Spark running)",
        Kill("before object", CLEAN_MANIFEST),
        True,
        clean=0,
        data=True,
    ),
    Row(
        _CLEAN,
        "halfway through the manifest of the first landing",
        Kill("half an object", CLEAN_MANIFEST),
        clean=0,
        data=True,
        parts=True,
    ),
    Row(_CLEAN, "between the manifests of two landings", Kill("after object", CLEAN_MANIFEST), clean=1, data=True),
    Row(_CLEAN, "after the manifests, before Dagster's event", Kill("after object", CLEAN_MANIFEST, 2)),
    Row(_LOAD, "before staging", Kill("before statement", "TEMP VIEW stage_clean")),
    Row(_LOAD, "before the deletion from `sales_clean`", Kill("before statement", "^DELETE FROM sales_clean")),
    Row(_LOAD, "before the insertion into `sales_clean`", Kill("before statement", "^INSERT INTO sales_clean")),
    Row(_LOAD, "before the deletion from `sales`", Kill("before statement", "^DELETE FROM sales WHERE")),
    Row(_LOAD, "before the insertion into `sales`", Kill("before statement", r"^INSERT INTO sales \(")),
    Row(_LOAD, "before the commit", Kill("before statement", "^COMMIT")),
    Row(_LOAD, "after the commit, with the connection still open", Kill("before statement", "^close$"), loaded=True),
    Row(_LOAD, "after the load, before Dagster's event", Kill("after load"), loaded=True),
)


def table() -> str:
    """Return the matrix as Markdown."""
    lines = ["| asset | killed | what is left | the tables until then | after one re-run |", "|---|---|---|---|---|"]
    for row in ROWS:
        tables = "new, complete" if row.loaded else "old, complete"
        lines.append(f"| `{row.asset}` | {row.moment} | {row.left} | {tables} | exact |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
