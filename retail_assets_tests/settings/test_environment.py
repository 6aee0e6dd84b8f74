"""Settings are read once; a wrong one is refused with its name, its value and what is allowed, never replaced."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_assets import settings
from retail_assets.contracts.loading import load, shipped
from retail_assets.errors import ContractError, RetailError, SettingsError


def test_without_any_variable_everything_has_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = settings.load({})
    assert loaded.home == tmp_path / ".retail"
    assert loaded.output_uri == str(tmp_path / "output")
    assert loaded.raw_uri == str(tmp_path / ".retail/raw")
    assert loaded.lake_uri == str(tmp_path / ".retail/lake")
    assert loaded.models_uri == str(tmp_path / ".retail/models")
    assert loaded.duckdb_path == tmp_path / ".retail/warehouse/retail.duckdb"
    assert (loaded.warehouse, loaded.spark_master, loaded.spark_memory) == ("duckdb", "local[*]", None)
    assert (loaded.source, loaded.start_date, loaded.end_date) == ("retail_sales", dt.date(2023, 1, 1), None)


def test_every_setting_of_the_first_release_still_works(tmp_path: Path) -> None:
    """Deployments set these variables; a renamed one would be refused as unknown."""
    for name in ("events.csv", "personas.yaml"):
        (tmp_path / name).touch()
    loaded = settings.load(
        {
            "RETAIL_HOME": str(tmp_path / "home"),
            "RETAIL_OUTPUT": "s3://bucket/output",
            "RETAIL_RAW_URI": "s3://bucket/raw",
            "RETAIL_LAKE_URI": "s3://bucket/lake",
            "RETAIL_MODELS_URI": "abfs://container/models",
            "RETAIL_WAREHOUSE": "duckdb",
            "RETAIL_SPARK": "local[2]",
            "RETAIL_SPARK_MEMORY": "2g",
            "RETAIL_SOURCE": "complete_journey",
            "RETAIL_START_DATE": "2017-11-30",
            "RETAIL_END_DATE": "2017-12-31",
            "RETAIL_TIMEZONE": "Europe/Berlin",
            "RETAIL_COUNTRY": "DE",
            "RETAIL_CURRENCY": "EUR",
            "RETAIL_EVENTS": str(tmp_path / "events.csv"),
            "RETAIL_REGRESSORS": "weather",
            "RETAIL_PERSONAS": str(tmp_path / "personas.yaml"),
        }
    )
    assert loaded == settings.Settings(
        home=tmp_path / "home",
        output_uri="s3://bucket/output",
        raw_uri="s3://bucket/raw",
        lake_uri="s3://bucket/lake",
        models_uri="abfs://container/models",
        serving_uri=str(tmp_path / "home/serving"),
        serving_keep_days=7,
        warehouse="duckdb",
        redshift=None,
        spark_master="local[2]",
        spark_memory="2g",
        contract=loaded.contract,
        start_date=dt.date(2017, 11, 30),
        end_date=dt.date(2017, 12, 31),
        events=str(tmp_path / "events.csv"),
        regressors="weather",
        personas=tmp_path / "personas.yaml",
    )
    contract = loaded.contract
    assert contract.name == "complete_journey"
    assert (contract.timezone, contract.country, contract.currency) == ("Europe/Berlin", "DE", "EUR")


def test_stores_follow_home_unless_set(tmp_path: Path) -> None:
    home = str(tmp_path / "h")
    loaded = settings.load({"RETAIL_HOME": home, "RETAIL_RAW_URI": "s3://bucket/raw/"})
    assert loaded.raw_uri == "s3://bucket/raw"
    assert loaded.lake_uri == f"{home}/lake"


def test_the_address_of_the_bundles_is_known_without_reading_a_contract(tmp_path: Path) -> None:
    """Reading one takes half of what an answer on the command line may take."""
    home = str(tmp_path / "h")
    assert settings.load_serving_uri({"RETAIL_HOME": home}) == f"{home}/serving/retail_sales"
    elsewhere = {"RETAIL_SERVING_URI": "s3://bucket/serving/", "RETAIL_SOURCE": "complete_journey"}
    assert settings.load_serving_uri(elsewhere) == "s3://bucket/serving/complete_journey"
    for name in shipped():  # else a shipped contract's bundles would be looked for elsewhere than they are published
        assert load(name).name == name
    own = tmp_path / "mine.yaml"
    own.write_text(
        "{name: my_shop, timezone: Europe/Berlin, country: DE, currency: EUR, start_date: 2024-05-01, columns: "
        "{transaction_id: {header: Bon}, sold_at: {header: Datum}, product_category: {header: Gruppe}, "
        "quantity: {header: Menge}, total_amount: {header: Betrag}}}"
    )
    assert settings.load_serving_uri({"RETAIL_HOME": home, "RETAIL_SOURCE": str(own)}) == f"{home}/serving/my_shop"


def test_blank_means_unset() -> None:
    assert settings.load({"RETAIL_SOURCE": "  ", "RETAIL_START_DATE": ""}) == settings.load({})


def test_zone_country_and_currency_override_the_contract() -> None:
    overrides = {"RETAIL_TIMEZONE": "Asia/Tokyo", "RETAIL_COUNTRY": "JP", "RETAIL_CURRENCY": "JPY"}
    loaded = settings.load(overrides)
    contract = loaded.contract
    assert (contract.timezone, contract.country, contract.currency) == ("Asia/Tokyo", "JP", "JPY")
    assert settings.load({}).contract.country == "US"  # the shipped contract itself is untouched


def test_a_contract_of_ones_own_gives_the_source_its_name(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(
        "{name: my_shop, timezone: Europe/Berlin, country: DE, currency: EUR, start_date: 2024-05-01, columns: "
        "{transaction_id: {header: Bon}, sold_at: {header: Datum}, product_category: {header: Gruppe}, "
        "quantity: {header: Menge}, total_amount: {header: Betrag}}}"
    )
    loaded = settings.load({"RETAIL_SOURCE": str(own)})
    assert (loaded.source, loaded.start_date) == ("my_shop", dt.date(2024, 5, 1))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("RETAIL_SERVING_URI", "gs://bucket", "s3://"),
        ("RETAIL_SERVING_KEEP_DAYS", "a week", "a number of days"),
        ("RETAIL_SERVING_KEEP_DAYS", "9999", "a number of days"),
        ("RETAIL_OUTPUT", "gs://bucket", "s3://"),
        ("RETAIL_OUTPUT", "s3://", "bucket"),
        ("RETAIL_OUTPUT", "s3:/bucket/x", "Did you mean 's3://bucket/x'"),
        ("RETAIL_OUTPUT", "s3:bucket", "Did you mean 's3://bucket'"),
        ("RETAIL_RAW_URI", "http://host/x", "s3://"),
        ("RETAIL_RAW_URI", "s3a://bucket/x", "s3://bucket/x"),
        ("RETAIL_RAW_URI", "s3://Bucket/x", "lowercase letters"),
        ("RETAIL_RAW_URI", "s3://b/x", "3 to 63"),
        ("RETAIL_RAW_URI", "s3://bucket//x", "single / between"),
        ("RETAIL_RAW_URI", "s3://bucket/../x", "single / between"),
        ("RETAIL_LAKE_URI", "S3://bucket", "s3://"),
        ("RETAIL_MODELS_URI", "://", "s3://"),
        ("RETAIL_WAREHOUSE", "snowflake", "duckdb"),
        ("RETAIL_SPARK", "yarn", "local"),
        ("RETAIL_SPARK", "local", "local"),
        ("RETAIL_SPARK", "local[0]", "local"),
        ("RETAIL_SPARK", "spark://host", "spark://host:port"),
        ("RETAIL_SPARK_MEMORY", "2GB", "1500m"),
        ("RETAIL_SPARK_MEMORY", "0g", "1500m"),
        ("RETAIL_START_DATE", "1.5.2024", "YYYY-MM-DD"),
        ("RETAIL_START_DATE", "2024-02-30", "YYYY-MM-DD"),
        ("RETAIL_END_DATE", "2022-12-31", "2023-01-01"),
        ("RETAIL_TIMEZONE", "Europe/Berln", "Did you mean 'Europe/Berlin'"),
        ("RETAIL_COUNTRY", "Germany", "ISO 3166), such as US. Did you mean 'DE'?"),
        ("RETAIL_COUNTRY", "usa", "Did you mean 'US'?"),
        ("RETAIL_COUNTRY", "XX", "ISO 3166"),
        ("RETAIL_COUNTRY", "EU", "ISO 3166"),
        ("RETAIL_CURRENCY", "eur", "ISO 4217), such as EUR. Did you mean 'EUR'?"),
        ("RETAIL_CURRENCY", "EURO", "Did you mean 'EUR'?"),
        ("RETAIL_REGRESSORS", "weather; DROP TABLE sales", "schema.name"),
        ("RETAIL_REGRESSORS", "a.b.c", "schema.name"),
        ("RETAIL_REGRESSORS", "weather.csv.", "schema.name"),
        ("RETAIL_LINEAGE_URL", "localhost:5000", "Did you mean 'http://localhost:5000'"),
        ("RETAIL_LINEAGE_URL", "marquez:5000/api", "Did you mean 'http://marquez:5000/api'"),
        ("RETAIL_LINEAGE_URL", "marquez.example.com", "Did you mean 'https://marquez.example.com'"),
        ("RETAIL_LINEAGE_URL", "marquez.example.com/api", "a file of that name: './marquez.example.com/api'"),
        ("RETAIL_LINEAGE_URL", "http://marquez:port", "the path of a file"),
        ("RETAIL_LINEAGE_URL", "http://marquez:99999", "the path of a file"),
        ("RETAIL_LINEAGE_URL", "http://[::1", "the path of a file"),
        ("RETAIL_DAGSTER_URL", "http://dagster:99999", "http://127.0.0.1:3000"),
    ],
)
def test_a_wrong_value_is_refused_by_name_value_and_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({name: value})
    assert name in str(refused.value)
    assert value in str(refused.value)
    assert allowed in str(refused.value)


@pytest.mark.parametrize("name", ["RETAIL_EVENTS", "RETAIL_PERSONAS", "RETAIL_FONT"])
def test_a_file_that_is_not_there_is_refused_with_the_one_that_is_meant(name: str, tmp_path: Path) -> None:
    """Events and personas were first missed by the step that reads them, after an hour of cleaning."""
    (tmp_path / "files.ttf").touch()
    with pytest.raises(SettingsError, match=rf"{name}='.*/file\.ttf' .* Did you mean '{tmp_path}/files\.ttf'\?"):
        settings.load({name: str(tmp_path / "file.ttf")})
    with pytest.raises(SettingsError, match="it is a folder"):
        settings.load({name: f"{tmp_path}/"})
    assert settings.load({name: str(tmp_path / "files.ttf")})


@pytest.mark.parametrize("country", ["AQ", "XK", "UK"])
def test_a_country_without_a_holiday_calendar_of_its_own_is_one(country: str) -> None:
    """Antarctica has none, Kosovo's code is not of ISO, and the calendars know the United Kingdom by both codes."""
    assert settings.load({"RETAIL_COUNTRY": country}).contract.country == country


