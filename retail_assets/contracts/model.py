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

_ODD_CODECS = {
    "utf-7",
    "unicode_escape",
    "raw_unicode_escape",
    "unicode-escape",
    "raw-unicode-escape",
    "idna",
    "punycode",
}
_DIRECTIVES = (
    "%%",
    "%p",
    "%f",
    *(f"%{letter}" for letter in "aAbBdHIjmMSyY"),
    *(f"%-{letter}" for letter in "dHIjmMSy"),
)
_SYMBOLS = {
    **dict.fromkeys(("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"), "$"),
    **dict.fromkeys(("JPY", "CNY"), "¥"),
    **{"EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩", "TRY": "₺", "UAH": "₴", "ILS": "₪", "VND": "₫", "PHP": "₱"},
}

_SHIPPED = resources.files("retail_assets.contracts") / "shipped"


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"{name!r} is not a time zone.{nearest(name, _timezones())}")
    return name


@functools.cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads hundreds of files


def _known_encoding(name: str) -> str:
    try:
        # Not every codec of Python is an encoding (base64, zip), and some cannot read a file in pieces, or at all.
        readable = "a,1\n".encode(name).decode(name) == "a,1\n" and codecs.lookup(name).name not in _ODD_CODECS
        codecs.getincrementaldecoder(name)("replace").decode(bytes(range(256)), True)
    except (LookupError, UnicodeError, AssertionError):
        readable = False
    if not readable:
        raise ValueError(f"{name!r} is not a text encoding that files can be read in (try utf-8, latin-1, cp1252)")
    return name


def _readable_format(pattern: str) -> str:
    if odd := [d for d in re.findall(r"%-?.?", pattern) if d not in _DIRECTIVES]:
        raise ValueError(
            f"{odd[0]!r} in {pattern!r} cannot be read. Known: {' '.join(d for d in _DIRECTIVES if '-' not in d)} "
            "(an offset from UTC is read in ISO 8601 dates only)"
        )
    parts = set(re.findall(r"%-?(.)", pattern))
    if not (parts & {"Y", "y"} and (("d" in parts and parts & {"m", "b", "B"}) or "j" in parts)):
        raise ValueError(f"{pattern!r} does not say year, month and day, as in %d.%m.%Y")
    return pattern


def _with_letters(name: str) -> str:
    if not normalise(name):
        raise ValueError(f"{name!r} cannot be a header: give at least one letter or digit")
    return name


def _no_number(text: str) -> str:
    if not text.strip() or text != text.strip() or any(c.isdecimal() for c in text):
        raise ValueError(f"{text!r} cannot stand for a missing value: give a word, without digits or spaces round it")
    return text


Timezone = Annotated[str, AfterValidator(_known_timezone)]
DateFormat = Annotated[str, AfterValidator(_readable_format)]
Header = Annotated[str, AfterValidator(_with_letters)]
MissingValue = Annotated[str, AfterValidator(_no_number)]


class _Strict(BaseModel):
    # `default: 1` and `amount_tolerance: 0.05` are what people write for "1" and "0.05".
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class FieldRule(_Strict):
    """Where one canonical column comes from.

    `header` and `aliases` are matched without regard to case, spaces, `_` and `-`. `compose` joins several raw columns
    with `-` instead. `required` means: the file must have the column, and a row without a value is quarantined.
    `default` fills empty values. `occurrence` (ids only) numbers repeated ids of one landing instead of letting the
    last line replace the earlier ones: for sources whose composed id is not unique.
    """

    header: Header | None = None
    aliases: tuple[Header, ...] = ()
    compose: tuple[Header, ...] = ()
    required: bool = False
    default: str | None = None
    occurrence: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> FieldRule:
        if bool(self.header) == bool(self.compose):
            raise ValueError("give either `header` (with optional `aliases`) or `compose`")
        if self.compose and self.aliases:
            raise ValueError("`aliases` belong to a `header`; composed columns are given by their own names")
        return self


class DateRule(_Strict):
    """How dates are written. `formats` are strptime patterns, tried in order after ISO 8601 and numeric dates.

    `order` decides numeric dates such as 03/04/2025: `dmy`, `mdy`, or `infer`: as the numeric ones among the formats
    say or, without any, from the whole file (refused when the file does not prove it). `zone` names the zone of the
    time stamps if they are not in shop time.
    """

    formats: tuple[DateFormat, ...] = ()
    order: Literal["dmy", "mdy", "infer"] = "infer"
    zone: Timezone | None = None
    earliest: dt.date = dt.date(1990, 1, 1)
    days_after_landing: Annotated[int, Field(ge=0, le=3660)] = 1

    @model_validator(mode="after")
    def _one_order(self) -> DateRule:
        said = {_format_order(f): f for f in reversed(self.formats)}
        if "dmy" in said and "mdy" in said:
            raise ValueError(f"the formats {said['dmy']!r} and {said['mdy']!r} read the same text as different days")
        other = {"dmy": "mdy", "mdy": "dmy", "infer": ""}[self.order]
        if other in said:
            raise ValueError(f"`order: {self.order}` contradicts the format {said[other]!r}")
        return self

    @property
    def day_month_order(self) -> str | None:
        """`dmy` or `mdy` where the contract says it; None where each file has to prove it."""
        if self.order != "infer":
            return self.order
        return next(filter(None, map(_format_order, self.formats)), None)


