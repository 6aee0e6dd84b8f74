"""Every setting of the product: read from the environment once, validated, and never silently replaced.

Only this module reads `RETAIL_*`. Besides it, only `storage/`, `spark/` and `warehouse/` know which store, Spark or
warehouse is in use.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from retail_assets.errors import SettingsError, nearest, unknown_setting, unusable, without_secrets
from retail_assets.settings.addresses import is_web_address
from retail_assets.settings.alerts import VARIABLES as ALERT_VARIABLES
from retail_assets.settings.alerts import AlertSettings
from retail_assets.settings.alerts import load as load_alerts
from retail_assets.settings.automation import VARIABLES as AUTOMATION_VARIABLES
from retail_assets.settings.automation import load as load_automation
from retail_assets.settings.emr import VARIABLES as EMR_VARIABLES
from retail_assets.settings.emr import EmrSettings
from retail_assets.settings.emr import load as load_emr
from retail_assets.settings.files import existing_file
from retail_assets.settings.lineage import VARIABLES as LINEAGE_VARIABLES
from retail_assets.settings.lineage import LineageSettings
from retail_assets.settings.lineage import load as load_lineage
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets.settings.redshift import load as load_redshift
from retail_assets.settings.streaming import VARIABLES as STREAM_VARIABLES
from retail_assets.settings.streaming import StreamSettings
from retail_assets.settings.streaming import load as load_stream
from retail_assets.settings.tableau import DEFAULT_LINES, TableauServer, load_lines, load_server
from retail_assets.settings.tableau import VARIABLES as TABLEAU_VARIABLES
from retail_assets.settings.weather import VARIABLES as WEATHER_VARIABLES
from retail_assets.settings.weather import WeatherSettings
from retail_assets.settings.weather import load as load_weather

if TYPE_CHECKING:
    from retail_assets.contracts.model import Contract

#: variable -> (default as shown to users, meaning). `--help`, `doctor` and docs/settings.md come from here.
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_HOME": (".retail", "local state: raw, lake, warehouse, models"),
    "RETAIL_OUTPUT": ("output", "figures, summary, insights: a folder or s3://…"),
    "RETAIL_RAW_URI": ("$RETAIL_HOME/raw", "landed files: a folder, file://, s3:// or abfs://"),
    "RETAIL_LAKE_URI": ("$RETAIL_HOME/lake", "cleaned Parquet and manifests: a folder, file://, s3:// or abfs://"),
    "RETAIL_MODELS_URI": ("$RETAIL_HOME/models", "trained models: a folder, file://, s3:// or abfs://"),
    "RETAIL_SERVING_URI": ("$RETAIL_HOME/serving", "bundles for predictions: a folder, file://, s3:// or abfs://"),
    "RETAIL_SERVING_KEEP_DAYS": ("7", "days that a bundle stays after another has come into use, 0 to 3650"),
    "RETAIL_WAREHOUSE": ("duckdb", "the warehouse: duckdb, which is embedded, or redshift"),
    "RETAIL_SPARK": ("local[*]", "local[N], local[*], spark://host:port or sc://host:port"),
    "RETAIL_SPARK_MEMORY": ("a quarter of the machine, 1g to 4g", "heap of a local Spark, such as 2g or 1500m"),
    "RETAIL_SOURCE": ("retail_sales", "the contract: a shipped name or the path of a YAML file"),
    "RETAIL_START_DATE": ("the contract's", "first landing partition, YYYY-MM-DD"),
    "RETAIL_END_DATE": ("open", "last landing partition, YYYY-MM-DD"),
    "RETAIL_TIMEZONE": ("the contract's", "shop time, such as Europe/Berlin"),
    "RETAIL_COUNTRY": ("the contract's", "holiday calendar, ISO 3166 alpha-2"),
    "RETAIL_CURRENCY": ("the contract's", "money, ISO 4217"),
    "RETAIL_EVENTS": ("none", "CSV file or URI of events and promotions: date,name[,value][,known_on]"),
    "RETAIL_REGRESSORS": ("none", "table of the warehouse with weather and the like: date, name, value, known_on"),
    "RETAIL_FONT": ("DejaVu Sans", "font of figures: a .ttf, .otf or .ttc file, or an installed family"),
    "RETAIL_DAGSTER_URL": (
        "none",
        "address of Dagster's pages, such as https://dagster.example.com, to link runs",
    ),
    "RETAIL_ERASURE_KEY": (
        "$RETAIL_HOME/erasure.key",
        "secret of at least 16 characters behind the hashes of erased customers; made in the home when one is erased",
    ),
    "RETAIL_PSEUDONYM_KEY": (
        "$RETAIL_HOME/pseudonym.key",
        "secret of at least 16 characters behind the pseudonyms of customers (`pseudonymize` of a contract); made in "
        "the home when the first file lands",
    ),
    "RETAIL_PERSONAS": ("the shipped ones", "YAML of the shop's own personas: names, prototypes, texts"),
    **AUTOMATION_VARIABLES,
    **EMR_VARIABLES,
    **TABLEAU_VARIABLES,
    **STREAM_VARIABLES,
    **LINEAGE_VARIABLES,
    **ALERT_VARIABLES,
    **WEATHER_VARIABLES,
}

_SPARK_MASTER = re.compile(r"(local\[(\*|[1-9]\d{0,3})\]|spark://[^\s/]+:\d{1,5}|sc://[^\s/]+(:\d{1,5})?(/\S*)?)\Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?\Z")
_SHIPPED_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_SHORTEST_KEY = 16
_SCHEMES = ("file", "s3", "abfs")
_WAREHOUSES = ("duckdb", "redshift")


@dataclass(frozen=True)
class Settings:
    """The validated settings. URIs are absolute; `contract` has time zone, country and currency as set."""

    home: Path
    output_uri: str
    raw_uri: str
    lake_uri: str
    models_uri: str
    serving_uri: str
    serving_keep_days: int
    warehouse: str
    redshift: RedshiftSettings | None
    spark_master: str = field(repr=False)
    spark_memory: str | None
    contract: Contract
    start_date: dt.date
    end_date: dt.date | None
    events: str | None = None
    regressors: str | None = None
    personas: Path | None = None
    font: str | None = None
    dagster_url: str | None = None
    tableau_lines: int = DEFAULT_LINES
    tableau: TableauServer | None = None
    stream: StreamSettings | None = None
    lineage: LineageSettings | None = None
    alerts: AlertSettings | None = None
    erasure_key: str | None = field(default=None, repr=False)
    pseudonym_key: str | None = field(default=None, repr=False)
    weather: WeatherSettings | None = None
    emr: EmrSettings | None = None
    automation: frozenset[str] = frozenset()

    @property
    def source(self) -> str:
        """Name of the contract, which is also the folder below `raw/` and the schema in the warehouse."""
        return self.contract.name

    @property
    def duckdb_path(self) -> Path:
        """The file of the embedded warehouse."""
        return self.home / "warehouse" / "retail.duckdb"

    def today(self) -> dt.date:
        """Return the current day in shop time."""
        return dt.datetime.now(ZoneInfo(self.contract.timezone)).date()

    def last_landing_day(self) -> dt.date:
        """Return the last day that can have a landing by now: today, or the last day of a source that has ended."""
        today = self.today()
        return min(self.end_date, today) if self.end_date else today


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and validate the settings from `environ` (the process environment by default).

    Raises SettingsError or ContractError, naming the variable, its value and what is allowed.
    """
    from retail_assets.contracts import loading as contracts  # a sixth of a second, which predictions do not need
    from retail_assets.contracts.countries import refuse_unknown_country, refuse_unknown_currency

    env = os.environ if environ is None else environ
    value = _values(env)
    home = _home(value)
    warehouse = value("RETAIL_WAREHOUSE") or "duckdb"
    if warehouse not in _WAREHOUSES:
        raise unusable("RETAIL_WAREHOUSE", warehouse, " or ".join(_WAREHOUSES))
    redshift = load_redshift(env) if warehouse == "redshift" else None
    if redshift and not (lake := value("RETAIL_LAKE_URI") or "").startswith("s3://"):
        raise SettingsError(
            "RETAIL_WAREHOUSE=redshift needs RETAIL_LAKE_URI=s3://bucket/prefix, because Redshift loads from S3; "
            f"it is {repr(lake) if lake else 'not set'}."
        )
    master = value("RETAIL_SPARK") or "local[*]"
    if not _SPARK_MASTER.match(master):
        raise unusable("RETAIL_SPARK", master, "local[N], local[*], spark://host:port or sc://host:port")
    memory = value("RETAIL_SPARK_MEMORY")
    if memory is not None and not re.match(r"[1-9]\d*[gGmM]\Z", memory):
        raise unusable("RETAIL_SPARK_MEMORY", memory, "a whole number followed by m or g, such as 1500m or 2g")
    regressors = value("RETAIL_REGRESSORS")
    if regressors is not None and not _TABLE.match(regressors):
        raise unusable("RETAIL_REGRESSORS", regressors, "a table as name or schema.name, in lowercase")

    contract = contracts.load(value("RETAIL_SOURCE") or "retail_sales")
    overrides = {
        "timezone": value("RETAIL_TIMEZONE"),
        "country": value("RETAIL_COUNTRY"),
        "currency": value("RETAIL_CURRENCY"),
    }
    if (zone := overrides["timezone"]) and zone not in available_timezones():
        raise unusable(
            "RETAIL_TIMEZONE", zone, f"a time zone such as Europe/Berlin.{nearest(zone, available_timezones())}"
        )
    for name, refuse_unknown in (("country", refuse_unknown_country), ("currency", refuse_unknown_currency)):
        try:
            if text := overrides[name]:
                refuse_unknown(text)
        except ValueError as e:
            raise SettingsError(f"RETAIL_{name.upper()}={e}") from None
    contract = contract.model_copy(update={k: v for k, v in overrides.items() if v})

    start = _date("RETAIL_START_DATE", value("RETAIL_START_DATE")) or contract.start_date
    end = _date("RETAIL_END_DATE", value("RETAIL_END_DATE"))
    if end and end < start:
        raise unusable("RETAIL_END_DATE", end.isoformat(), f"a day on or after the first partition, {start}")
    raw_uri = _uri("RETAIL_RAW_URI", value("RETAIL_RAW_URI") or str(home / "raw"))
    lake_uri = _uri("RETAIL_LAKE_URI", value("RETAIL_LAKE_URI") or str(home / "lake"))
    return Settings(
        home=home,
        output_uri=_uri("RETAIL_OUTPUT", value("RETAIL_OUTPUT") or "output"),
        raw_uri=raw_uri,
        lake_uri=lake_uri,
        models_uri=_uri("RETAIL_MODELS_URI", value("RETAIL_MODELS_URI") or str(home / "models")),
        serving_uri=_serving_uri(value, home),
        serving_keep_days=_keep_days(value("RETAIL_SERVING_KEEP_DAYS")),
        warehouse=warehouse,
        redshift=redshift,
        spark_master=master,
        spark_memory=memory,
        contract=contract,
        start_date=start,
        end_date=end,
        events=_file_or_uri("RETAIL_EVENTS", events) if (events := value("RETAIL_EVENTS")) else None,
        regressors=regressors,
        personas=Path(_file("RETAIL_PERSONAS", personas)) if (personas := value("RETAIL_PERSONAS")) else None,
        font=_font(font) if (font := value("RETAIL_FONT")) else None,
        dagster_url=_web_address("RETAIL_DAGSTER_URL", url) if (url := value("RETAIL_DAGSTER_URL")) else None,
        tableau_lines=load_lines(env),
        tableau=load_server(env),
        emr=load_emr(env, {"RETAIL_RAW_URI": raw_uri, "RETAIL_LAKE_URI": lake_uri}),
        stream=load_stream(env),
        lineage=load_lineage(env),
        alerts=load_alerts(env),
        automation=load_automation(env),
        erasure_key=_secret("RETAIL_ERASURE_KEY", value),
        pseudonym_key=_secret("RETAIL_PSEUDONYM_KEY", value),
        weather=load_weather(env),
    )


