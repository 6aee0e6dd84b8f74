"""The REDSHIFT_* variables: read when Redshift is on, refused by name when they are wrong, never repeated if secret."""

from __future__ import annotations

import pytest

from retail_assets import settings
from retail_assets.errors import SettingsError
from retail_assets.settings.redshift import RedshiftSettings, load

ROLE = "arn:aws:iam::123456789012:role/copy"
COMMON = {"REDSHIFT_DATABASE": "dev", "REDSHIFT_IAM_ROLE": ROLE}
PASSWORD = COMMON | {"REDSHIFT_HOST": "h.example.com", "REDSHIFT_USER": "u", "REDSHIFT_PASSWORD": " p w "}
ON = {"RETAIL_WAREHOUSE": "redshift", "RETAIL_LAKE_URI": "s3://bucket/lake"}


@pytest.mark.parametrize(
    ("environ", "login"),
    [
        (PASSWORD, "password"),
        (COMMON | {"REDSHIFT_SECRET": "retail/redshift"}, "secret"),
        (COMMON | {"REDSHIFT_CLUSTER": "shop", "REDSHIFT_REGION": "us-gov-west-1"}, "cluster"),
        (COMMON | {"REDSHIFT_WORKGROUP": "shop", "REDSHIFT_IAM_ROLE": "default"}, "workgroup"),
    ],
)
def test_what_is_set_says_how_to_log_in(environ: dict[str, str], login: str) -> None:
    assert load(environ).login == login


def test_blanks_in_a_password_belong_to_it() -> None:
    assert load(PASSWORD).password == " p w "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"REDSHIFT_PASSWROD": "x"}, "REDSHIFT_PASSWROD is not a setting. Did you mean 'REDSHIFT_PASSWORD'"),
        ({"REDSHIFT_CLUSTER": "shop"}, "exactly one of .* REDSHIFT_PASSWORD and REDSHIFT_CLUSTER are set"),
        ({"REDSHIFT_PASSWORD": ""}, "exactly one of .* none is set"),
        ({"REDSHIFT_DATABASE": ""}, "needs REDSHIFT_DATABASE"),
        ({"REDSHIFT_HOST": "", "REDSHIFT_USER": ""}, "needs REDSHIFT_HOST and REDSHIFT_USER"),
        ({"REDSHIFT_HOST": "https://h"}, "REDSHIFT_HOST is not usable. Allowed: a host name"),
        ({"REDSHIFT_PORT": "70000"}, "REDSHIFT_PORT='70000' is not usable"),
        ({"REDSHIFT_PORT": "http"}, "REDSHIFT_PORT='http' is not usable"),
        ({"REDSHIFT_IAM_ROLE": "copy"}, "REDSHIFT_IAM_ROLE is not usable. Allowed: arn:aws:iam"),
        ({"REDSHIFT_IAM_ROLE": ROLE + "' --"}, "REDSHIFT_IAM_ROLE is not usable"),
        ({"REDSHIFT_REGION": "Frankfurt"}, "REDSHIFT_REGION='Frankfurt' is not usable"),
        ({"REDSHIFT_STAGING_URI": "/tmp/x"}, "REDSHIFT_STAGING_URI is not usable. Allowed: s3://"),
        ({"REDSHIFT_DATABASE": "dev; DROP"}, "REDSHIFT_DATABASE='dev; DROP' is not usable"),
    ],
)
def test_a_wrong_value_is_refused_by_name(change: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(PASSWORD | change)


def test_redshift_needs_a_lake_on_s3() -> None:
    with pytest.raises(SettingsError, match=r"RETAIL_LAKE_URI=s3://.*it is not set"):
        settings.load(PASSWORD | {"RETAIL_WAREHOUSE": "redshift"})
    with pytest.raises(SettingsError, match=r"it is '/data/lake'"):
        settings.load(PASSWORD | ON | {"RETAIL_LAKE_URI": "/data/lake"})
    loaded = settings.load(PASSWORD | ON)
    assert isinstance(loaded.redshift, RedshiftSettings)


def test_its_variables_do_not_matter_while_duckdb_is_on() -> None:
    assert settings.load({"REDSHIFT_ANYTHING": "of another program"}).redshift is None


def test_no_secret_is_in_a_repr_or_an_error() -> None:
    shown = repr(settings.load(PASSWORD | ON))
    assert [s for s in (" p w ", ROLE, "h.example.com") if s in shown] == []
