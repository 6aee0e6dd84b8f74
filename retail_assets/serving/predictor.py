"""The predictor: forecasts, segments and recommendations from a bundle, the same at every door."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from retail_assets.serving import schema
from retail_assets.serving.bundles import BundleAddress
from retail_assets.serving.errors import (
    BadRequestError,
    OutsideHorizonError,
    UnknownCategoryError,
    UnknownCustomerError,
    UnknownPersonaError,
)
from retail_assets.serving.manifest import MOST_BYTES
from retail_assets.serving.open_bundle import OpenBundle, Row, day, document, money, number, parsed, similar, text
from retail_assets.serving.purchases import LONGEST_ID, MOST_PURCHASES, Purchase, read_purchases
from retail_assets.serving.refresh import Refresher
from retail_assets.serving.results import (
    Category,
    Forecast,
    ForecastDay,
    Health,
    Profile,
    Provenance,
    Recommendations,
    ScoredCustomer,
    Scores,
    Segment,
)
from retail_assets.serving.segment_numbers import Notation

MOST_DAYS = 28
COVERAGES: Mapping[float, tuple[str, str]] = {0.8: ("p10", "p90"), 0.95: ("p025", "p975")}
"""Coverages that a forecast has, with the quantiles at the ends of the interval."""
CHECK_SECONDS = 2.0
_LONGEST_NAME = 200
_CLOCK_SLACK = dt.timedelta(hours=36)
"""Dates of purchases that are accepted after this machine's day: shops are up to 14 hours ahead of UTC."""


