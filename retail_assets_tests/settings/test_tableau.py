"""Where to publish to Tableau: complete or refused, and the token in no message."""

from __future__ import annotations

import pytest

from retail_assets import settings
from retail_assets.errors import SettingsError
from retail_assets.settings.tableau import TableauServer

WHOLE = {
    "RETAIL_TABLEAU_SERVER": "https://tableau.example.com/",
    "RETAIL_TABLEAU_SITE": "retail",
    "RETAIL_TABLEAU_PROJECT": "Sales/Daily",
    "RETAIL_TABLEAU_TOKEN_NAME": "publisher",
    "RETAIL_TABLEAU_TOKEN": "s3cr3t",
}


def test_the_settings_are_read() -> None:
    loaded = settings.load(WHOLE).tableau
    assert loaded == TableauServer("https://tableau.example.com", "retail", "Sales/Daily", "publisher", "s3cr3t")
    assert "s3cr3t" not in repr(settings.load(WHOLE))
    more = settings.load({**WHOLE, "RETAIL_TABLEAU_NAME": "Shop (EU)", "RETAIL_TABLEAU_TIMEOUT": "7.5"}).tableau
    assert more
    assert (more.name, more.timeout) == ("Shop (EU)", 7.5)


def test_nothing_is_published_without_them() -> None:
    assert settings.load({}).tableau is None
    assert settings.load({}).tableau_lines == 5_000_000
    assert settings.load({"RETAIL_TABLEAU_LINES": "0"}).tableau_lines == 0


@pytest.mark.parametrize("missing", ["RETAIL_TABLEAU_PROJECT", "RETAIL_TABLEAU_TOKEN_NAME", "RETAIL_TABLEAU_TOKEN"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} must be"):
        settings.load({name: value for name, value in WHOLE.items() if name != missing})


def test_a_token_without_a_server_is_refused() -> None:
    with pytest.raises(SettingsError, match="RETAIL_TABLEAU_SERVER is not") as refused:
        settings.load({"RETAIL_TABLEAU_TOKEN": "s3cr3t"})
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETAIL_TABLEAU_SERVER", "http://tableau.example.com"),  # the token could be read on the way
        ("RETAIL_TABLEAU_SERVER", "http://127.0.0.1.example.com"),
        ("RETAIL_TABLEAU_SERVER", "tableau.example.com"),
        ("RETAIL_TABLEAU_SERVER", "https://tableau.example.com/#/site/retail"),
        ("RETAIL_TABLEAU_SERVER", "https://user:pw-s3cr3t@tableau.example.com"),
        ("RETAIL_TABLEAU_SITE", "my site"),
        ("RETAIL_TABLEAU_SITE", "https://x/#/site/retail"),
        ("RETAIL_TABLEAU_NAME", "a/b"),
        ("RETAIL_TABLEAU_NAME", "a,b"),
        ("RETAIL_TABLEAU_TIMEOUT", "0"),
        ("RETAIL_TABLEAU_TIMEOUT", "soon"),
        ("RETAIL_TABLEAU_LINES", "5e6"),
        ("RETAIL_TABLEAU_LINES", "-1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        settings.load({**WHOLE, name: value})
    assert "s3cr3t" not in str(refused.value)


def test_a_server_on_this_machine_needs_no_https() -> None:
    server = settings.load({**WHOLE, "RETAIL_TABLEAU_SERVER": "http://127.0.0.1:8000"}).tableau
    assert server
    assert server.address == "http://127.0.0.1:8000"
