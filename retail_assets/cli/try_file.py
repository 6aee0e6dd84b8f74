"""`retail-assets try`: from an unknown file to insights, in a home of its own that is thrown away."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_assets.cli import completion, dry_run_text
from retail_assets.cli.command_line import examples
from retail_assets.cli.contract import Answers, Files, References, answers_of, drafted_contract, reference_files
from retail_assets.cli.options import console
from retail_assets.cli.rejected_rows import printable
from retail_assets.errors import ContractError
from retail_assets.wording import formats

if TYPE_CHECKING:
    from retail_assets.contracts.model import Contract
    from retail_assets.drafting.draft import Draft
    from retail_assets.drafting.dry_run import DryRun

#: Groups of assets that lead to the insights.
_TO_INSIGHTS = "group:ingest or group:warehouse or group:eda"
_OWN = ("RETAIL_HOME", "RETAIL_OUTPUT", "RETAIL_SOURCE")
_FIRST = "1/3  Reading and judging every row; Spark starts for it, which takes about 20 seconds …"
#: What begins after a step of the run.
_THEN = {
    "clean": "2/3  Loading the tables, and checking that no row and no cent is lost …",
    "load": "3/3  Computing insights and figures …",
}
_LONGER = "3/3  Computing insights, figures, the forecast and the segments; this takes minutes …"
_TIMED = re.compile(r"\d\d:\d\d:\d\d  ")
_STEP_DONE = re.compile(r"(\w+) +[\d.]+ s$")
_WORTH_SHOWING = re.compile(r"check \w+ of \w+: |\w+: FAILED|Error: ")


@examples(
    "try sales.csv",
    "try sales.xlsx --answer currency=EUR --answer order=dmy",
    "try sales.csv --contract online_retail --all",
    works=True,
)
def try_file(
    files: Files,
    source: Annotated[
        str | None,
        typer.Option(
            "--contract",
            metavar="NAME",
            autocompletion=completion.contracts,
            help="A contract; by default one is drafted from the file.",
        ),
    ] = None,
    answer: Answers = None,
    reference: References = None,
    everything: Annotated[bool, typer.Option("--all", help="The forecast and the segments, too (minutes).")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the throw-away home: landed files, lake, tables.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every step and check of the run.")] = False,
) -> None:
    """Go from an unknown file to insights and figures, in a throw-away home: nothing of your own data is touched."""
    from retail_assets import settings

    given = reference_files(reference)
    if given and source is None:
        raise typer.BadParameter("--reference needs --contract: a drafted contract has no reference files.")
    folder = Path(tempfile.mkdtemp(prefix="retail-try-"))
    home, output, contract = folder / "home", folder / "output", folder / "contract.yaml"
    checked = None
    try:
        if source is None:
            drafted = drafted_contract(files, answers_of(answer), ask=None)
            contract.write_text(drafted.text, encoding="utf-8")
            _print_understood(files, drafted)
            _refuse_unanswered(drafted, contract)
            source, checked = str(contract), drafted.checked
        elif Path(source).exists():
            source = str(Path(source).absolute())
        environment = _environment(home, output, source)
        loaded = settings.load(environment)  # a draft that waits for an answer says so here
        if checked is None:
            from retail_assets.drafting.dry_run import dry_run
            from retail_assets.landing.references import LandedReferences, reference_tables
            from retail_assets.storage import Store

            landed_references = LandedReferences(Store(loaded.raw_uri), loaded.source, loaded.contract)
            joined = reference_tables(landed_references, loaded.contract, given, loaded.today())
            checked = dry_run(files, loaded.contract, loaded.today(), joined)
        _print_checked(checked)
        if checked.refused:
            _print_refusal(checked, loaded.contract)
            raise typer.Exit(1)
        for name, parts in given.items():
            _run(environment, "land", "--reference", name, *map(str, parts), shown=verbose)
        landed = _run(environment, "land", *map(str, files), shown=verbose)
        found = re.search(r"--partition(?:-range)? (\S+)", landed)
        _write_quiet_instance(home / "dagster")
        select = "*" if everything else _TO_INSIGHTS
        _materialize(environment, found[1] if found else "", select, verbose=verbose)
        _print_result(output, source, drafted=source == str(contract), open_questions=len(loaded.contract.unconfirmed))
    finally:
        if keep and home.exists():
            typer.echo(f"Home:      {home}   (RETAIL_HOME={home} RETAIL_OUTPUT={output} RETAIL_SOURCE={source})")
        else:
            shutil.rmtree(home, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is a contract or an output in it
            folder.rmdir()


def _say(text: str = "") -> None:
    """Print a line for people on stderr: standard output has the insights alone."""
    typer.echo(printable(text), err=True)


def _print_understood(files: list[Path], drafted: Draft) -> None:
    """Print what each column was read as, the evidence, and what was assumed: one line each."""
    _say(f"Read from {', '.join(f.name for f in files)}:")
    for name, text in drafted.columns:
        _say(f"  {name:<17}{text}")
    for text in drafted.evidence:
        _say(f"  - {text}")
    for question in drafted.questions:
        if question.default is None:
            _say(f"Not in the file: {question.text}")
        elif question.key:
            how = f"answer with --answer {question.key}=VALUE"
            _say(f"Assumed: {question.key} {question.default} ({question.text}; {how})")
        else:
            _say(f"Assumed: {question.text}")


def _refuse_unanswered(drafted: Draft, contract: Path) -> None:
    """Raise ContractError for a draft that does not load before it is answered or corrected."""
    if missing := [q.key for q in drafted.questions if q.key and q.default is None]:
        answers = " ".join(f"--answer {key}=VALUE" for key in missing)
        raise ContractError(f"Nothing was landed. Answer what has no safe default, with {answers}")
    if drafted.problems and drafted.checked is None:
        reasons = "\n".join(f"  {printable(line)}" for line in drafted.problems)
        raise ContractError(
            f"Nothing was landed, because the file does not load with the drafted contract:\n{reasons}\n"
            f"  Correct {contract}, then: retail-assets try FILE --contract {contract}"
        )


def _print_checked(checked: DryRun) -> None:
    """Print how many rows count, in one line, and one line per reason for those that do not."""
    rows, total = checked.rows, sum(checked.rows.values())
    sold = ""
    if checked.first_day and checked.last_day:
        sold = f", sold {formats.span(checked.first_day, checked.last_day)}"
    _say(f"{rows['clean']:,} of {total:,} rows are clean: {checked.currency} {checked.amounts['clean']:,}{sold}.")
    for why in checked.rejected:
        _say(f"  {why.rows:,} rejected: {why.reason}, first on line {why.line} of {why.file}")
    for status in ("superseded", "excluded"):
        if rows[status]:
            _say(f"  {rows[status]:,} {status}")
    if checked.repeated_in_words:
        _say(f"  Warning: {checked.repeated_in_words}")


def _print_refusal(checked: DryRun, contract: Contract) -> None:
    from retail_assets.quarantine.advice import advice_on

    dry_run_text.print_dry_run(checked, contract, advice_on, console())


def _print_result(output: Path, source: str, *, drafted: bool, open_questions: int) -> None:
    insights = output / "insights.md"
    typer.echo("")
    typer.echo(insights.read_text(encoding="utf-8") if insights.exists() else "There are no insights.")
    typer.echo(f"Insights:  {insights}")
    typer.echo(f"Figures:   {output / 'figures'}")
    marked = f"   ({open_questions} assumed; each is marked `# ANSWER:`)" if open_questions else ""
    typer.echo(f"Contract:  {source}{marked}")
    copied = shlex.quote(source)
    first = "keep the contract, then  " if drafted else ""
    typer.echo(f"Next:      {first}retail-assets land FILE --source {copied}")


def _environment(home: Path, output: Path, source: str) -> dict[str, str]:
    """Return an environment whose only settings are those of the throw-away home, and how Spark runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_") or k.startswith("RETAIL_SPARK")}
    own = dict(zip(_OWN, (str(home), str(output), source), strict=True))
    return {**kept, **own, "DAGSTER_HOME": str(home / "dagster"), "PYTHONIOENCODING": "utf-8"}


