"""Seeded sales in the seed's schema, of any size, with planted shoppers and a stated share of each kind of dirt.

Everything about a row is a pure function of the seed and of the row's number. So the same arguments give the same
bytes on any machine, in constant memory, and a row can point at another one (a repeated or corrected line) without
anything being kept.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from retail_assets.errors import LandingError
from retail_assets.landing.land import land_file
from retail_assets.landing.partitions import partition_folder
from retail_assets.samples.sample_landing import SampleLanded, refuse_foreign_landings, workplace
from retail_assets.storage import Store

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "retail_sales"
HEADER = "Transaction ID,Date,Customer ID,Gender,Age,Product Category,Quantity,Price per Unit,Total Amount"
START = dt.date(2024, 1, 1)
MOST_ROWS = 1_000_000_000
MOST_DAYS = 3_660
MOST_DIRT = 0.25

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """One kind of unusual row.

    `share` is relative to `dirt`: with dirt 0.01 and share 0.10, one row in a thousand. `outcome` is what cleaning
    should make of it, `reason` the rule that should reject it.
    """

    name: str
    share: float
    outcome: Literal["quarantined", "superseded", "clean"]
    reason: str | None
    example: str


#: Dirt: the shares add up to 1, so that `dirt` is the share of rows that are rejected, repeated or corrected. Of the
#: last two kinds some less come out: a row with nothing usable to repeat or correct stays plain.
DIRT: tuple[Kind, ...] = (
    Kind("missing_id", 0.08, "quarantined", "missing_transaction_id", "empty Transaction ID"),
    Kind("unreadable_date", 0.08, "quarantined", "invalid_date", "2023-13-45, yesterday"),
    Kind("far_date", 0.04, "quarantined", "date_out_of_range", "2199-01-01, 1899-12-30"),
    Kind("missing_category", 0.05, "quarantined", "missing_category", "empty Product Category"),
    Kind("long_category", 0.02, "quarantined", "text_too_long", "a category of 300 letters"),
    Kind("bad_quantity", 0.08, "quarantined", "invalid_quantity", "two"),
    Kind("zero_quantity", 0.06, "quarantined", "zero_quantity", "0 pieces for 0"),
    Kind("bad_price", 0.05, "quarantined", "invalid_price", "free"),
    Kind("negative_price", 0.05, "quarantined", "negative_price", "-25, with the total that follows from it"),
    Kind("bad_amount", 0.05, "quarantined", "invalid_amount", "n/a"),
    Kind("total_mismatch", 0.10, "quarantined", "total_mismatch", "ten more than quantity x price"),
    Kind("unknown_gender", 0.06, "quarantined", "invalid_gender", "Q7"),
    Kind("impossible_age", 0.06, "quarantined", "invalid_age", "210, -3"),
    Kind("ragged_row", 0.07, "quarantined", "malformed_row", "three fields, or eleven"),
    Kind("repeated_id", 0.10, "superseded", None, "the id of a row an eighth of a landing earlier, with other content"),
    Kind("corrected_row", 0.05, "clean", None, "the id of a row of an earlier landing, with other content"),
)

#: Unusual and clean all the same. Their shares, too, are relative to `dirt`.
VARIANTS: tuple[Kind, ...] = (
    Kind("spaces_and_case", 1.00, "clean", None, "' beauty', 'CLOTHING ', ' male'"),
    Kind("other_date_format", 1.50, "clean", None, "05-Jan-2024, 'Jan 05, 2024', 2024-01-05 14:03:22"),
    Kind("money_marks", 0.30, "clean", None, '"$1,500.00"'),
    Kind("quoted", 0.20, "clean", None, '"Beauty"'),
    Kind("anonymous", 0.30, "clean", None, "empty Customer ID, Gender and Age"),
)

_KINDS = (*DIRT, *VARIANTS)
_PLAIN = len(_KINDS)
_NUMBER = {kind.name: i for i, kind in enumerate(_KINDS)}
_REJECTED = np.array([kind.outcome == "quarantined" for kind in _KINDS] + [False])


@dataclass(frozen=True)
class Shopper:
    """A planted kind of customer: `slots` of every 20 customer numbers, `lines` of 100 sales lines on a usual day.

    `items` are (category, price in cents, weight), `most` the largest quantity of a line.
    """

    name: str
    slots: range
    lines: int
    items: tuple[tuple[str, int, int], ...]
    most: int


#: Budget shoppers come often and spend little; high-value ones buy electronics; seasonal ones come in one season of
#: four weeks a year (and more of them before Christmas), and then spend a lot.
SHOPPERS: tuple[Shopper, ...] = (
    Shopper(
        "budget",
        range(0, 8),
        72,
        (
            ("Beauty", 599, 30),
            ("Beauty", 1250, 20),
            ("Clothing", 999, 25),
            ("Clothing", 3000, 15),
            ("Electronics", 1999, 10),
        ),
        2,
    ),
    Shopper(
        "high-value",
        range(8, 13),
        20,
        (("Electronics", 30000, 40), ("Electronics", 50000, 30), ("Electronics", 89999, 10), ("Beauty", 5000, 20)),
        3,
    ),
    Shopper(
        "seasonal",
        range(13, 20),
        8,
        (("Clothing", 12000, 35), ("Clothing", 30000, 25), ("Beauty", 8950, 25), ("Electronics", 30000, 15)),
        4,
    ),
)

_CATEGORIES = ("Beauty", "Clothing", "Electronics")
_ITEMS = tuple((s, category, cents) for s, shopper in enumerate(SHOPPERS) for category, cents, _ in shopper.items)
_ITEM_CENTS = np.array([cents for _, _, cents in _ITEMS], dtype=np.int64)
_ITEM_CATEGORY = np.array([_CATEGORIES.index(category) for _, category, _ in _ITEMS], dtype=np.int64)
_MOST = 4  # the largest quantity of any shopper
_LATEST = 14  # days a sale may arrive late
_SEASONS = 13
_SEASON_DAYS = 28
_CHUNK = 1 << 18


@dataclass
class Expected:
    """What was generated, for comparison with what cleaning finds. Filled while `generate` is consumed.

    `kinds` counts rows by kind (plain ones under "plain"); `clean_cents` is the money of the rows that are clean and
    not superseded in their landing, in cents.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    rows_by_landing: Counter[dt.date] = field(default_factory=Counter)
    clean_cents: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """Rows to be quarantined, by the reason that they should get."""
        return {k.reason: self.kinds[k.name] for k in DIRT if k.reason and self.kinds[k.name]}

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())

    @property
    def superseded(self) -> int:
        """Rows whose id comes again later in the same landing."""
        return self.kinds["repeated_id"]

    @property
    def clean(self) -> int:
        """Rows of `sales_clean`: over all landings, so that corrected sales count in both."""
        return self.rows - self.quarantined - self.superseded

    @property
    def current(self) -> int:
        """Rows of `sales`: distinct transactions."""
        return self.clean - self.kinds["corrected_row"]

    @property
    def clean_amount(self) -> Decimal:
        return Decimal(self.clean_cents) / 100


