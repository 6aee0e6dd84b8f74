"""The contract of a source: a validated description of its raw files.

Not here: reading a contract from YAML (`loading.py`), matching a file's header (`headers.py`), and how text becomes
typed values (`typing_sql/`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from retail_assets.contracts.countries import refuse_unknown_country, refuse_unknown_currency
from retail_assets.contracts.currencies import CurrencyRule
from retail_assets.contracts.header_names import normalize_header
from retail_assets.contracts.open_questions import OpenQuestion
from retail_assets.contracts.pseudonyms import Pseudonymize, refuse_unsuitable
from retail_assets.contracts.references import Name, ReferenceRule, owners, refuse_contradictions
from retail_assets.contracts.row_rules import RowRules
from retail_assets.contracts.sections import (
    CancellationRule,
    DateRule,
    DriftRule,
    FieldRule,
    FileRule,
    NumberRule,
    QuantityUnit,
    Section,
    added,
)
from retail_assets.contracts.values import MissingValue, Timezone
from retail_assets.errors import nearest

#: Canonical columns that a contract may fill, in the order of the canonical sale.
FIELDS = (
    "transaction_id",
    "order_id",
    "sold_at",
    "customer_id",
    "gender",
    "age",
    "age_group",
    "product_id",
    "product_category",
    "quantity",
    "unit_price",
    "total_amount",
    "store_id",
    "list_price",
    "discount",
)

#: Those of them that are numbers with decimals, so that an expression may compute them.
NUMBERS = ("quantity", "unit_price", "total_amount", "list_price", "discount")


class Contract(Section):
    """The contract of one source. `docs/contracts.md` explains every key with an example."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Field(ge=1)] = 1
    description: str = ""
    timezone: Timezone
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(refuse_unknown_country)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(refuse_unknown_currency)]
    start_date: dt.date
    file: FileRule = FileRule()
    dates: DateRule = DateRule()
    numbers: NumberRule = NumberRule()
    columns: dict[str, FieldRule]
    category_case: Literal["keep", "title", "upper"] = "keep"
    genders: dict[Literal["Female", "Male", "Other"], tuple[str, ...]] = added({})
    identity_limit: Annotated[float, Field(ge=0, le=1)] = added(0.05)
    rows: RowRules | None = added(None)
    quarantine_limit: Annotated[float, Field(gt=0, le=1)] = added(0.5)
    cancellations: CancellationRule | None = None
    refunds: Literal["negative_amount"] | None = added(None)
    currencies: CurrencyRule | None = added(None)
    references: dict[Name, ReferenceRule] = added({})
    quantity_units: tuple[QuantityUnit, ...] = ()
    amount_tolerance: Annotated[str, Field(pattern=r"^\d+(\.\d{1,2})?$")] = "0.01"
    unknown_columns: Literal["ignore", "warn", "reject"] = "warn"
    ignore_columns: tuple[str, ...] = ()
    missing_values: tuple[MissingValue, ...] = ("NULL", "N/A", "#N/A", "NaN", "None", "\\N")
    drift: DriftRule = DriftRule()
    pseudonymize: Pseudonymize = added(None)

    @model_validator(mode="after")
    def _fields_are_known_and_enough(self) -> Contract:
        for name in self.columns:
            if name not in FIELDS:
                raise ValueError(f"columns: {name!r} is not a column of the canonical sale.{nearest(name, FIELDS)}")
        for name in ("transaction_id", "sold_at", "product_category", "quantity"):
            if name not in self.columns:
                raise ValueError(f"columns: {name!r} is missing; every source must provide it")
        if not {"unit_price", "total_amount"} & set(self.columns):
            raise ValueError("columns: give `unit_price`, `total_amount` or both")
        for name, rule in self.columns.items():
            if rule.occurrence and name != "transaction_id":
                raise ValueError(f"columns.{name}: `occurrence` is for transaction_id only")
            if rule.rules and name != "product_category":
                raise ValueError(f"columns.{name}: `rules` are for product_category only")
            if rule.compose and name not in ("transaction_id", "order_id", "customer_id", "product_id"):
                raise ValueError(f"columns.{name}: `compose` is for ids only")
            if rule.beside and name != "sold_at":
                raise ValueError(f"columns.{name}: `time` and `zone` are for sold_at only")
            if rule.expression and name not in NUMBERS:
                raise ValueError(f"columns.{name}: `expression` is for numbers only ({', '.join(NUMBERS)})")
        self._rates_are_of_other_currencies()
        if self.references:
            others = [c.column for c in (self.cancellations, self.currencies) if c]
            others += [*self.file.fill_down, *self.columns["sold_at"].beside]
            refuse_contradictions(self.references, self.columns, [u.column for u in self.quantity_units], others)
        self._each_name_means_one_column()
        if self.pseudonymize:
            judged = [c.column for c in (self.cancellations, self.currencies) if c]
            judged += [u.column for u in self.quantity_units]
            judged += self.rows.columns if self.rows else ()
            read = [name for names in self.raw_columns().values() for name in names]
            refuse_unsuitable(self.pseudonymize, self.columns, read, judged, self.references)
        return self

    def _rates_are_of_other_currencies(self) -> None:
        if self.currencies is None:
            return
        if self.currency in self.currencies.rates:
            raise ValueError(f"currencies.rates: {self.currency} is the contract's own `currency`, and needs no rate")
        if self.currencies.default not in (None, self.currency, *self.currencies.rates):
            raise ValueError(
                f"currencies.default: {self.currencies.default} is neither the contract's `currency` nor has it a rate"
            )

    def _each_name_means_one_column(self) -> None:
        owner: dict[str, str] = {}
        for header, names in self.raw_columns().items():
            for name in names:
                if (other := owner.setdefault(normalize_header(name), header)) != header:
                    raise ValueError(
                        f"columns: {name!r} stands for {other!r} and for {header!r}; a header can mean only one"
                    )

    _open: tuple[OpenQuestion, ...] = PrivateAttr(default=())

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """What the contract assumes and nobody has confirmed, in words. An override of a setting confirms its key."""
        return tuple(str(q) for q in self._open if not q.key or str(getattr(self, q.key)) == q.value)

    def with_open_questions(self, questions: tuple[OpenQuestion, ...]) -> Contract:
        """Return this contract with the questions that are still marked in its text."""
        marked = self.model_copy()
        marked._open = questions
        return marked

    @property
    def digest(self) -> str:
        """`<name>@<version>+<8 hex digits>`: changes whenever anything but a comment in the contract does."""
        text = self.model_dump_json().encode()
        return f"{self.name}@{self.version}+{hashlib.sha256(text).hexdigest()[:8]}"

    @property
    def row_rules_json(self) -> str:
        """The rules on which rows count, as JSON; empty without any."""
        return self.rows.model_dump_json() if self.rows else ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def rejects(self, rejected: int, rows: int) -> bool:
        """Return whether a landing is rejected as a whole, by how many of its rows are.

        `rows` are those that no rule excludes. It is if more than the share `quarantine_limit` of them is rejected, or
        all of them below a limit of 1. Superseded rows were read, so they count like clean ones.
        """
        return rejected > self.quarantine_limit * rows or (0 < rejected == rows and self.quarantine_limit < 1)

    def raw_columns(self) -> dict[str, tuple[str, ...]]:
        """Return every raw column that the contract reads of a file of sales: `{header: (header, *aliases)}`."""
        columns: dict[str, tuple[str, ...]] = {}
        first: dict[str, str] = {}  # how a header was spelled the first time
        for rule in self.columns.values():
            if rule.header:
                header = first.setdefault(normalize_header(rule.header), rule.header)
                columns[header] = tuple(dict.fromkeys((*columns.get(header, ()), rule.header, *rule.aliases)))
        extra: list[str] = [c for rule in self.columns.values() if not rule.header for c, _ in rule.origins]
        extra += [header for rule in self.columns.values() for header in rule.beside]
        extra += [u.column for u in self.quantity_units]
        extra += self.file.fill_down
        extra += self.rows.columns if self.rows else ()
        if self.cancellations:
            extra.append(self.cancellations.column)
        if self.currencies:
            extra.append(self.currencies.column)
        known = {normalize_header(name) for names in columns.values() for name in names}
        for name in extra:
            if normalize_header(name) not in known:
                columns[name] = (name,)
                known.add(normalize_header(name))
        elsewhere = owners(self.references) if self.references else {}
        return {name: names for name, names in columns.items() if normalize_header(name) not in elsewhere}
