"""The tables of a bundle's SQLite file, once: `exports/bundle` writes them and the predictor reads nothing else.

A file whose schema differs by one letter is refused, so that no view, trigger, generated column or virtual table of a
stranger is ever run.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1
"""Counts changes of these tables and of the model's file. A bundle of another version is refused."""

TOTAL = "TOTAL"
"""Name of the forecast of all categories together."""


@dataclass(frozen=True)
class Table:
    """A table: columns with SQLite's strict types; those with `?` may be null. Decimals and days are text."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    @property
    def ddl(self) -> str:
        """The statement that creates it, letter by letter as SQLite keeps it."""
        columns = [
            f"{name} {kind.rstrip('?')}{'' if kind.endswith('?') else ' NOT NULL'}" for name, kind in self.columns
        ]
        return (
            f"CREATE TABLE {self.name} ({', '.join(columns)}, PRIMARY KEY ({', '.join(self.key)})) "
            "STRICT, WITHOUT ROWID"
        )

    @property
    def select(self) -> str:
        """All columns in order, of all rows."""
        return f"SELECT {', '.join(self.names)} FROM {self.name}"


def _table(name: str, key: str, columns: str) -> Table:
    pairs = tuple((words[0], words[1]) for words in (line.split() for line in columns.strip().splitlines()))
    return Table(name, pairs, tuple(key.split()))


CATEGORY = _table(
    "category",
    "name",
    """
    name TEXT
    place INTEGER
    revenue TEXT
    recent_revenue TEXT
    first_day TEXT
    last_day TEXT
    """,
)
FORECAST = _table(
    "forecast",
    "category day",
    """
    category TEXT
    day TEXT
    horizon_day INTEGER
    mean REAL
    p025 REAL
    p10 REAL
    p50 REAL
    p90 REAL
    p975 REAL
    units REAL?
    units_p10 REAL?
    units_p90 REAL?
    seasonal_naive REAL
    method TEXT
    model_version TEXT
    """,
)
CUSTOMER = _table(
    "customer",
    "customer_id",
    """
    customer_id TEXT
    persona TEXT
    confidence REAL?
    tags TEXT
    favorite_category TEXT?
    lapsed_risk INTEGER
    frequency INTEGER
    monetary TEXT
    average_basket REAL
    last_sale_date TEXT
    snapshot_date TEXT
    previous_persona TEXT?
    previous_snapshot TEXT?
    """,
)
PERSONA = _table(
    "persona",
    "persona",
    """
    persona TEXT
    place INTEGER
    description TEXT
    decided_by TEXT
    customers INTEGER
    revenue TEXT
    numbers TEXT
    recommendation TEXT?
    """,
)
STOCK = _table(
    "stock",
    "place",
    """
    place INTEGER
    category TEXT
    document TEXT
    """,
)
NOTE = _table(
    "note",
    "place",
    """
    place INTEGER
    text TEXT
    """,
)
DAILY_SALES = _table(
    "daily_sales",
    "category day",
    """
    category TEXT
    day TEXT
    revenue TEXT
    units TEXT
    orders INTEGER
    customers INTEGER
    lines INTEGER
    returned TEXT
    """,
)
QUARANTINE = _table(
    "quarantine",
    "reason",
    """
    reason TEXT
    lines INTEGER
    amount TEXT?
    without_amount INTEGER
    first_landed TEXT
    last_landed TEXT
    """,
)
LANDING = _table(
    "landing",
    "landed_on",
    """
    landed_on TEXT
    clean INTEGER
    rejected INTEGER
    """,
)
CHECK_RESULT = _table(
    "check_result",
    "asset name",
    """
    asset TEXT
    name TEXT
    passed INTEGER
    severity TEXT
    text TEXT
    """,
)
BACKTEST = _table(
    "backtest",
    "measure category horizon kind_of_day model",
    """
    measure TEXT
    category TEXT
    horizon INTEGER
    kind_of_day TEXT
    model TEXT
    days INTEGER
    rmse REAL?
    mae REAL?
    wape REAL?
    mase REAL?
    bias REAL?
    coverage80 REAL?
    coverage95 REAL?
    champion INTEGER
    cutoffs INTEGER
    model_version TEXT
    """,
)
INSIGHT = _table(
    "insight",
    "place",
    """
    place INTEGER
    id TEXT
    sentence TEXT
    figure TEXT?
    """,
)
PICTURE = _table(
    "picture",
    "name category",
    """
    name TEXT
    category TEXT
    title TEXT
    text TEXT
    svg TEXT
    """,
)

ALL: tuple[Table, ...] = (
    CATEGORY,
    FORECAST,
    CUSTOMER,
    PERSONA,
    STOCK,
    NOTE,
    DAILY_SALES,
    QUARANTINE,
    LANDING,
    CHECK_RESULT,
    BACKTEST,
    INSIGHT,
    PICTURE,
)