class Predictor:
    """Answers questions from the bundle at an address. Safe to share between threads, and to keep across a fork.

    Example::

        predictor = Predictor.from_uri(".retail/serving/retail_sales")
        predictor.forecast("Beauty", days=7).revenue
    """

    def __init__(self, refresher: Refresher) -> None:
        self._refresher = refresher

    @classmethod
    def from_uri(
        cls,
        uri: str,
        *,
        check_seconds: float = CHECK_SECONDS,
        background: bool = False,
        required: bool = True,
        cache: str | Path | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Predictor:
        """Open the bundle in use at an address; a newer one comes into use by itself.

        Args:
            uri: folder of a source's bundles: a path, `file:///…` or `s3://…`.
            check_seconds: how often the address is looked at. A bundle is visible that much later at most.
            background: look in a thread, so that no question waits; for servers.
            required: whether it is an error that there is no usable bundle. If not, `health().ready` is False and every
                question raises NoBundleError until there is one.
            cache: local folder for copies of remote bundles; by default one below the system's temporary folder.
            most_bytes: size of a bundle that is accepted.

        Raises:
            NoBundleError: nothing has been published there.
            BadBundleError: the bundle in use is damaged.
            StorageError: the address does not answer.
        """
        if not (isinstance(check_seconds, int | float) and math.isfinite(check_seconds) and check_seconds >= 0):
            raise BadRequestError(f"check_seconds is {check_seconds!r}. Give seconds, 0 or more.")
        address = BundleAddress(uri, Path(cache) if cache is not None else None, most_bytes)
        refresher = Refresher(address, check_seconds, background)
        refresher.start(required)
        return cls(refresher)

    def __enter__(self) -> Predictor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop looking for bundles and close the one in use."""
        self._refresher.close()

    @property
    def uri(self) -> str:
        """The address."""
        return self._refresher.address.uri

    def provenance(self) -> Provenance:
        """Return where an answer's numbers would come from now; `bundle` serves as an ETag. Raises NoBundleError."""
        return self._bundle().provenance

    def pinned(self) -> Predictor:
        """Return a predictor that stays with the bundle in use now, for several questions that belong together.

        Raises NoBundleError.
        """
        return _Pinned(self._refresher, self._bundle())

    def health(self, now: dt.datetime | None = None) -> Health:
        """Return the state of the predictor. Never raises.

        Args:
            now: the time, with a time zone; by default of the clock.
        """
        refresher = self._refresher
        bundle, pointer = refresher.present, refresher.pointer
        time_now = now or dt.datetime.now(dt.UTC)
        warnings = []
        if bundle is not None:
            if dt.datetime.fromisoformat(bundle.manifest.created) > time_now + dt.timedelta(minutes=5):
                warnings.append(
                    f"The bundle was made at {bundle.manifest.created}, after the time of this machine's clock."
                )
            if bundle.provenance.cutoff > time_now.date() + dt.timedelta(days=1):
                warnings.append(f"The bundle has sales up to {bundle.manifest.cutoff}, after this machine's day.")
        return Health(
            ready=bundle is not None,
            problem=refresher.problem,
            warnings=tuple(warnings),
            provenance=bundle.provenance if bundle else None,
            published_at=pointer.published_at if pointer and bundle else None,
            checked_seconds_ago=round(refresher.checked_seconds_ago, 3),
            swaps=refresher.swaps,
        )

    def refresh(self) -> None:
        """Look for a newer bundle now."""
        self._refresher.check()

    def categories(self) -> tuple[Category, ...]:
        """Return the catalog: the categories by falling revenue of the last 28 days, the TOTAL first."""
        return self._bundle().categories

    def forecast(
        self,
        category: str | None = None,
        start: dt.date | str | None = None,
        days: int | None = None,
        coverage: float = 0.8,
    ) -> Forecast:
        """Return the forecast of a category for some days.

        Args:
            category: its name, in any case; None or `TOTAL` for all together.
            start: first day (a date, or YYYY-MM-DD); None for the first day of the forecast.
            days: 1 to 28; None for all from `start`. Where a row is a week, the weeks that end within these days, at
                least one.
            coverage: of the intervals, 0.8 or 0.95.

        Raises:
            UnknownCategoryError: there is no such forecast; the message has similar names.
            OutsideHorizonError: no forecast covers one of the days; the message has those that are covered.
            BadRequestError: a value is of a wrong type or not possible.
        """
        bundle = self._bundle()
        name = _category(bundle, category)
        rows = bundle.forecasts[name]
        low, high, level = *_interval(coverage), float(coverage)
        if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < 1):
            raise BadRequestError(f"days is {_shown(days)}. Give a whole number, 1 to {MOST_DAYS}.")
        step = _step(rows)
        chosen = _within(rows, _start(start), days, step)
        forecast_days = tuple(_forecast_day(row, low, high, level) for row in chosen)
        units = [each.units for each in forecast_days]
        known = [number for number in units if number is not None]
        return Forecast(
            category=name,
            coverage=level,
            step_days=step,
            days=forecast_days,
            revenue=math.fsum(each.revenue for each in forecast_days),
            units=math.fsum(known) if len(known) == len(units) else None,
            method=chosen[0]["method"],
            model_version=chosen[0]["model_version"],
            provenance=bundle.provenance,
        )

    def segment(self, customer_id: str) -> Segment:
        """Return the segment of a customer of the sales.

        Raises:
            UnknownCustomerError: no customer with a segment has this id.
            BadRequestError: it is no id.
        """
        bundle = self._bundle()
        text = _name(customer_id, "customer_id", LONGEST_ID)
        row = bundle.customer(text)
        if row is None:
            raise UnknownCustomerError(
                f"Customer {text!r} has no segment: not among the customers of the sales up to "
                f"{bundle.manifest.cutoff}. Ids must match exactly. For a new customer, score their purchases."
            )
        return segment_of(bundle, row)

    def customers(self, after: str = "", limit: int = 100) -> tuple[Segment, ...]:
        """Return customers in order of their ids: those after an id, at most `limit` (1 to 1000)."""
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 1000:
            raise BadRequestError(f"limit is {_shown(limit)}. Give 1 to 1000.")
        bundle = self._bundle()
        begin = _name(after, "after", LONGEST_ID) if after else ""
        rows = [bundle.customer(each) for each in bundle.customer_ids(begin, limit)]
        return tuple(segment_of(bundle, row) for row in rows if row is not None)

    def score(
        self,
        purchases: Iterable[Purchase | Mapping[str, Any]],
        as_of: dt.date | str | None = None,
        *,
        today: dt.date | None = None,
        most: int = MOST_PURCHASES,
    ) -> Scores:
        """Give customers a segment by their purchases alone: for customers who are not in the sales.

        Args:
            purchases: records, or objects with `customer_id`, `date`, `amount` and optionally `order_id`, `quantity`.
            as_of: day as of which the customers are described; None for the snapshot of the shop's customers, or the
                day of the last purchase if that is later.
            today: later purchases are rejected; None for the day of the clock, or of the bundle if that is later.
            most: purchases that are accepted.

        Raises:
            BadRequestError: a purchase is wrong; the message has its place, the field and its value.
        """
        bundle = self._bundle()
        numbers = bundle.numbers
        latest = max(today or _latest_day(), numbers.snapshot)
        checked = read_purchases(purchases, latest, most)
        last = max((purchase.date for purchase in checked), default=numbers.snapshot)
        snapshot = max(last, numbers.snapshot) if as_of is None else _day(as_of, "as_of")
        if snapshot < last:
            raise BadRequestError(f"as_of is {snapshot}, before the last purchase on {last}.")
        customers = []
        then = numbers.as_of(snapshot)
        for features in then.describe(checked, snapshot):
            scored = then.score(features)
            customers.append(
                ScoredCustomer(
                    customer_id=features.customer_id,
                    persona=scored.persona,
                    decided_by="rule" if scored.cluster is None else "cluster",
                    confidence=scored.confidence,
                    tags=scored.tags,
                    lapsed_risk=scored.lapsed_risk,
                    frequency=features.frequency,
                    monetary=features.monetary,
                    average_basket=features.average_basket,
                    last_sale_date=features.last_sale_date,
                    note=scored.note,
                )
            )
        return Scores(tuple(customers), snapshot, numbers.model_version, bundle.provenance)

    def notation(self) -> Notation:
        """Return how the shop writes CSV files of purchases, for `purchase_file.read_purchase_file`."""
        return self._bundle().numbers.notation

    def personas(self) -> tuple[Profile, ...]:
        """Return the personas that have customers, with their numbers, in order of display."""
        return tuple(profile for profile, _ in self._bundle().profiles.values())

    def recommendations(self, persona: str) -> Recommendations:
        """Return what to do about a persona.

        Raises:
            UnknownPersonaError: no customers have this persona; the message has similar names.
        """
        bundle = self._bundle()
        wanted = _name(persona, "persona")
        by_fold = {name.casefold(): name for name in bundle.profiles}
        name = wanted if wanted in bundle.profiles else by_fold.get(wanted.casefold())
        if name is None:
            close = similar(wanted, list(bundle.profiles))
            raise UnknownPersonaError(
                f"No customers are {wanted!r}.{_did_you_mean(close)} Personas: {_listed(bundle.profiles)}.", close
            )
        profile, advice = bundle.profiles[name]
        content = advice or {}
        return Recommendations(
            persona=name,
            description=profile.description,
            customers=profile.customers,
            action=str(content.get("action") or ""),
            text=str(content.get("text") or ""),
            categories=tuple(content.get("categories") or ()),
            when=dict(content.get("when") or {}),
            notes=bundle.notes,
            snapshot_date=bundle.numbers.snapshot,
            provenance=bundle.provenance,
        )

    def stock(self) -> tuple[Mapping[str, Any], ...]:
        """Return what to have in stock: one object per category, in the order of the recommendations."""
        return tuple(document(row["document"], "stock") for row in self._bundle().rows(schema.STOCK))

    def daily_sales(self, category: str | None = None, days: int = 56) -> tuple[Row, ...]:
        """Return what a category (None: all together) sold on the last `days` days up to the cut-off.

        Each object has `day`, `revenue` and `units` (Decimal), `orders`, `customers`, `lines` and `returned`. Days
        without a sale are left out.
        """
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 400:
            raise BadRequestError(f"days is {_shown(days)}. Give a whole number, 1 to 400.")
        bundle = self._bundle()
        name = _category(bundle, category, of_sales=True)
        rows = bundle.daily_sales(name, bundle.provenance.cutoff - dt.timedelta(days=days - 1))
        return tuple(
            {
                **row,
                "day": day(row["day"]),
                "revenue": money(row["revenue"]),
                "units": money(row["units"]),
                "returned": money(row["returned"]),
            }
            for row in rows
        )

    def rows(self, table: schema.Table, order: Sequence[str] = ()) -> tuple[Row, ...]:
        """Return the rows of a table of `serving.schema` as they are, for pages: `QUARANTINE`, `LANDING`,
        `CHECK_RESULT`, `BACKTEST`, `INSIGHT`."""
        return tuple(self._bundle().rows(table, order))

    def category_of_sales(self, category: str | None = None) -> str:
        """Return the exact name of a category that has sales, given in any case. Raises UnknownCategoryError."""
        return _category(self._bundle(), category, of_sales=True)

    def _bundle(self) -> OpenBundle:
        return self._refresher.bundle()