class NumberRule(_Strict):
    """Marks in numbers. Money may carry the currency's code or one of `currency_symbols` before or behind it.

    Without `currency_symbols` it is the symbol of the contract's currency, so that euros are not read as dollars.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    currency_symbols: Annotated[str, Field(pattern=r"^[^\d\s.,'+-]*$")] | None = None

    def symbols(self, currency: str) -> str:
        """Characters that may stand for `currency` (ISO 4217)."""
        return _SYMBOLS.get(currency, "") if self.currency_symbols is None else self.currency_symbols

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

    column: Header
    prefix: Annotated[str, Field(min_length=1)]


class QuantityUnit(_Strict):
    """Rows whose raw `column` begins with `prefix` count `per_unit` to the unit (1000 for thousandths of a gallon).

    Quantities up to `above` are counts of something else (one fill-up) and stay as they are.
    """

    column: Header
    prefix: Annotated[str, Field(min_length=1)]
    per_unit: Annotated[int, Field(ge=2)]
    above: Annotated[int, Field(ge=0)] = 0
    unit: str


Verdict = Literal["accept", "warn", "refuse"]


class DriftRule(_Strict):
    """What to do when the files of a landing look other than those of the landing before.

    `accept` only shows it, `warn` fails the check `schema_unchanged`, `refuse` stops the landing before it is
    registered. A required column that is missing is always refused; columns that the contract ignores never count.
    """

    new_columns: Verdict = "warn"
    missing_columns: Verdict = "warn"
    renamed_columns: Verdict = "accept"
    column_order: Verdict = "accept"
    file_format: Verdict = "warn"


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
    missing_values: tuple[MissingValue, ...] = ("NULL", "N/A", "#N/A", "NaN", "None", "\\N")
    drift: DriftRule = DriftRule()

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
        self._each_name_means_one_column()
        return self

    def _each_name_means_one_column(self) -> None:
        owner: dict[str, str] = {}
        for header, names in self.raw_columns().items():
            for name in names:
                if (other := owner.setdefault(normalise(name), header)) != header:
                    raise ValueError(
                        f"columns: {name!r} stands for {other!r} and for {header!r}; a header can mean only one"
                    )

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
        first: dict[str, str] = {}  # how a header was written the first time
        for rule in self.columns.values():
            if rule.header:
                header = first.setdefault(normalise(rule.header), rule.header)
                columns[header] = tuple(dict.fromkeys((*columns.get(header, ()), rule.header, *rule.aliases)))
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


def _format_order(pattern: str) -> str | None:
    """The order of day and month in a numeric format such as `%d.%m.%Y %H:%M`; None for any other."""
    match = re.match(r"%-?([dm])[./-]%-?([dm])[./-]%", pattern)
    return {"dm": "dmy", "md": "mdy"}.get(match.group(1) + match.group(2)) if match else None


def normalise(header: str) -> str:
    """A header without case, spaces, `_`, `-`, dots and quotes: `" Price-per_Unit "` and `priceperunit` are one."""
    return re.sub(r"[\s_\-.'\"\ufeff]+", "", header).casefold()


def shipped() -> list[str]:
    """Names of the contracts that come with the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml"))


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
            text = Path(source).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as e:
            why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
            raise ContractError(
                f"Cannot read the contract {source}: {why}. Give the path of a YAML file in UTF-8, "
                f"or a shipped contract: {', '.join(shipped())}."
            ) from e
    else:
        raise ContractError(
            f"There is no contract {source!r}.{nearest(source, shipped())} Shipped: {', '.join(shipped())}; "
            "or give the path of your own YAML file (docs/contracts.md shows one)."
        )
    return parse(text, where)


@functools.lru_cache(maxsize=32)
def parse(text: str, where: str) -> Contract:
    """Validate the YAML `text`; `where` names it in errors. Raises ContractError."""
    try:
        data: Any = yaml.load(text, Loader=_EachKeyOnce)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise ContractError(f"{where} is not valid YAML: {str(e)[:600]}") from e
    if not isinstance(data, dict):
        raise ContractError(
            f"{where} must be a YAML mapping with keys such as name, timezone, columns; docs/contracts.md shows one."
        )
    try:
        return Contract.model_validate(data)
    except ValidationError as e:
        problems = [_told(problem) for problem in e.errors()]
        if len(problems) > _MOST_PROBLEMS:
            problems[_MOST_PROBLEMS:] = [f"  and {len(problems) - _MOST_PROBLEMS} more"]
        raise ContractError(
            f"{where} is not a valid contract:\n" + "\n".join(problems) + "\ndocs/contracts.md explains every key."
        ) from e


class _EachKeyOnce(yaml.SafeLoader):
    """YAML in which a key given twice is an error: plain YAML keeps the last and forgets the first without a word.

    Only true and false are truth values, as in YAML 1.2: `country: NO` and a header `No` are texts.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            if isinstance(key.value, str) and key.value != "<<":
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_TRUTH = re.compile("(true|True|TRUE|false|False|FALSE)$")
_EachKeyOnce.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))


def _told(problem: Any) -> str:
    """One line for one error of pydantic: the place, what is wrong, what was given."""
    place = problem["loc"]
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    hint = ""
    if problem["type"] == "extra_forbidden":
        message = "there is no such key"
        rule = _RULES.get(str(place[0]), Contract) if len(place) > 1 else Contract
        hint = nearest(str(place[-1]), rule.model_fields) or f" Known: {', '.join(rule.model_fields)}."
    elif problem["type"] == "missing":
        message = "is missing"
    elif problem["type"] == "string_type":
        hint = " Put it in quotes."
    shown = "" if isinstance(given, dict) or problem["type"] == "extra_forbidden" else f" (got {str(given)[:60]!r})"
    return f"  {'.'.join(map(str, place)) or 'contract'}: {message}{shown}.{hint}"


_MOST_PROBLEMS = 12
_RULES: dict[str, type[BaseModel]] = {
    "file": FileRule,
    "dates": DateRule,
    "numbers": NumberRule,
    "columns": FieldRule,
    "cancellations": CancellationRule,
    "quantity_units": QuantityUnit,
    "drift": DriftRule,
}