def load_serving_uri(environ: Mapping[str, str] | None = None) -> str:
    """Return the folder of the source's bundles, without reading a contract where that can be.

    Raises SettingsError or ContractError.
    """
    env = os.environ if environ is None else environ
    value = _values(env)
    source = value("RETAIL_SOURCE") or "retail_sales"
    if not _SHIPPED_NAME.match(source):  # a path: the name is in the file
        from retail_assets.contracts import loading as contracts

        source = contracts.load(source).name
    return f"{_serving_uri(value, _home(value))}/{source}"


def _values(env: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a function from a variable to its value or None. Raises SettingsError for an unknown variable."""
    unknown = sorted(k for k in env if k.startswith("RETAIL_") and k not in VARIABLES and k[:12] != "RETAIL_TEST_")
    if unknown:
        raise unknown_setting(unknown[0], VARIABLES, "docs/settings.md")
    return lambda name: env.get(name, "").strip() or None


def _home(value: Callable[[str], str | None]) -> Path:
    home = Path(_folder("RETAIL_HOME", value("RETAIL_HOME") or ".retail"))
    if home.exists() and not home.is_dir():
        raise unusable("RETAIL_HOME", str(home), "a folder (this is a file)")
    return home


def _serving_uri(value: Callable[[str], str | None], home: Path) -> str:
    return _uri("RETAIL_SERVING_URI", value("RETAIL_SERVING_URI") or str(home / "serving"))


def _keep_days(text: str | None) -> int:
    if text is not None and not re.match(r"\d{1,4}\Z", text):
        raise unusable("RETAIL_SERVING_KEEP_DAYS", text, "a number of days, 0 to 3650")
    days = 7 if text is None else int(text)
    if days > 3650:
        raise unusable("RETAIL_SERVING_KEEP_DAYS", str(days), "a number of days, 0 to 3650")
    return days


def _secret(name: str, value: Callable[[str], str | None]) -> str | None:
    """Return the secret of a variable. The error does not repeat it."""
    text = value(name)
    if text is not None and len(text) < _SHORTEST_KEY:
        raise SettingsError(f"{name} is too short. Allowed: a secret of at least {_SHORTEST_KEY} characters.")
    return text


def _contains_credentials(name: str, scheme: str) -> SettingsError:
    """The error does not repeat the value, because part of it is probably a secret."""
    return SettingsError(
        f"{name} must not contain credentials, nor a signed query. Set it to {scheme}://bucket/prefix or to a path; "
        "keys come from the environment, a profile or a role."
    )


def _date(name: str, text: str | None) -> dt.date | None:
    if text is None:
        return None
    if re.match(r"\d{4}-\d{2}-\d{2}\Z", text):  # fromisoformat also takes 20240101 and 2024-W01-1
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise unusable(name, text, "a day as YYYY-MM-DD")


def _folder(name: str, text: str) -> str:
    """An absolute local folder. Refuses `s3://…` and incomplete schemes such as `s3:/x`."""
    if scheme := re.match(r"([A-Za-z][A-Za-z0-9+.]+):/*", text):
        if name == "RETAIL_HOME":
            raise unusable(name, text, "a local folder")
        if "@" in text or "?" in text:
            raise _contains_credentials(name, "s3")
        uri = f"{scheme[1].lower()}://{text[scheme.end() :]}"
        suggestion = f" Did you mean {uri!r}?" if scheme[1].lower() in _SCHEMES else ""
        raise unusable(name, text, f"a folder or a URI.{suggestion}")
    if without_secrets(text) != text:  # an address without its colon, such as https//user:password@host
        raise _contains_credentials(name, "s3")
    try:
        return str(Path(text).expanduser().absolute())
    except RuntimeError as e:  # ~nosuchuser
        raise unusable(name, text, f"a folder ({e})") from None


def _file(name: str, text: str) -> str:
    """The absolute path of a file that is there."""
    return existing_file(name, text, _folder(name, text))


def _file_or_uri(name: str, text: str) -> str:
    """The absolute path of a file that is there, or a remote address, which nothing is asked of here."""
    place = _uri(name, text)
    return place if "://" in place else existing_file(name, text, place)


def _font(text: str) -> str:
    """The absolute path of a font's file, or the name of a family, which is looked up when something is drawn."""
    if "/" not in text and Path(text).suffix.lower() not in (".ttf", ".otf", ".ttc"):
        return text
    allowed = "the path of a font (.ttf, .otf or .ttc), or the name of an installed family"
    return existing_file("RETAIL_FONT", text, _folder("RETAIL_FONT", text), allowed)


def _web_address(name: str, text: str) -> str:
    """An address of web pages without its last slash."""
    if without_secrets(text) != text or "?" in text:
        raise SettingsError(
            f"{name} must not contain credentials, nor a query. Set it to https://host or http://host:port."
        )
    if not is_web_address(text):
        raise unusable(name, text, "an address such as https://dagster.example.com or http://127.0.0.1:3000")
    return text.rstrip("/")


def store_uri(text: str) -> str:
    """Return the absolute address of a folder or a remote prefix that a person has typed. Raises SettingsError."""
    if not text.strip():  # such as that of a variable of the shell that is not set: it would be the working directory
        raise SettingsError("The address is empty. Give a folder, s3://bucket/prefix or abfs://container/prefix.")
    return _uri("The address", text)


def _uri(name: str, text: str) -> str:
    """An absolute URI: plain paths become absolute folders; the scheme must be one that can be opened."""
    if "://" not in text:
        return _folder(name, text)
    scheme, _, rest = text.partition("://")
    if scheme in ("s3a", "s3n"):
        raise unusable(
            name, text, f"{without_secrets(f's3://{rest}')} (the same bucket; Hadoop's scheme is not needed)"
        )
    if scheme not in _SCHEMES:
        raise unusable(name, text, f"a folder or a URI with one of {', '.join(s + '://' for s in _SCHEMES)}")
    if scheme == "file":
        path = urllib.parse.unquote(rest)
        if not path.startswith("/") or path.strip("/") == "":
            raise unusable(name, text, "file:///absolute/folder")
        return path.rstrip("/")
    bucket, _, prefix = rest.rstrip("/").partition("/")
    if not bucket:
        raise unusable(name, text, f"{scheme}://bucket/prefix")
    # The account of Azure stands behind an @ as well: abfs://container@account.dfs.core.windows.net
    if ("@" in bucket and (scheme == "s3" or ":" in bucket.partition("@")[0])) or "?" in rest:
        raise _contains_credentials(name, scheme)
    if scheme == "s3" and not _BUCKET.match(bucket):
        raise unusable(name, text, "a bucket of 3 to 63 lowercase letters, digits, - and ., as in s3://bucket/prefix")
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise unusable(name, text, f"{scheme}://bucket/prefix, with a single / between folders")
    return text.rstrip("/")