class _Pinned(Predictor):
    """Answers from one bundle."""

    def __init__(self, refresher: Refresher, bundle: OpenBundle) -> None:
        super().__init__(refresher)
        self._only = bundle

    def _bundle(self) -> OpenBundle:
        return self._only


def _category(bundle: OpenBundle, category: str | None, *, of_sales: bool = False) -> str:
    """The exact name of a category that has a forecast, or sales."""
    wanted = schema.TOTAL if category is None else _name(category, "category")
    names = [each.name for each in bundle.categories] if of_sales else list(bundle.forecasts)
    if wanted in names:
        return wanted
    exact = next((name for name in names if name.casefold() == wanted.casefold()), None)
    if exact is not None:
        return exact
    close = similar(wanted, names)
    what = "category" if of_sales else "forecast for category"
    raise UnknownCategoryError(
        f"There is no {what} {wanted!r}.{_did_you_mean(close)} Categories: {_listed(names)}.",
        close,
    )


def _interval(coverage: object) -> tuple[str, str]:
    ends = COVERAGES.get(coverage) if isinstance(coverage, int | float) and not isinstance(coverage, bool) else None
    if ends is None:
        raise BadRequestError(f"coverage is {_shown(coverage)}. Possible: {', '.join(map(str, COVERAGES))}.")
    return ends


