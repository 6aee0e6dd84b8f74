"""`retail-assets try`: from an unknown file to insights, in a home of its own that is thrown away."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from retail_assets.cli.contract import Answers, Files, answers_of, drafted_contract
from retail_assets.cli.options import settings_for
from retail_assets.errors import ContractError

#: Groups of assets that lead to the insights.
_TO_INSIGHTS = "group:ingest or group:warehouse or group:eda"
_OWN = ("RETAIL_HOME", "RETAIL_OUTPUT", "RETAIL_SOURCE")


def try_file(
    files: Files,
    source: Annotated[
        str | None,
        typer.Option("--contract", metavar="NAME", help="A contract; by default one is drafted from the file."),
    ] = None,
    answer: Answers = None,
    everything: Annotated[bool, typer.Option("--all", help="The forecast and the segments, too (minutes).")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the throw-away home: landed files, lake, tables.")] = False,
) -> None:
    """Go from an unknown file to insights and figures, in a throw-away home: nothing of your own data is touched."""
    folder = Path(tempfile.mkdtemp(prefix="retail-try-"))
    home, output, contract = folder / "home", folder / "output", folder / "contract.yaml"
    try:
        if source is None:
            drafted = drafted_contract(files, answers_of(answer), ask=None)
            contract.write_text(drafted.text, encoding="utf-8")
            for question in drafted.questions:
                typer.echo(f"Not in the file: {question.text}{_taken(question.default)}", err=True)
            if missing := [q.key for q in drafted.questions if q.key and q.default is None]:
                answers = " ".join(f"--answer {key}=VALUE" for key in missing)
                raise ContractError(f"Nothing was landed. Answer what has no safe default, with {answers}")
            typer.echo(f"Contract: {contract}", err=True)
            source = str(contract)
        elif Path(source).exists():
            source = str(Path(source).absolute())
        settings_for(source)  # a draft that waits for an answer says so here
        environment = _environment(home, output, source)
        _run(environment, "contract", "check", *map(str, files), shown=False)
        landed = _run(environment, "land", *map(str, files))
        found = re.search(r"--partition(?:-range)? (\S+)", landed)
        day = found[1] if found else ""
        (home / "dagster").mkdir(parents=True, exist_ok=True)
        select = "*" if everything else _TO_INSIGHTS
        _run(environment, "materialize", "--partition", day, "--select", select)
        insights = output / "insights.md"
        typer.echo("")
        typer.echo(insights.read_text(encoding="utf-8") if insights.exists() else "There are no insights.")
        typer.echo(f"Figures:   {output / 'figures'}")
        typer.echo(f"Contract:  {source}")
        copied = shlex.quote(source)
        typer.echo(f"Next:      keep the contract, then  retail-assets land FILE --source {copied}")
    finally:
        if keep:
            typer.echo(f"Home:      {home}   (RETAIL_HOME={home} RETAIL_OUTPUT={output} RETAIL_SOURCE={source})")
        else:
            shutil.rmtree(home, ignore_errors=True)


def _taken(default: str | None) -> str:
    return f" (taken: {default})" if default else ""


def _environment(home: Path, output: Path, source: str) -> dict[str, str]:
    """Return an environment whose only settings are those of the throw-away home, and how Spark runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_") or k.startswith("RETAIL_SPARK")}
    own = dict(zip(_OWN, (str(home), str(output), source), strict=True))
    return {**kept, **own, "DAGSTER_HOME": str(home / "dagster")}


def _run(environment: dict[str, str], *arguments: str, shown: bool = True) -> str:
    """Run a command of our own in a process with these settings; return its output. Ends this one if it fails."""
    done = subprocess.run(  # noqa: S603 - our own program, with arguments of ours
        [sys.executable, "-m", "retail_assets.cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if shown or done.returncode:
        typer.echo(done.stdout, nl=False)
    if done.returncode:
        raise typer.Exit(done.returncode)
    return done.stdout
