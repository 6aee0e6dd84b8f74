"""The contract: a validated description of one source's raw files.

Here: what a contract may say, and reading one from YAML. Not here: matching a file's header (`headers.py`), and how
text becomes typed values (`cleaning/typing_sql.py`).
"""

from __future__ import annotations

import codecs
import datetime as dt
import functools
import hashlib
import re
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from retail_assets.errors import ContractError, nearest

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
)

_SHIPPED = resources.files("retail_assets.contracts") / "shipped"


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is not a time zone.{nearest(name, available_timezones())}")
    return name


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(f"{name!r} is not a text encoding that Python knows (try utf-8, latin-1, cp1252)") from None
    return name


Timezone = Annotated[str, AfterValidator(_known_timezone)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(_Strict):
    """Where one canonical column comes from.

    `header` and `aliases` are matched without regard to case, spaces, `_` and `-`. `compose` joins several raw columns
    with `-` instead. `required` means: the file must have the column, and a row without a value is quarantined.
    `default` fills empty values. `occurrence` (ids only) numbers repeated ids of one landing instead of letting the
    last line replace the earlier ones: for sources whose composed id is not unique.
    """

    header: str | None = None
    aliases: tuple[str, ...] = ()
    compose: tuple[str, ...] = ()
    required: bool = False
    default: str | None = None
    occurrence: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> FieldRule:
        if bool(self.header) == bool(self.compose):
            raise ValueError("give either `header` (with optional `aliases`) or `compose`")
        return self


class DateRule(_Strict):
    """How dates are written. `formats` are strptime patterns, tried in order after ISO 8601.

    `order` decides numeric dates such as 03/04/2025: `dmy`, `mdy`, or `infer` (from the whole file; refused when the
    file does not prove it). `zone` names the zone of the time stamps if they are not in shop time.
    """

    formats: tuple[str, ...] = ()
    order: Literal["dmy", "mdy", "infer"] = "infer"
    zone: Timezone | None = None
    earliest: dt.date = dt.date(1990, 1, 1)
    days_after_landing: Annotated[int, Field(ge=0, le=3660)] = 1


class NumberRule(_Strict):
    """Marks in numbers. `currency_symbols` are removed from money before it is read."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    currency_symbols: str = "$€£¥"

    @model_validator(mode="after")
    def _differ(self) -> NumberRule:
        if self.decimal == self.thousands:
            raise ValueError("`decimal` and `thousands` must differ")
        return self


class FileRule(_Strict):
    """Encoding and separator of text files. A byte-order mark always wins over `encoding`."""

    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    delimiter: Literal["auto", ",", ";", "\t", "|"] = "auto"


class CancellationRule(_Strict):
    """A cancellation is a row whose raw `column` begins with `prefix`; its quantity and amount count as negative."""

    column: str
    prefix: Annotated[str, Field(min_length=1)]


class QuantityUnit(_Strict):
    """Rows whose raw `column` begins with `prefix` count `per_unit` to the unit (1000 for thousandths of a gallon).

    Quantities up to `above` are counts of something else (one fill-up) and stay as they are.
    """

    column: str
    prefix: Annotated[str, Field(min_length=1)]
    per_unit: Annotated[int, Field(ge=2)]
    above: Annotated[int, Field(ge=0)] = 0
    unit: str


class Contract(_Strict):
    """One source. See `docs/contracts.md` for every key with an example."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    version: Annotated[int, Field(ge=1)] = 1
    description: str = ""
    timezone: Timezone
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    start_date: dt.date
    file: FileRule = FileRule()
    dates: DateRule = DateRule()
    numbers: NumberRule = NumberRule()
    columns: dict[str, FieldRule]
    category_case: Literal["keep", "title", "upper"] = "keep"
    cancellations: CancellationRule | None = None
    quantity_units: tuple[QuantityUnit, ...] = ()
    amount_tolerance: Annotated[str, Field(pattern=r"^\d+(\.\d{1,2})?$")] = "0.01"
    unknown_columns: Literal["ignore", "warn", "reject"] = "warn"
    ignore_columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fields_are_known_and_enough(self) -> Contract:
        for name in self.columns:
            if name not in FIELDS:
                raise ValueError(f"columns: {name!r} is not a column of the canonical sale.{nearest(name, FIELDS)}")
        for name in ("transaction_id", "sold_at", "product_category", "quantity"):
            if name not in self.columns:
                raise ValueError(f"columns: {name!r} is missing; every source must give it")
        if not {"unit_price", "total_amount"} & set(self.columns):
            raise ValueError("columns: give `unit_price`, `total_amount` or both")
        for name, rule in self.columns.items():
            if rule.occurrence and name != "transaction_id":
                raise ValueError(f"columns.{name}: `occurrence` is for transaction_id only")
            if rule.compose and name not in ("transaction_id", "order_id", "customer_id", "product_id"):
                raise ValueError(f"columns.{name}: `compose` is for ids only")
        return self

    @property
    def digest(self) -> str:
        """`<name>@<version>+<8 hex digits>`: changes whenever anything in the contract does."""
        text = self.model_dump_json().encode()
        return f"{self.name}@{self.version}+{hashlib.sha256(text).hexdigest()[:8]}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def raw_columns(self) -> dict[str, tuple[str, ...]]:
        """Every raw column the contract reads, with its aliases: `{header: (header, *aliases)}`."""
        columns: dict[str, tuple[str, ...]] = {}
        for rule in self.columns.values():
            if rule.header:
                columns[rule.header] = (rule.header, *rule.aliases)
        extra: list[str] = [c for rule in self.columns.values() for c in rule.compose]
        extra += [u.column for u in self.quantity_units]
        if self.cancellations:
            extra.append(self.cancellations.column)
        known = {normalise(name) for names in columns.values() for name in names}
        for name in extra:
            if normalise(name) not in known:
                columns[name] = (name,)
                known.add(normalise(name))
        return columns


def normalise(header: str) -> str:
    """A header without case, spaces, `_`, `-`, dots and quotes: `" Price-per_Unit "` and `priceperunit` are one."""
    return re.sub(r"[\s_\-.'\"\ufeff]+", "", header).casefold()


def shipped() -> list[str]:
    """Names of the contracts that come with the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml"))


@functools.lru_cache(maxsize=32)
def load(source: str) -> Contract:
    """Read a contract: a shipped name, or the path of a YAML file.

    Raises ContractError when there is none, or when it does not validate (with the place and what is allowed).
    """
    looks_like_path = source.endswith((".yaml", ".yml")) or "/" in source or "\\" in source
    if source in shipped():
        text, where = (_SHIPPED / f"{source}.yaml").read_text(encoding="utf-8"), f"shipped contract {source}"
    elif looks_like_path:
        where = source
        try:
            text = Path(source).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise ContractError(f"Cannot read the contract {source}: {e}. Give a YAML file or one of {shipped()}.") from e
    else:
        raise ContractError(
            f"There is no contract {source!r}.{nearest(source, shipped())} Shipped: {', '.join(shipped())}; "
            "or give the path of your own YAML file (docs/contracts.md shows one)."
        )
    return parse(text, where)


def parse(text: str, where: str) -> Contract:
    """Validate the YAML `text`; `where` names it in errors. Raises ContractError."""
    try:
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ContractError(f"{where} is not valid YAML: {e}") from e
    if not isinstance(data, dict):
        raise ContractError(f"{where} must be a YAML mapping with keys such as name, timezone, columns.")
    try:
        return Contract.model_validate(data)
    except ValidationError as e:
        lines = []
        for problem in e.errors():
            place = ".".join(str(p) for p in problem["loc"]) or "contract"
            hint = ""
            if problem["type"] == "extra_forbidden":
                hint = nearest(str(problem["loc"][-1]), Contract.model_fields)
            value = "" if problem["type"] == "missing" else f" (got {str(problem['input'])[:60]!r})"
            lines.append(f"  {place}: {problem['msg']}{value}.{hint}")
        raise ContractError(f"{where} is not a valid contract:\n" + "\n".join(lines)) from e