def _start(start: dt.date | str | None) -> dt.date | None:
    return None if start is None else _day(start, "start")


def _day(value: object, name: str) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise BadRequestError(f"{name} is {_shown(value)}. Write a day as YYYY-MM-DD.")


def _step(rows: Sequence[Row]) -> int:
    """1, or 7 where a row is a week."""
    return 7 if rows[0]["horizon_day"] == 7 and (len(rows) == 1 or rows[1]["horizon_day"] == 14) else 1


def _within(rows: Sequence[Row], start: dt.date | None, days: int | None, step: int) -> list[Row]:
    """The rows of `days` days from a day, or of all. Raises OutsideHorizonError if one of these has no forecast."""
    first = rows[0]["day"] - dt.timedelta(days=step - 1)
    last = rows[-1]["day"]
    begin = start or first
    try:
        end = last if days is None else begin + dt.timedelta(days=days - 1)
    except OverflowError:
        end = dt.date.max
    if not first <= begin <= end <= last:
        asked = "" if days is None else f", {_shown(days)} {'day' if days == 1 else 'days'} long,"
        raise OutsideHorizonError(
            f"A forecast from {begin}{asked} is not possible: this one is for {first} to {last}, "
            f"{(last - first).days + 1} days."
        )
    chosen = [row for row in rows if begin <= row["day"] <= end]
    return chosen or [next(row for row in rows if row["day"] >= begin)]


def _forecast_day(row: Row, low: str, high: str, coverage: float) -> ForecastDay:
    of_units = coverage == 0.8
    return ForecastDay(
        day=row["day"],
        revenue=row["mean"],
        low=row[low],
        high=row[high],
        median=row["p50"],
        units=row["units"],
        units_low=row["units_p10"] if of_units else None,
        units_high=row["units_p90"] if of_units else None,
        as_last_week=row["seasonal_naive"],
    )


def segment_of(bundle: OpenBundle, row: Row) -> Segment:
    """Return the segment of a customer from their row in a bundle. Raises BadBundleError."""
    return parsed(lambda: _segment(bundle, row), "customer")


def _segment(bundle: OpenBundle, row: Row) -> Segment:
    confidence = row["confidence"]
    profile = bundle.profiles.get(row["persona"])
    before = row["previous_snapshot"]
    return Segment(
        customer_id=row["customer_id"],
        persona=text(row["persona"], "persona"),
        description=profile[0].description if profile else "",
        decided_by="rule" if confidence is None else "cluster",
        confidence=None if confidence is None else number(confidence, "confidence"),
        tags=tuple(filter(None, row["tags"].split(", "))),
        favorite_category=row["favorite_category"],
        lapsed_risk=bool(row["lapsed_risk"]),
        frequency=row["frequency"],
        monetary=money(row["monetary"]),
        average_basket=number(row["average_basket"], "average_basket"),
        last_sale_date=day(row["last_sale_date"]),
        snapshot_date=day(row["snapshot_date"]),
        previous_persona=row["previous_persona"],
        previous_snapshot=None if before is None else day(before),
        provenance=bundle.provenance,
    )


def _latest_day() -> dt.date:
    return (dt.datetime.fromtimestamp(time.time(), dt.UTC) + _CLOCK_SLACK).date()


def _name(value: object, what: str, longest: int = _LONGEST_NAME) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > longest or not text.isprintable():
        raise BadRequestError(f"{what} is {_shown(value)}. Give 1 to {longest} printable characters.")
    return text


def _shown(value: object) -> str:
    """A value for a message, cut, on one line."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "a number of more than 40 digits"
    return ascii(value)[:60] if isinstance(value, str | int | float | bool) else type(value).__name__


def _did_you_mean(names: Sequence[str]) -> str:
    return f" Did you mean {names[0]!r}?" if names else ""


def _listed(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:20]) + (" …" if len(listed) > 20 else "")