def generate(
    rows: int,
    days: int,
    seed: int,
    start: dt.date = START,
    dirt: float = 0.01,
    *,
    expected: Expected | None = None,
    chunk: int = _CHUNK,
) -> Iterator[tuple[dt.date, str, bytes]]:
    """Yield (landing day, file name, bytes): one CSV file a landing day, in pieces of `chunk` rows.

    Pieces of one file follow each other; the first begins with the header, and a day without rows has no file. Days
    are landing partitions from `start` on; most rows were sold the day before, some on the day, a few up to two
    weeks earlier. Neither `chunk` nor the machine changes a byte. `expected` is filled on the way.
    Raises LandingError when an argument is out of its range.
    """
    _check(rows, days, start, seed, dirt)
    account = Expected() if expected is None else expected
    name = file_name(rows, days, seed, dirt)
    first = 0
    for landed_on, count in rows_by_landing(rows, days, start).items():
        landing = _Landing(seed, dirt, landed_on, first, first + count, groups=rows // 600 + 1)
        for low in range(first, first + count, chunk):
            high = min(low + chunk, first + count)
            data = _render(landing, np.arange(low, high, dtype=np.int64), account)
            yield landed_on, name, (HEADER.encode() + b"\n" + data if low == first else data)
        first += count


def file_name(rows: int, days: int, seed: int, dirt: float = 0.01) -> str:
    """Name of every file of the sample: it tells the recipe."""
    return f"synthetic_{rows}-rows_{days}-days_seed-{seed}_dirt-{dirt:g}.csv"


def rows_by_landing(rows: int, days: int, start: dt.date = START) -> dict[dt.date, int]:
    """How many rows land on each day: weekends and holidays (the day before the landing) weigh more. Adds up to `rows`.

    Raises LandingError when an argument is out of its range.
    """
    _check(rows, days, start)
    landings = [start + dt.timedelta(days=d) for d in range(days)]
    weights = [_weight(day - dt.timedelta(days=1)) for day in landings]
    total, so_far, before = sum(weights), 0, 0
    counts = {}
    for day, weight in zip(landings, weights, strict=True):
        so_far += weight
        upto = rows * so_far // total
        counts[day] = upto - before
        before = upto
    return counts


def shopper_of(customer_id: str) -> str:
    """The planted kind of a generated customer: "budget", "high-value" or "seasonal"."""
    slot = int(customer_id.removeprefix("CUST")) % 20
    return next(shopper.name for shopper in SHOPPERS if slot in shopper.slots)


def land(
    store: Store,
    rows: int,
    days: int,
    seed: int,
    start: dt.date = START,
    dirt: float = 0.01,
    watch: Callable[[int], None] | None = None,
) -> SampleLanded:
    """Land what `generate` yields below `retail_sales`; a second time changes nothing.

    `watch` is told of the rows of every piece. Raises LandingError when an argument is out of its range, or when
    other landings lie below the source.
    """
    _check(rows, days, start, seed, dirt)
    name = file_name(rows, days, seed, dirt)
    counts = rows_by_landing(rows, days, start)
    keys = {day: f"{partition_folder(SOURCE, day)}/{name}" for day, count in counts.items() if count}
    present = refuse_foreign_landings(store, SOURCE, set(keys.values()), f"The synthetic sample {name}")
    account = Expected()
    pieces = generate(rows, days, seed, start, dirt, expected=account)
    landed = told = 0
    with workplace() as work:
        path = Path(work, name)
        for day, of_the_day in itertools.groupby(pieces, key=lambda piece: piece[0]):
            with path.open("wb") as f:
                for _, _, data in of_the_day:
                    f.write(data)
                    if watch:
                        watch(account.rows - told)
                    told = account.rows
            landed += land_file(path, store, SOURCE, day, present=present).status == "landed"
    return SampleLanded(SOURCE, rows, landed, len(keys) - landed, min(keys), max(keys))


def _check(rows: int, days: int, start: dt.date, seed: int = 0, dirt: float = 0.0) -> None:
    options = (("--rows", rows, 1, MOST_ROWS), ("--days", days, 1, MOST_DAYS), ("--seed", seed, 0, 2**32))
    for option, value, low, high in options:
        if not low <= value <= high:
            raise LandingError(f"{option} {value} is not usable. Allowed: {low:,} to {high:,}.")
    if not 0 <= dirt <= MOST_DIRT:  # also refuses nan
        raise LandingError(f"--dirt {dirt} is not usable. Allowed: 0 to {MOST_DIRT}.")
    if not dt.date(1990, 2, 1) <= start <= dt.date(2100, 1, 1):
        raise LandingError(f"--start {start} is not usable. Allowed: 1990-02-01 to 2100-01-01.")


def _weight(sold_on: dt.date) -> int:
    """How much is sold on a day, relative to 100 on a quiet one."""
    weight = (90, 90, 95, 100, 125, 160, 140)[sold_on.weekday()]
    month_day = (sold_on.month, sold_on.day)
    if (11, 20) <= month_day <= (12, 24):
        weight = weight * 3 // 2
    if sold_on.month == 11 and sold_on.weekday() == 4 and 23 <= sold_on.day <= 29:  # Black Friday
        weight *= 2
    if (2, 8) <= month_day <= (2, 14) or (7, 1) <= month_day <= (7, 4):
        weight = weight * 5 // 4
    return weight // 4 if month_day in ((12, 25), (1, 1)) else weight


@dataclass(frozen=True)
class _Landing:
    """One landing day's rows, numbered `first` to `end` (exclusive) over the whole sample."""

    seed: int
    dirt: float
    landed_on: dt.date
    first: int
    end: int
    groups: int

    def draw(self, rows: Numbers, stream: int) -> NDArray[np.uint64]:
        return _random(rows, self.seed, stream)


def _random(numbers: Numbers, seed: int, stream: int) -> NDArray[np.uint64]:
    """32 random bits for each number: splitmix64 (Steele, Lea, Flood, 2014) as a hash of number, seed and stream.

    A counter-based hash instead of a numpy generator: its values need no state and change with no version of numpy.
    """
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x += np.uint64(((seed + 1) * 0xD1B54A32D192ED03 + (stream + 1) * 0x8CB92BA72F3D8DD7) & (2**64 - 1))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x ^= x >> np.uint64(shift)
            x *= np.uint64(factor)
        x ^= x >> np.uint64(31)
        return x >> np.uint64(32)


def _below(random: NDArray[np.uint64], n: int) -> Numbers:
    """Numbers in [0, n) from 32 random bits."""
    return ((random * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


#: Streams of randomness, one a decision.
_KIND, _SHOPPER, _GROUP, _SLOT, _ITEM, _QUANTITY, _RETURN, _LAG, _VARIANT, _PERSON = range(10)


def _raw_kinds(landing: _Landing, rows: Numbers) -> Numbers:
    """Kind of each row before rows that would point at nothing usable are made plain."""
    edges, so_far = [], 0.0
    for kind in _KINDS:
        so_far += kind.share * landing.dirt
        edges.append(int(so_far * 2**32))
    return np.searchsorted(np.array(edges, dtype=np.uint64), landing.draw(rows, _KIND), side="right").astype(np.int64)


def _targets(landing: _Landing, rows: Numbers, kinds: Numbers) -> Numbers:
    """The row whose id each row carries: itself, or for repeated and corrected rows another one. Changes `kinds`.

    The distance is the same for all rows of a landing, so no two of them point at the same row. A row that
    would point outside, or at anything but a plain row, becomes plain.
    """
    count = landing.end - landing.first
    ids = rows.copy()
    for name, distance in (("repeated_id", max(1, count // 8)), ("corrected_row", count)):
        at = np.flatnonzero(kinds == _NUMBER[name])
        target = rows[at] - distance
        usable = target >= (landing.first if name == "repeated_id" else 0)
        usable[usable] = _raw_kinds(landing, target[usable]) == _PLAIN
        ids[at[usable]] = target[usable]
        kinds[at[~usable]] = _PLAIN
    return ids


def _items(landing: _Landing, rows: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Shopper, item and quantity of each row, as they were before any dirt."""
    peak = _weight(landing.landed_on - dt.timedelta(days=1)) > 180
    seasonal = SHOPPERS[2].lines * (3 if peak else 1)
    lines = [SHOPPERS[0].lines - (seasonal - SHOPPERS[2].lines), SHOPPERS[1].lines, seasonal]
    of_hundred = np.repeat(np.arange(3, dtype=np.int64), lines)
    shopper = of_hundred[_below(landing.draw(rows, _SHOPPER), 100)]
    baskets = np.concatenate([_weighted_items(s) for s in range(3)])
    item = baskets[shopper * 100 + _below(landing.draw(rows, _ITEM), 100)]
    most = np.array([s.most for s in SHOPPERS], dtype=np.uint64)[shopper]
    quantity = ((landing.draw(rows, _QUANTITY) * most) >> np.uint64(32)).astype(np.int64) + 1
    returned = _below(landing.draw(rows, _RETURN), 100) < 3
    return shopper, item, np.where(returned, -quantity, quantity)


def _weighted_items(shopper: int) -> Numbers:
    numbers = [i for i, (s, _, _) in enumerate(_ITEMS) if s == shopper]
    return np.repeat(np.array(numbers, dtype=np.int64), [weight for _, _, weight in SHOPPERS[shopper].items])


def _customers(landing: _Landing, rows: Numbers, shopper: Numbers) -> Numbers:
    """Customer numbers, 20 a group; the place in the group tells the kind of shopper, the group the season."""
    group = _below(landing.draw(rows, _GROUP), landing.groups)
    season = landing.landed_on.toordinal() // _SEASON_DAYS % _SEASONS
    group = np.where(shopper == 2, group // _SEASONS * _SEASONS + season, group)
    low = np.array([s.slots.start for s in SHOPPERS], dtype=np.int64)[shopper]
    width = np.array([len(s.slots) for s in SHOPPERS], dtype=np.uint64)[shopper]
    slot = low + ((landing.draw(rows, _SLOT) * width) >> np.uint64(32)).astype(np.int64)
    return group * 20 + slot


_LAGS = _LATEST + 1
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale
_GENDERS = ("Female", "Male", "FEMALE ", " male", '"Female"', '"Male"', "", "Q7")
_CATEGORY_TEXTS = (*_CATEGORIES, " beauty", "CLOTHING ", "electronics", '"Beauty"', '"Clothing"', '"Electronics"')
_NO_CATEGORY = len(_CATEGORY_TEXTS)
_AGES = (*map(str, range(18, 78)), "", "210", "-3")
_QUANTITIES = (*map(str, range(-_MOST, _MOST + 1)), "two")


def _date_texts(landed_on: dt.date) -> list[str]:
    """Dates 0 to 14 days before the landing, in six formats, then two that are none and two far away."""
    sold = [landed_on - dt.timedelta(days=lag) for lag in range(_LAGS)]
    names = [(f"{d.day:02d}", _MONTHS[d.month - 1], d.year) for d in sold]
    texts = [d.isoformat() for d in sold]
    texts += [f"{day}-{month}-{year}" for day, month, year in names]
    texts += [f"{day} {month} {year}" for day, month, year in names]
    texts += [f'"{month} {day}, {year}"' for day, month, year in names]
    texts += [f"{d} 14:03:22" for d in sold]
    texts += [f"{d}T09:30:00" for d in sold]
    return [*texts, "2023-13-45", "yesterday", "2199-01-01", "1899-12-30"]


def _money(cents: int) -> str:
    """Cents as the seed writes money: whole amounts without decimals."""
    sign, whole, rest = "-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"


def _marked(cents: int) -> str:
    return f'"${Decimal(cents) / 100:,.2f}"'


_PRICES = [_money(c) for c in _ITEM_CENTS.tolist()]
_PRICES += [_money(-c) for c in _ITEM_CENTS.tolist()]
_PRICES += [_marked(c) for c in _ITEM_CENTS.tolist()]
_PRICES += ["free"]
_TOTAL_CENTS = [c * q for c in _ITEM_CENTS.tolist() for q in range(-_MOST, _MOST + 1)]
_TOTALS = [_money(c) for c in _TOTAL_CENTS]
_TOTALS += [_money(c + 1000) for c in _TOTAL_CENTS]
_TOTALS += [_marked(c) for c in _TOTAL_CENTS]
_TOTALS += ["n/a"]


def _render(landing: _Landing, rows: Numbers, expected: Expected) -> bytes:
    """The lines of `rows` as CSV, and their account.

    Every column is looked up in a small table of texts, in which dirt has places of its own; Arrow then joins the
    columns, which is several times faster than formatting.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = _raw_kinds(landing, rows)
    ids = _targets(landing, rows, kinds)
    shopper, item, quantity = _items(landing, rows)
    customer = _customers(landing, rows, shopper)
    choice = landing.draw(rows, _VARIANT).astype(np.int64)
    person = _random(customer, landing.seed, _PERSON).astype(np.int64)
    at: dict[str, Numbers] = {name: np.flatnonzero(kinds == number) for name, number in _NUMBER.items()}

    lag = _below(landing.draw(rows, _LAG), 1000)
    date = np.where(lag < 100, 0, np.where(lag < 950, 1, 2 + (lag - 950) % (_LATEST - 1)))
    date[at["other_date_format"]] += _LAGS * (1 + choice[at["other_date_format"]] % 5)
    date[at["unreadable_date"]] = 6 * _LAGS + choice[at["unreadable_date"]] % 2
    date[at["far_date"]] = 6 * _LAGS + 2 + choice[at["far_date"]] % 2

    gender = person & 1
    gender[at["spaces_and_case"]] += 2
    gender[at["quoted"]] += 4
    gender[at["anonymous"]] = 6
    gender[at["unknown_gender"]] = 7
    age = (person >> 1) % 60
    age[at["anonymous"]] = 60
    age[at["impossible_age"]] = 61 + choice[at["impossible_age"]] % 2

    category = _ITEM_CATEGORY[item]
    category[at["spaces_and_case"]] += 3
    category[at["quoted"]] += 6
    category[at["missing_category"]] = _NO_CATEGORY
    category[at["long_category"]] = _NO_CATEGORY + 1

    for name in ("negative_price", "money_marks"):
        quantity[at[name]] = abs(quantity[at[name]])
    quantity[at["zero_quantity"]] = 0
    cents = _ITEM_CENTS[item] * quantity
    total = item * (2 * _MOST + 1) + quantity + _MOST
    total[at["negative_price"]] -= 2 * quantity[at["negative_price"]]
    total[at["total_mismatch"]] += len(_TOTAL_CENTS)
    total[at["money_marks"]] += 2 * len(_TOTAL_CENTS)
    total[at["bad_amount"]] = 3 * len(_TOTAL_CENTS)
    price = item.copy()
    price[at["negative_price"]] += len(_ITEMS)
    price[at["money_marks"]] += 2 * len(_ITEMS)
    price[at["bad_price"]] = 3 * len(_ITEMS)
    quantity_text = quantity + _MOST
    quantity_text[at["bad_quantity"]] = 2 * _MOST + 1

    def looked_up(texts: list[str] | tuple[str, ...], places: Numbers) -> pa.Array:
        return pa.array(texts, pa.string()).take(pa.array(places.astype(np.int32)))

    def emptied(column: pa.Array, name: str) -> pa.Array:
        return pc.if_else(pa.array(kinds == _NUMBER[name]), "", column) if len(at[name]) else column

    id_text = emptied(pc.cast(pa.array(ids + 1), pa.string()), "missing_id")
    customer_text = pc.utf8_lpad(pc.cast(pa.array(customer), pa.string()), 6, "0")
    customer_text = emptied(pc.binary_join_element_wise("CUST", customer_text, ""), "anonymous")
    columns: list[Any] = [
        id_text,
        looked_up(_date_texts(landing.landed_on), date),
        customer_text,
        looked_up(_GENDERS, gender),
        looked_up(_AGES, age),
        looked_up((*_CATEGORY_TEXTS, "", "Electronics" * 28), category),
        looked_up(_QUANTITIES, quantity_text),
        looked_up(_PRICES, price),
    ]
    last = looked_up([f"{text}\n" for text in _TOTALS], total)
    if len(at["ragged_row"]):
        ragged = pa.array(kinds == _NUMBER["ragged_row"])
        last = pc.if_else(ragged, "1,EXTRA,MORE\n", last)
    lines = pc.binary_join_element_wise(*columns, last, ",")
    if len(at["ragged_row"]):
        short = pa.array((kinds == _NUMBER["ragged_row"]) & (choice % 2 == 0))
        lines = pc.if_else(short, pc.binary_join_element_wise(*columns[:2], "CUST000001\n", ","), lines)

    _count(expected, landing, rows, kinds, ids, cents)
    return _bytes_of(lines)


def _count(expected: Expected, landing: _Landing, rows: Numbers, kinds: Numbers, ids: Numbers, cents: Numbers) -> None:
    counts = np.bincount(kinds, minlength=_PLAIN + 1).tolist()
    names = [*(kind.name for kind in _KINDS), "plain"]
    expected.kinds.update({name: count for name, count in zip(names, counts, strict=True) if count})
    expected.rows += len(rows)
    expected.rows_by_landing[landing.landed_on] += len(rows)
    # What a repeated line replaces is a plain row of the same landing: its money goes.
    _, item, quantity = _items(landing, ids[kinds == _NUMBER["repeated_id"]])
    expected.clean_cents += int(cents[~_REJECTED[kinds]].sum()) - int((_ITEM_CENTS[item] * quantity).sum())


def _bytes_of(strings: pa.Array) -> bytes:
    """The texts of an Arrow string array, one after the other: its data buffer, as it is."""
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    data: bytes = strings.buffers()[2].slice(int(offsets[0]), int(offsets[-1] - offsets[0])).to_pybytes()
    return data
