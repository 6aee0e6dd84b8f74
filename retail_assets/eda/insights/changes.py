"""What has changed since the last run: a compact record of each run, compared with that of the run before.

The record of a run is in `changes.json`, beside what was said of it. A run that finds all as it was says so, and keeps
what the last change was; so the third identical run writes the same bytes as the second.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from retail_assets.eda.data import EdaData
from retail_assets.eda.insights.measures import MEASURES
from retail_assets.wording import changes as words
from retail_assets.wording.sales_products import ALMOST_EQUAL
from retail_assets.wording.statement import Statement

Facts = Mapping[str, Any]
Record = dict[str, Any]

MOST_FINDINGS = 8
"""Findings whose change is shown; of the others, their number."""

_NONE = "no clear difference"
#: They are about another month every month, and say so themselves.
_OF_THE_MONTH = {"sales.last_month", "sales.month_against"}


@dataclass(frozen=True)
class _Claim:
    """What a finding is `about`, by the names of its facts, and what it says of it, as one word for a direction."""

    about: tuple[str, ...]
    says: Callable[[Facts], str]


def _sign(fact: str, middle: float = 0.0, up: str = "up", down: str = "down") -> Callable[[Facts], str]:
    return lambda facts: _NONE if not facts["clear"] else up if float(facts[fact]) > middle else down


def _names(fact: str) -> Callable[[Facts], str]:
    return lambda facts: ", ".join(map(str, facts[fact])) if facts["clear"] else _NONE


def _first_of(facts: Facts) -> str:
    """The largest category; both where two are about equal, so that a change of places between them is none."""
    alike = facts["revenue"] < facts["second_revenue"] * ALMOST_EQUAL
    return " and ".join(sorted([facts["category"], facts["second"]])) if alike else str(facts["category"])


#: By phrase. Of other findings only coming and going is shown.
_CLAIMS: Mapping[str, _Claim] = {
    "sales.trend": _Claim((), _sign("slope")),
    "sales.weekend": _Claim((), lambda f: _NONE if not f["clear"] else "up" if f["weekend"] > f["weekday"] else "down"),
    "sales.weekdays": _Claim((), _names("best")),
    "sales.holidays": _Claim((), _sign("ratio", 1.0)),
    "sales.months": _Claim((), _names("best")),
    "sales.largest_category": _Claim((), _first_of),
    "sales.preference": _Claim(("trait", "category"), lambda f: f["high"].name if f["clear"] else _NONE),
    "sales.spends_more": _Claim(("category",), lambda f: str(f["high"].name)),
    "sales.spending": _Claim(
        ("trait",), lambda f: max(f["spend"], key=lambda each: each[1])[0].name if f["clear"] else _NONE
    ),
}


def record(data: EdaData, statements: Sequence[Statement], source: str) -> Record:
    """Make the record of a run: its landings with rows, its revenue, and what its findings say.

    Args:
        data: what the run read.
        statements: those of the page `insights.md`.
        source: name of the shop; a record of another one is not compared with.
    """
    last = data.overview.last_date
    findings: dict[str, dict[str, str | None]] = {}
    for statement in statements:
        if statement.name in MEASURES and statement.name not in _OF_THE_MONTH:
            claim = _CLAIMS.get(statement.name)
            says = claim.says(statement.facts) if claim else None
            key = _key(statement, claim)
            while key in findings:
                key += " (again)"
            findings[key] = {"says": says, "sentence": statement.text}
    return {
        "source": source,
        "last_day": last.isoformat() if last else None,
        "revenue": f"{data.overview.revenue:.2f}",
        "lines": data.overview.lines,
        "landings": {day.isoformat(): list(what) for day, what in sorted(data.landed.landings.items()) if what[0]},
        "findings": findings,
    }


def _key(statement: Statement, claim: _Claim | None) -> str:
    """What the finding is about: the phrase, and the names of things in its facts that say which."""
    facts = statement.facts
    if claim is not None:
        return " / ".join([statement.name, *(str(facts[name]) for name in claim.about)])
    named = (value for name, value in facts.items() if isinstance(value, str) and name != "currency")
    return " / ".join([statement.name, *named])


def since(before: bytes | None, now: Record, currency: str) -> tuple[bytes, list[Statement]]:
    """Compare a run with the one before it.

    Args:
        before: `changes.json` as the last run left it; None, and what is no such file, count as a first run.
        now: the record of this run (see `record`).
        currency: of the revenue.

    Returns:
        The new `changes.json`, and the sentences in it.
    """
    stored = _read(before, now["source"])
    last_change: list[str] = []
    if stored is None:
        said, earlier = [words.first_run()], None
    elif stored["run"] == now:
        said = [words.nothing(landings=len(now["landings"]), last_day=_day(now["last_day"]))]
        earlier = stored.get("before")
        of_last_run = stored.get("statements", [])
        is_change = any(each["id"] not in ("changes.nothing", "changes.first_run") for each in of_last_run)
        last_change = [each["sentence"] for each in of_last_run] if is_change else stored.get("last_change", [])
    else:
        earlier = stored["run"]
        said = compare(earlier, now, currency)
    content = {
        "statements": [{"id": each.name, "sentence": each.text} for each in said],
        "last_change": last_change,
        "run": now,
        "before": earlier,
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n", said


def _read(content: bytes | None, source: str) -> dict[str, Any] | None:
    """The file of the last run; None if it is damaged, of another version or of another shop."""
    try:
        read = json.loads(content or b"null")
        if read["run"]["source"] == source and set(read["run"]) >= {"landings", "findings", "revenue", "lines"}:
            # Records of earlier versions have days on which nothing landed.
            read["run"]["landings"] = {day: what for day, what in read["run"]["landings"].items() if what[0]}
            return dict(read)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        pass
    return None


def compare(before: Record, now: Record, currency: str) -> list[Statement]:
    """Say what differs between the records of two runs: landings, revenue, findings."""
    return [*_landings(before, now), _revenue(before, now, currency), *_findings(before, now)]


def _landings(before: Record, now: Record) -> list[Statement]:
    old, new = before["landings"], now["landings"]
    added = sorted(set(new) - set(old))
    again = sum(old[day] != new[day] for day in set(old) & set(new))
    gone = len(set(old) - set(new))
    return [
        words.landings(
            new=len(added),
            rows=sum(new[day][0] for day in added),
            first=_day(added[0]) if added else None,
            last=_day(added[-1]) if added else None,
            again=again,
            gone=gone,
        )
    ]


def _revenue(before: Record, now: Record, currency: str) -> Statement:
    return words.revenue(
        added=float(Decimal(now["revenue"]) - Decimal(before["revenue"])),
        lines=now["lines"] - before["lines"],
        total=float(now["revenue"]),
        last_day=_day(now["last_day"]),
        last_day_before=_day(before["last_day"]),
        currency=currency,
    )


def _findings(before: Record, now: Record) -> list[Statement]:
    """Turned first, then new, then gone, each in the order of its page; at most `MOST_FINDINGS`."""
    old, new = before["findings"], now["findings"]
    changed: list[tuple[Callable[..., Statement], dict[str, str]]] = [
        (words.turned, {"before": old[key]["sentence"], "now": new[key]["sentence"]})
        for key in new
        if key in old and old[key]["says"] != new[key]["says"]
    ]
    changed += [(words.new, {"sentence": new[key]["sentence"]}) for key in new if key not in old]
    changed += [(words.gone, {"sentence": old[key]["sentence"]}) for key in old if key not in new]
    said = [say(**facts) for say, facts in changed[:MOST_FINDINGS]]
    left = len(changed) - len(said)
    return [*said, *([words.more(count=left)] if left else [])]


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)