def test_events_in_a_store_are_not_asked_for_at_the_door() -> None:
    assert settings.load({"RETAIL_EVENTS": "s3://bucket/events.csv"}).events == "s3://bucket/events.csv"


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_address_is_not_the_working_directory(text: str) -> None:
    with pytest.raises(SettingsError, match=r"The address is empty\. Give a folder"):
        settings.store_uri(text)


def test_the_address_of_a_weather_server_has_a_port_that_can_be() -> None:
    place = {"RETAIL_WEATHER_LATITUDE": "51", "RETAIL_WEATHER_LONGITUDE": "3"}
    assert settings.load({**place, "RETAIL_WEATHER_URL": "http://weather:8080/v1"}).weather
    with pytest.raises(SettingsError, match="RETAIL_WEATHER_URL='http://weather:99999' is not usable"):
        settings.load({**place, "RETAIL_WEATHER_URL": "http://weather:99999"})


def test_a_variable_that_does_not_exist_is_refused_with_the_nearest() -> None:
    """A misspelled RETAIL_LAKE_URI would otherwise put a production lake in a local folder."""
    with pytest.raises(SettingsError, match=r"RETAIL_LAKE_URL is not a setting\. Did you mean 'RETAIL_LAKE_URI'"):
        settings.load({"RETAIL_LAKE_URL": "s3://bucket/lake"})


