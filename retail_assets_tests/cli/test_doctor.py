"""The findings of `retail-assets doctor`, as people see them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from retail_assets.cli.doctor import print_findings
from retail_assets.doctor import Finding


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_report_is_plain_lines_and_says_whether_all_is_well(encoding: str) -> None:
    findings = [
        Finding("java", True, "Java 17\nJAVA_HOME=[x] is not used"),
        Finding("disk", False, "full", "Free some."),
    ]
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, write_through=True), width=40)
    assert not print_findings(findings, console)
    good, bad = ("✓", "✗") if encoding == "utf-8" else ("ok", "!!")
    assert raw.getvalue().decode(encoding).splitlines() == [
        f"{good} java: Java 17",
        "    JAVA_HOME=[x] is not used",
        f"{bad} disk: full",
        "    Free some.",
    ]
    assert print_findings([], console)
    assert print_findings(findings[:1], console)
