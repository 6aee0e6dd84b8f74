"""Random rows under random contracts: each row is a whole sale, excluded, or has a reason. None ends in a traceback."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_assets.cleaning import rules
from retail_assets.contracts import loading
from retail_assets.errors import ContractError
from retail_assets.tables import SALES_CLEAN
from retail_assets_tests.cleaning.test_parse import parsed
from retail_assets_tests.trials import trials

pytestmark = pytest.mark.soak

ROWS = 8  # of each contract
COLUMNS = ("id", "date", "time", "category", "quantity", "price", "amount", "list", "discount", "currency", "customer")
#: Not of the file: known only once cleaned, or filled by the writer.
_FILLED_LATER = {"source", "source_file", "landed_on", "sale_date"}
_NEEDED = [c.name for c in SALES_CLEAN.columns if not c.nullable and c.name not in _FILLED_LATER]

NUMBERS = (
    "| |0|1|-1|2.5|1,5|1.234,50|1,234.50|6,00,000|9999999999999|0.0000001|1e300|-0|(12.50)|12.50-|R$ 10|$5|USD 5|n/a|"
    'NULL|−3|="5"|12.345|999999999999.99|٣'
)
DATES = (
    "2024-01-05|2024-01-05 10:00|2024-01-05T10:00:00Z|2024-01-05 10:00:00 -0400|05/01/2024|01/25/2024|25.01.05|45296|"
    "45296.75|1704412800|20240105|5. Jan 2024|5 Mär 2024|2024-02-30|9999-12-31||NULL|0001-01-01|2024-03-10 02:30"
    "|infinity"
)
numbers = st.sampled_from(NUMBERS.split("|"))
dates = st.sampled_from(DATES.split("|"))
texts = st.one_of(
    st.sampled_from(
        ["", " ", "A", "T1", "paid", "Paid", "usd", "EUR", "jpy", "NULL", "1E+17", "a" * 200, "x\ty", "é", "-"]
    ),
    st.text(max_size=6),
)
rows = st.fixed_dictionaries(
    {name: texts for name in ("id", "category", "currency", "customer")}
    | {name: numbers for name in ("quantity", "price", "amount", "list", "discount")}
    | {"date": dates, "time": st.sampled_from(["", "10:15", "10:15:30", "25:00", "2 pm"])}
)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def field(header: str, default: str | None = None) -> st.SearchStrategy[Any]:
    extra: dict[str, st.SearchStrategy[Any]] = {"required": st.booleans()}
    if default is not None:
        extra["default"] = st.just(default)
    return st.fixed_dictionaries({"header": st.just(header)}, optional=extra)


EXPRESSIONS = ["quantity * price", "amount / quantity", "amount - default(discount, 0)", "price * (1 - discount)"]
expressions = st.fixed_dictionaries({"expression": st.sampled_from(EXPRESSIONS)})
CONDITIONS: list[dict[str, Any]] = [
    {"column": "category", "equals": "paid"},
    {"column": "customer", "empty": True},
    {"column": "currency", "in": ["usd", "EUR"]},
    {"column": "id", "prefix": "T"},
]
conditions = st.sampled_from(CONDITIONS)
columns = st.fixed_dictionaries(
    {
        "transaction_id": st.one_of(
            st.just({"header": "id", "required": True}),
            st.just({"compose": ["id", "customer"], "occurrence": True}),
            st.just({"compose": ["id", {"header": "customer", "default": "-"}]}),
        ),
        "sold_at": st.one_of(field("date"), st.just({"header": "date", "time": "time"})),
        "product_category": st.one_of(
            field("category", "None"),
            st.just({"header": "category", "rules": [{"contains": "a", "category": "A"}], "default": "Other"}),
        ),
        "quantity": st.one_of(field("quantity", "1"), field("quantity"), expressions),
    },
    optional={
        "unit_price": st.one_of(field("price"), expressions),
        "total_amount": st.one_of(field("amount"), expressions),
        "list_price": field("list"),
        "discount": field("discount"),
        "customer_id": field("customer"),
        "order_id": field("customer"),
    },
)
contracts = st.fixed_dictionaries(
    {"columns": columns},
    optional={
        "dates": st.sampled_from(
            [
                {"order": "dmy"},
                {"order": "mdy", "zone": "UTC"},
                {"order": "ymd"},
                {"formats": ["%Y-%d-%m"]},
                {"formats": ["%d. %b %Y", "%d %b %Y"], "language": "de"},
                {"serial": "excel_1900"},
                {"serial": "unix_seconds"},
            ]
        ),
        "numbers": st.sampled_from(
            [
                {"thousands": ","},
                {"decimal": ",", "thousands": "."},
                {"round": "cents"},
                {"thousands": ",", "grouping": "indian"},
                {"negatives": ["brackets", "trailing"], "zeros": ["-"]},
                {"currency_symbols": ["R$", "$"]},
            ]
        ),
        "currencies": st.sampled_from(
            [{"column": "currency"}, {"column": "currency", "default": "USD", "rates": {"EUR": "1.08"}}]
        ),
        "rows": st.sampled_from(
            [{"keep": {"one": CONDITIONS[0]}}, {"drop": {"one": CONDITIONS[1], "two": CONDITIONS[2]}}]
        ),
        "refunds": st.just("negative_amount"),
        "cancellations": st.just({"column": "id", "prefix": "C"}),
        "category_case": st.sampled_from(["title", "upper"]),
    },
)


@settings(
    max_examples=trials(ordinary=40, soak=1300),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(contracts, st.lists(rows, min_size=ROWS, max_size=ROWS))
def test_every_row_is_a_whole_sale_or_has_a_reason(content: dict[str, Any], landed: list[dict[str, str]]) -> None:
    base = {"name": "t", "timezone": "Europe/Berlin", "country": "US", "currency": "USD", "start_date": "2024-01-01"}
    try:
        contract = loading.parse(yaml.safe_dump(base | content), "random")
    except ContractError:
        return  # such as two ways to read the same text; refused in words
    for row in parsed(contract, *landed):
        excluded = row["mask"] >> rules.FIRST_EXCLUSION_BIT
        rejected = row["mask"] & rules.REJECTING
        assert not (excluded and rejected)
        if not excluded and not rejected:
            missing = [name for name in _NEEDED if name in row and row[name] is None]
            assert not missing, (missing, row)