def test_a_misspelled_setting_is_one_short_message_without_all_the_others() -> None:
    """The list of all settings is a screen of names in which the nearest one was lost."""
    with pytest.raises(SettingsError) as caught:
        settings.load({"RETAIL_STREAM_SECS": "3"})
    assert "Did you mean 'RETAIL_STREAM_SECONDS'?" in str(caught.value)
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize("name", ["lineage.jsonl", "./marquez.example.com", "data/lineage.jsonl", "lineage"])
def test_lineage_goes_to_what_is_named_like_a_file(name: str) -> None:
    lineage = settings.load({"RETAIL_LINEAGE_URL": name}).lineage
    assert lineage is not None
    assert lineage.is_file


def test_what_is_missing_for_weather_or_emr_is_named_at_once() -> None:
    """One at a time would be three runs until the job has all that it needs."""
    with pytest.raises(SettingsError, match=r"RETAIL_WEATHER_LATITUDE and RETAIL_WEATHER_LONGITUDE are not"):
        settings.load({"RETAIL_WEATHER_API_KEY": "abc"})
    with pytest.raises(
        SettingsError, match=r"ROLE and RETAIL_EMR_ENTRY_POINT and RETAIL_EMR_BUCKET are not\. Set them"
    ):
        settings.load({"RETAIL_EMR_APPLICATION": "00f1abcdexample"})


