"""Sentences of alerts and of the digest, recomputed for every shop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from retail_assets.alerts.concerned import landed, not_registered, rejected, table_size
from retail_assets.alerts.digest import what_needs_attention, what_sold
from retail_assets.alerts.late import usual
from retail_assets.alerts.outbox import Open
from retail_assets.lake.manifests import CleanManifest, LakeFile, RawManifest, Status
from retail_assets.lake.profile import Control
from retail_assets.landing.usual_size import unusual_size
from retail_assets.quarantine.usual_share import unusual_share
from retail_assets.wording.statement import recorded
from retail_assets_tests.wording import check_alerts  # noqa: F401  registers the checks
from retail_assets_tests.wording.checks import assert_right
from retail_assets_tests.wording.landed_days import landed_days, planted_files
from retail_assets_tests.wording.shops import SHOPS, Shop

HAS_SMALL = ("bakery", "wholesaler", "young", "complete_journey")


def manifests(shop: Shop) -> list[RawManifest]:
    """The planted files, as they are registered."""
    found = []
    for day, lines, total in planted_files(shop):
        file = SimpleNamespace(
            key=str(day), size=lines, lines=lines, control=Control(lines, 0, None if total is None else str(total))
        )
        found.append(RawManifest(shop.name, day, "contract", (file,)))  # type: ignore[arg-type]
    return found


def cleaned(shop: Shop) -> list[CleanManifest]:
    """The last three landings, of which one row in a hundred was rejected."""
    found = []
    for day, lines, money in landed_days(shop)[-3:]:
        kept, refused = LakeFile("a", lines * 99, lines * 99, "0.00", 1), LakeFile("b", lines, lines, str(money), 1)
        files: dict[Status, tuple[LakeFile, ...]] = {"clean": (kept,), "quarantine": (refused,)}
        found.append(CleanManifest(shop.name, day, "run", "contract", "digest", files))
    return found


@pytest.mark.parametrize("name", SHOPS)
def test_sentences_of_alerts_are_recomputed(name: str, shop_named: Callable[[str], Shop]) -> None:
    shop = shop_named(name)
    days = landed_days(shop)
    last = days[-1][0]
    with recorded() as statements:
        landed(manifests(shop), shop.currency)
        not_registered(manifests(shop)[:2], [(file.key, file.size) for m in manifests(shop) for file in m.files])
        rejected(cleaned(shop), shop.currency, without_amount=3)
        for table, money in (("sales", "total_amount"), ("daily_category_sales", "revenue"), ("dim_customer", None)):
            [row] = shop.warehouse.query(
                f"SELECT count(*) AS n, {f'sum({money})' if money else 'NULL'} AS revenue FROM {table}"
            ).to_pylist()
            table_size(table, row["n"], row["revenue"], shop.currency)
        usual(last + dt.timedelta(days=7), days, shop.currency)
        history = {day: (lines, lines * 100) for day, lines, _ in days}
        said = unusual_share(last, days[-1][1] * 50, days[-1][1] * 100, history)
        small = unusual_size(last, days[-1][1] // 10, {day: lines for day, lines, _ in days})
    assert said is not None
    # Of a few sales a day a tenth is what chance alone brings.
    assert (small is not None) is (name in HAS_SMALL)
    # The young shop has no year before.
    assert bool(said.facts["season_landings"]) is (
        name in ("specification", "bakery", "wholesaler", "complete_journey")
    )
    assert {s.name for s in statements} - {"alerts.small_landing"} == {
        f"alerts.{n}" for n in ("landed", "not_registered", "rejected", "table", "usual_landing", "rejected_share")
    }
    for statement in statements:
        assert_right(shop, statement)


@pytest.mark.parametrize("name", SHOPS)
def test_the_digest_is_recomputed(name: str, shop_named: Callable[[str], Shop]) -> None:
    shop = shop_named(name)
    last = shop.one("SELECT max(sale_date) FROM sales")
    said = what_sold(shop.warehouse, shop.currency, last + dt.timedelta(1))
    assert [s.name for s in said] == ["digest.sold", "digest.categories", "digest.week"]
    for statement in said:
        assert_right(shop, statement)


def test_landings_that_wait_are_named_and_a_landing_is_named_once() -> None:
    """The title has the landing in which a cause was found first, and the digest all of them."""
    title = "Rows are rejected (2024-01-05)"
    open_cause = Open("k", "quarantine", "error", title, ("2024-01-05", "2024-01-02"), 1_700_000_000.0, 1.7e9, 2)
    days = [dt.date(2024, 1, number) for number in range(1, 8)]
    assert what_needs_attention([open_cause], waiting=days[:2])[1:] == [
        "- error, since 14 Nov 2023: Rows are rejected (2024-01-02 and 2024-01-05)",
        "- landed and not loaded yet: 2024-01-01 and 2024-01-02 (retail-assets materialize)",
    ]
    assert what_needs_attention("Not known: x.", waiting=days) == [
        "Not known: x.",
        "- landed and not loaded yet: 2024-01-01, 2024-01-02, 2024-01-03, 2024-01-04, 2024-01-05 and more "
        "(retail-assets materialize)",
    ]


def test_what_needs_attention_is_counted(shop_named: Callable[[str], Shop]) -> None:
    def cause(severity: str) -> Open:
        return Open("k", "run-failed", severity, "t", ("2024-01-05",), 1_700_000_000.0, 1_700_000_000.0, 1)

    shop = shop_named("specification")
    with recorded() as statements:
        some = what_needs_attention([cause("error"), cause("error"), cause("warning")])
        none = what_needs_attention([])
    for statement in statements:
        assert_right(shop, statement)
    assert some == ["Open: 2 errors and 1 warning.", *(f"- {s}, since 14 Nov 2023: t (2024-01-05)"
                    for s in ("error", "error", "warning"))]  # fmt: skip
    assert none == ["Nothing is open."]
