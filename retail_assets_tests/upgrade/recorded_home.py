"""The home that version 0.1.0 has left, unpacked, with the command line on it; and what that version said of it."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retail_assets import settings as settings_module
from retail_assets.cli import app
from retail_assets.platform import Platform
from retail_assets_tests.upgrade.table_contents import Row, rows_by_table

_HERE = Path(__file__).parent
_ARCHIVE = _HERE / "home-0.1.0.tar.xz"
EXPECTED: dict[str, Any] = json.loads((_HERE / "home-0.1.0.json").read_text())
SOURCE, NEXT_DAY = "retail_sales", EXPECTED["next_day"]


@dataclass(frozen=True)
class Home:
    """An unpacked home, and the command line on it in this process."""

    folder: Path
    raw: Path | None = None

    @property
    def path(self) -> Path:
        return self.folder / "home"

    @property
    def models(self) -> Path:
        return self.path / "models" / SOURCE

    @property
    def environ(self) -> dict[str, str]:
        environ = {
            "RETAIL_HOME": str(self.path),
            "RETAIL_OUTPUT": str(self.folder / "output"),
            "RETAIL_SPARK": "local[2]",
            "DAGSTER_HOME": str(self.path / "dagster"),
        }
        return environ if self.raw is None else environ | {"RETAIL_RAW_URI": str(self.raw)}

    @property
    def platform(self) -> Platform:
        return Platform(settings_module.load(self.environ))

    def run(self, *command: str) -> str:
        """What `retail-assets` prints; fails unless it ends well."""
        out, errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environ.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
                code = app.main(command)
        out.seek(0)
        printed = out.read()
        assert code == 0, f"retail-assets {' '.join(command)}: exit {code}\n{printed}\n{errors.getvalue()}"
        return printed

    def json(self, *command: str) -> Any:
        return json.loads(self.run(*command, "--json"))

    def tables(self) -> dict[str, list[Row]]:
        return rows_by_table(self.path, SOURCE)

    def column(self, table: str, *names: str) -> list[Row]:
        """Values of some columns, sorted."""
        rows = self.platform.warehouse.query(f"SELECT {', '.join(names)} FROM {table}").to_pylist()
        return sorted((tuple(row.values()) for row in rows), key=repr)

    def champion(self, kind: str) -> dict[str, Any]:
        pointer: dict[str, Any] = json.loads((self.models / kind / "champion.json").read_text())
        return pointer


def unpack(folder: Path) -> Home:
    with tarfile.open(_ARCHIVE) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:  # Python before 3.11.4; the archive is our own
            tar.extractall(folder)
    return Home(folder)