def test_an_unknown_contract_is_refused_with_the_nearest() -> None:
    with pytest.raises(ContractError, match="Did you mean 'complete_journey'"):
        settings.load({"RETAIL_SOURCE": "complet_journey"})
    with pytest.raises(ContractError, match="no-such"):
        settings.load({"RETAIL_SOURCE": "no-such.yaml"})


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.write_text("")
    with pytest.raises(SettingsError, match="RETAIL_HOME"):
        settings.load({"RETAIL_HOME": str(path)})


def test_today_is_the_shops_day() -> None:
    """Kiritimati is 25 hours ahead of Midway: it is never the same day in both."""
    east = settings.load({"RETAIL_TIMEZONE": "Pacific/Kiritimati"}).today()
    west = settings.load({"RETAIL_TIMEZONE": "Pacific/Midway"}).today()
    assert east > west


@given(
    st.dictionaries(
        st.sampled_from([n for n in settings.VARIABLES if n != "RETAIL_SOURCE"]),
        st.text(st.characters(exclude_characters="\0~", exclude_categories=["Cs"]), max_size=30),
        max_size=3,
    )
)
def test_any_value_gives_settings_or_a_settings_error(environ: dict[str, str]) -> None:
    try:
        loaded = settings.load(environ)
    except SettingsError as e:
        refusal = str(e)
    else:
        assert loaded.start_date <= (loaded.end_date or dt.date.max)
        return
    assert any(name in refusal for name in environ)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RETAIL_RAW_URI", "file://"),
        ("RETAIL_RAW_URI", "file://relative/folder"),
        ("RETAIL_RAW_URI", "s3:///no-bucket"),
        ("RETAIL_RAW_URI", "s3:/one-slash"),
        ("RETAIL_OUTPUT", "gopher://a/b"),
        ("RETAIL_HOME", "s3://bucket/home"),
        ("RETAIL_HOME", "~no-such-user-here/x"),
        ("RETAIL_START_DATE", "20240101"),
        ("RETAIL_START_DATE", "2024-W01-1"),
    ],
)
def test_what_only_looks_like_a_place_or_a_day_is_refused_with_its_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        settings.load({variable: value})


def test_a_file_uri_is_a_folder_with_its_escapes_decoded() -> None:
    assert settings.load({"RETAIL_RAW_URI": "file:///data/raw%20files/"}).raw_uri == "/data/raw files"


SECRET = "tok3141592653589793"
HIDING = [
    f"https://shop:{SECRET}@host/x.csv",
    f"https://shop:pa/ss{SECRET}@host/x.csv",
    f"https://host/x.csv?X-Amz-Signature={SECRET}",
    f"https:/shop:{SECRET}@host/x",
    f"https//shop:{SECRET}@host/x",
    f"s3://AKIA:{SECRET}@bucket/x",
    f"s3://AKIA:a/b{SECRET}@bucket/x",
    f"s3a://AKIA:{SECRET}@bucket/x",
    f"s3://bucket/x?X-Amz-Signature={SECRET}",
    f"S3://bucket/x?X-Amz-Signature={SECRET}",
    f"abfs://shop:{SECRET}@account.dfs.core.windows.net/x",
    f"abfs://container@account.dfs.core.windows.net/x?sig={SECRET}",
    f"abfss://container@account/x?sig={SECRET}",
    f"sc://host:15002/;token={SECRET} ;use_ssl=true",
    f"redshift://shop:{SECRET}@host/db",
]


def shown(environ: dict[str, str]) -> str:
    """What a person sees of the settings: the error, or the settings themselves."""
    try:
        return repr(settings.load(environ))
    except RetailError as e:
        return str(e)


@pytest.mark.parametrize("value", HIDING)
def test_a_secret_in_an_address_is_in_no_message_whatever_the_setting(value: str) -> None:
    assert [name for name in settings.VARIABLES if SECRET in shown({name: value})] == []
    of_redshift = {"RETAIL_WAREHOUSE": "redshift", "RETAIL_LAKE_URI": "s3://bucket/lake"}
    names = ("REDSHIFT_DATABASE", "REDSHIFT_HOST", "REDSHIFT_PORT", "REDSHIFT_REGION", "REDSHIFT_STAGING_URI")
    assert [name for name in names if SECRET in shown({**of_redshift, name: value})] == []


def test_a_token_for_spark_is_accepted_and_not_shown() -> None:
    loaded = settings.load({"RETAIL_SPARK": f"sc://host:15002/;token={SECRET}"})
    assert SECRET in loaded.spark_master
    assert SECRET not in repr(loaded)


def test_credentials_in_a_uri_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="credentials") as refused:
        settings.load({"RETAIL_LAKE_URI": "s3://AKIAX:topsecret@bucket/lake"})
    assert "topsecret" not in str(refused.value)
