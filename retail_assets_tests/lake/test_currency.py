"""Another currency in the settings is refused: it would rename the money of the sales so far."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from retail_assets.contracts import loading
from retail_assets.errors import LandingError
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.lake.lake import Lake
from retail_assets.lake.manifests import STATUSES, CleanManifest
from retail_assets.storage import Store

DOLLARS = loading.load("retail_sales")
EUROS = DOLLARS.model_copy(update={"currency": "EUR"})
DAYS = [dt.date(2024, 3, day) for day in (1, 2)]


def home(path: Path, *, currency: str, digest: str = "retail_sales@1+00000000") -> Lake:
    lake = Lake(Store(str(path)), "retail_sales")
    for day in DAYS:
        lake.publish_clean(
            CleanManifest("retail_sales", day, "r", digest, "d", {s: () for s in STATUSES}, currency=currency)
        )
    return lake


def test_another_currency_is_refused_with_the_way_out(tmp_path: Path) -> None:
    lake = home(tmp_path, currency="USD")
    refuse_other_currency(lake, DOLLARS)
    with pytest.raises(LandingError, match=r"are in USD .*now says EUR.*Set it back to USD"):
        refuse_other_currency(lake, EUROS)
    with pytest.raises(LandingError, match=f"landing {DAYS[0]}"):
        refuse_other_currency(lake, EUROS, DAYS[1:])
    refuse_other_currency(lake, EUROS, DAYS)  # everything is cleaned again


def test_a_home_of_0_1_0_tells_its_currency_by_the_digest_of_its_contract(tmp_path: Path) -> None:
    lake = home(tmp_path, currency="", digest=DOLLARS.digest)
    refuse_other_currency(lake, DOLLARS)
    with pytest.raises(LandingError, match="are in USD"):
        refuse_other_currency(lake, EUROS)


def test_nothing_is_refused_where_nothing_is_known(tmp_path: Path) -> None:
    refuse_other_currency(Lake(Store(str(tmp_path / "new")), "retail_sales"), EUROS)
    refuse_other_currency(home(tmp_path / "old", currency=""), EUROS)
