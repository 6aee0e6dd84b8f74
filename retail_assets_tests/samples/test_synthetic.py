"""Generated sales: same bytes for the same seed, every kind of dirt in its share, planted shoppers."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections import Counter, defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_assets.contracts import loading as contracts
from retail_assets.contracts.headers import match_header
from retail_assets.errors import LandingError
from retail_assets.landing.partitions import landed_partitions
from retail_assets.samples import synthetic
from retail_assets.samples.dirt import DIRT, VARIANTS
from retail_assets.samples.expected import Expected
from retail_assets.samples.shoppers import shopper_of
from retail_assets.storage import Store
from retail_assets_tests.trials import trials

Row = dict[str, str]
DATE_FORMATS = ("%Y-%m-%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def files_of(*args: object, **options: object) -> dict[dt.date, bytes]:
    files: dict[dt.date, bytes] = defaultdict(bytes)
    for day, _, data in synthetic.generate(*args, **options):  # type: ignore[arg-type]
        files[day] += data
    return dict(files)


def rows_of(data: bytes) -> list[list[str]]:
    header, *rows = csv.reader(io.StringIO(data.decode()))
    assert header == synthetic.HEADER.split(",")
    return rows


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace("$", "").replace(",", ""))
    except InvalidOperation:
        return None


def date_of(text: str) -> dt.date | None:
    for pattern in DATE_FORMATS:
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None


def reasons_of(row: list[str], landed_on: dt.date) -> set[str]:
    """Judge a row independently, by the list of reasons and not by the generator."""
    if len(row) != 9:
        return {"malformed_row"}
    number_id, date, _, _, _, category, quantity, price, total = (text.strip() for text in row)
    reasons = set()
    sold, q, p, t = date_of(date), number(quantity), number(price), number(total)
    reasons |= {"missing_transaction_id"} if not number_id else set()
    reasons |= {"missing_category"} if not category else set()
    reasons |= {"text_too_long"} if len(category) > 128 else set()
    reasons |= {"invalid_date"} if sold is None else set()
    in_range = sold is None or dt.date(1990, 1, 1) <= sold <= landed_on + dt.timedelta(days=1)
    reasons |= set() if in_range else {"date_out_of_range"}
    reasons |= {"invalid_quantity"} if q is None else {"zero_quantity"} if q == 0 else set()
    reasons |= {"invalid_price"} if p is None else {"negative_price"} if p < 0 else set()
    reasons |= {"invalid_amount"} if t is None else set()
    if q is not None and p is not None and t is not None and abs(t - q * p) > Decimal("0.01"):
        reasons.add("total_mismatch")
    return reasons


def test_an_independent_reading_finds_exactly_what_was_planted() -> None:
    expected = Expected()
    files = files_of(20_000, 12, 7, dirt=0.1, expected=expected)
    reasons_found: Counter[str] = Counter()
    rows, clean, superseded, cents = 0, 0, 0, Decimal(0)
    current: set[str] = set()
    for landed_on, data in files.items():
        last: dict[str, Decimal] = {}
        for row in rows_of(data):
            rows += 1
            reasons = reasons_of(row, landed_on)
            assert len(reasons) <= 1, row  # each kind of dirt breaks one rule
            reasons_found.update(reasons)
            if not reasons:
                superseded += row[0] in last
                last[row[0]] = number(row[8]) or Decimal(0)
        clean += len(last)
        cents += sum(last.values())
        current |= last.keys()
    assert rows == expected.rows == 20_000
    assert dict(reasons_found) == expected.reasons
    assert len(expected.reasons) == sum(kind.outcome == "quarantined" for kind in DIRT)
    assert superseded == expected.superseded > 50
    assert clean == expected.clean
    assert len(current) == expected.current < clean
    assert cents == expected.clean_amount
    assert rows == clean + expected.quarantined + superseded


def test_dirt_comes_in_the_stated_shares() -> None:
    expected = Expected()
    for _ in synthetic.generate(400_000, 5, 3, dirt=0.1, expected=expected):
        pass
    for kind in (*DIRT, *VARIANTS):
        planned = 400_000 * 0.1 * kind.share
        # Repeated and corrected rows with nothing usable to repeat or correct (in the first landing) stay plain.
        low = 0.35 if kind.name in ("repeated_id", "corrected_row") else 1 - 5 / planned**0.5
        assert low * planned <= expected.kinds[kind.name] <= planned * (1 + 5 / planned**0.5), kind.name
    assert sum(kind.share for kind in DIRT) == pytest.approx(1)


def test_without_dirt_every_row_is_plain_and_readable_at_once() -> None:
    expected = Expected()
    for landed_on, data in files_of(2_000, 4, 1, dirt=0.0, expected=expected).items():
        for row in rows_of(data):
            assert reasons_of(row, landed_on) == set()
            assert dt.date.fromisoformat(row[1]) <= landed_on
    assert expected.kinds == Counter({"plain": 2_000})


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    """Benchmarks and tests on different machines use the same data; a new hash here means a new data set."""
    files = files_of(3_000, 5, 7)
    digest = hashlib.sha256(b"".join(files[day] for day in sorted(files))).hexdigest()
    assert digest == "82f39eb66f321de4b316dd53c4ecc3434fb44d64281988b9296803c34a413911"
    assert files_of(3_000, 5, 8) != files


@given(
    st.integers(1, 400),
    st.integers(1, 40),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.01, 0.25]),
    st.integers(9, 90),
)
@settings(max_examples=trials(25), deadline=None)
def test_any_size_adds_up_and_is_the_same_in_any_pieces(
    rows: int, days: int, seed: int, dirt: float, chunk: int
) -> None:
    expected, pieced = Expected(), Expected()
    files = files_of(rows, days, seed, dirt=dirt, expected=expected)
    assert files_of(rows, days, seed, dirt=dirt, expected=pieced, chunk=chunk) == files
    assert pieced == expected
    counts = synthetic.rows_by_landing(rows, days)
    assert sum(counts.values()) == rows == expected.rows
    assert {day: data.count(b"\n") - 1 for day, data in files.items()} == {d: n for d, n in counts.items() if n}
    assert list(counts) == [synthetic.START + dt.timedelta(days=i) for i in range(days)]


def test_weekends_and_the_weeks_before_christmas_sell_more() -> None:
    counts = synthetic.rows_by_landing(1_000_000, 366)
    by_weekday: dict[int, list[int]] = defaultdict(list)
    for landed_on, count in counts.items():
        by_weekday[(landed_on - dt.timedelta(days=1)).weekday()].append(count)
    assert mean(by_weekday[5]) > 1.4 * mean(by_weekday[1])
    advent = mean(n for d, n in counts.items() if dt.date(2024, 11, 21) <= d <= dt.date(2024, 12, 25))
    assert advent > 1.3 * mean(counts.values())
    assert counts[dt.date(2024, 11, 30)] == max(counts.values())  # Black Friday, landed on the Saturday


def test_the_three_kinds_of_shopper_behave_as_planted() -> None:
    visits: Counter[str] = Counter()
    spent: dict[str, Decimal] = defaultdict(Decimal)
    lines: Counter[str] = Counter()
    seasons: dict[str, set[int]] = defaultdict(set)
    for landed_on, data in files_of(40_000, 366, 5, dirt=0.0).items():
        for row in rows_of(data):
            kind = shopper_of(row[2])
            visits[row[2]] += 1
            spent[kind] += Decimal(row[8])
            lines[kind] += 1
            if kind == "seasonal":
                seasons[row[2]].add(landed_on.toordinal() // 28)
    customers = Counter(map(shopper_of, visits))
    frequency = {kind: lines[kind] / customers[kind] for kind in customers}
    basket = {kind: spent[kind] / lines[kind] for kind in customers}
    assert frequency["budget"] > 2 * frequency["high-value"] > 2 * frequency["seasonal"]
    assert basket["high-value"] > 10 * basket["budget"]
    assert basket["seasonal"] > 10 * basket["budget"]
    assert all(max(s) - min(s) in (0, 13) for s in seasons.values())  # the same four weeks, a year apart at most


def test_late_sales_and_returns_are_there() -> None:
    lags: Counter[int] = Counter()
    returns = 0
    for landed_on, data in files_of(5_000, 3, 2, dirt=0.0).items():
        for row in rows_of(data):
            lags[(landed_on - dt.date.fromisoformat(row[1])).days] += 1
            returns += int(row[6]) < 0
    assert lags[1] > lags[0] > 0
    assert set(lags) == set(range(15))
    assert 0 < returns < 5_000 * 0.06


def test_the_header_is_the_seeds_and_fits_its_contract() -> None:
    match = match_header(synthetic.HEADER.split(","), contracts.load("retail_sales"), "synthetic")
    assert match.unknown == ()


def test_landing_the_sample_twice_changes_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "raw"))
    reported: list[int] = []
    first = synthetic.land(store, 500, 4, 1, watch=reported.append)
    assert (first.rows, first.files_landed, first.files_already_landed) == (500, 4, 0)
    assert sum(reported) == 500
    before = store.list("")
    assert {e.key.split("/")[1]: store.read(e.key) for e in before} == {
        f"dt={day}": data for day, data in files_of(500, 4, 1).items()
    }
    second = synthetic.land(store, 500, 4, 1)
    assert (second.files_landed, second.files_already_landed) == (0, 4)
    assert store.list("") == before


def test_days_without_a_row_have_no_landing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "raw"))
    landed = synthetic.land(store, 2, 30, 1)
    days = landed_partitions(store, "retail_sales")
    assert landed.files_landed == len(days) <= 2
    assert (landed.first, landed.last) == (days[0], days[-1])


@pytest.mark.parametrize("other", [(501, 4, 1), (500, 5, 1), (500, 4, 2)])
def test_another_recipe_or_real_files_beside_the_sample_are_refused(
    tmp_path: Path, other: tuple[int, int, int]
) -> None:
    """Otherwise invented sales would be mistaken for real ones."""
    store = Store(str(tmp_path / "raw"))
    synthetic.land(store, 500, 4, 1)
    before = store.list("")
    with pytest.raises(LandingError, match="4 other landed files"):
        synthetic.land(store, *other)
    assert store.list("") == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": 0}, "--rows"),
        ({"rows": 10**10}, "--rows"),
        ({"days": 0}, "--days"),
        ({"seed": -1}, "--seed"),
        ({"dirt": 0.5}, "--dirt"),
        ({"dirt": float("nan")}, "--dirt"),
        ({"start": dt.date(1, 1, 1)}, "--start"),
        ({"start": dt.date(9999, 12, 31)}, "--start"),
    ],
)
def test_arguments_out_of_range_are_refused_with_what_is_allowed(change: dict[str, object], says: str) -> None:
    arguments = {"rows": 10, "days": 2, "seed": 1, **change}
    with pytest.raises(LandingError, match=rf"{says} .*Allowed"):
        list(synthetic.generate(**arguments))  # type: ignore[arg-type]