def _write_quiet_instance(folder: Path) -> None:
    """Give the run an instance of its own, without Dagster's telemetry and its notices."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "retail_assets.cli", *arguments]


def _run(environment: dict[str, str], *arguments: str, shown: bool) -> str:
    """Run a command of our own in a process with these settings; return its output. Ends this one if it fails."""
    done = subprocess.run(  # noqa: S603 - our own program, with arguments of ours
        _command(*arguments), env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if shown or done.returncode:
        typer.echo(done.stdout, nl=False, err=True)
    if done.returncode:
        raise typer.Exit(done.returncode)
    return done.stdout


def _materialize(environment: dict[str, str], day: str, select: str, *, verbose: bool) -> None:
    """Run the assets in a process with these settings, and say in three lines what it does. Exits if it fails."""
    _say()
    _say(_FIRST)
    running = subprocess.Popen(  # noqa: S603 - our own program, with arguments of ours
        _command("materialize", "--partition", day, "--select", select),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",
    )
    with running:
        lines = running.stdout or ()
        then = {**_THEN, "load": _LONGER} if select == "*" else _THEN
        hidden = [] if verbose else list(_show_progress(lines, then))
        for line in lines:  # all of them, if verbose
            _say(line.rstrip("\n"))
    if running.returncode:
        if hidden and not any(line.startswith("Error: ") for line in hidden):
            _say("\n".join(hidden[-40:]))
        raise typer.Exit(running.returncode)


def _show_progress(lines: Iterable[str], then: dict[str, str]) -> Iterable[str]:
    """Print what begins after a step, checks that did not pass, and errors; yield every line as it was."""
    shown = False
    for line in lines:
        text = line.rstrip("\n")
        bare = _TIMED.sub("", text)
        if bare != text or text.startswith("Error: "):  # a line of its own, not the next line of a message
            shown = bool(_WORTH_SHOWING.match(bare))
        if shown:
            _say(f"     {bare}" if bare != text else text)
        if (step := _STEP_DONE.match(bare)) and (begins := then.get(step[1])):
            _say(begins)
        yield text
