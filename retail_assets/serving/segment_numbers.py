"""The model of the segments in plain numbers: what gives customers whom no training has seen their persona.

The steps are those of `segmentation/model`: the features of the purchases, the rules, the yardstick (Yeo and Johnson
2000), the nearest cluster, the probability of belonging (MacKay 2003, chapter 20), the tags. Written with the standard
library alone: a customer takes 20 microseconds, and numpy a tenth of a second to import. A blocking check and a test
compare it with scikit-learn's model.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from retail_assets.serving.errors import BadBundleError, BadRequestError
from retail_assets.serving.purchases import Purchase

FORMAT = 1
INPUTS = ("frequency", "monetary", "average_basket")
"""What customers are clustered by: the first two per year of shopping."""
RULES = ("dormant", "no_net_spend", "one_purchase", "not_segmented")
"""Groups that a rule assigns."""
_YEAR_DAYS = 365.0
_MOST_CLUSTERS = 100
_EPSILON = 2.220446049250313e-16


@dataclass(frozen=True, slots=True)
class Features:
    """How a customer has shopped up to a snapshot; as the columns of `tables.CUSTOMER_FEATURES`."""

    customer_id: str
    frequency: int
    monetary: Decimal
    returned: Decimal
    average_basket: float
    last_sale_date: dt.date
    recency: int
    tenure: int
    gap_mean: float | None
    weekend_share: float | None
    holiday_share: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A segment: `cluster` is None and `confidence` too where a rule decided, which `note` explains."""

    persona: str
    cluster: int | None
    confidence: float | None
    tags: tuple[str, ...]
    lapsed_risk: bool
    note: str


@dataclass(frozen=True)
class Clusters:
    """The fitted model.

    Attributes:
        powers, means, scales: of the yardstick, by input.
        centers: of the clusters, in standard deviations (k x 3).
        names: persona of each cluster.
        spread: standard deviation of the customers about their center.
        clip: standard deviations at which inputs are clipped.
    """

    powers: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    centers: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    spread: float
    clip: float

    def posterior(self, inputs: Sequence[float]) -> tuple[int, float]:
        """Return the number of the nearest cluster and the probability of belonging there (1 / k to 1).

        Args:
            inputs: of one customer, in the order of `INPUTS`.
        """
        scores = [
            self._clipped((yeo_johnson(value, power) - mean) / scale)
            for value, power, mean, scale in zip(inputs, self.powers, self.means, self.scales, strict=True)
        ]
        squares = [sum((s - c) ** 2 for s, c in zip(scores, center, strict=True)) for center in self.centers]
        least = min(squares)
        width = 2 * max(self.spread, 1e-6) ** 2
        return squares.index(least), 1 / sum(math.exp((least - square) / width) for square in squares)

    def _clipped(self, score: float) -> float:
        # A value far beyond those that the exponent was fitted to can overflow: it is clipped like any outlier.
        return self.clip if math.isnan(score) else min(max(score, -self.clip), self.clip)


@dataclass(frozen=True)
class TagRules:
    """Thresholds of the tags, as in `segmentation/model/tags`, and the words of each tag."""

    purchases: int
    silence: float
    silence_days: int
    weekend_share: float
    holiday_share: float
    return_share: float
    lapsed: str
    weekend: str
    holiday: str
    returns: str


@dataclass(frozen=True)
class Notation:
    """How a shop writes the CSV files of its purchases.

    Attributes:
        headers: headers by canonical column name, tried before the usual ones.
        dates: date formats, tried after ISO.
        decimal: decimal mark.
        thousands: mark between groups of three digits; empty if there is none.
        currency: what may stand before or after money, such as `USD` and `$`.
        missing: words for a missing value.
        blanks: characters that are trimmed.
    """

    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dates: Sequence[str] = ()
    decimal: str = "."
    thousands: str = ","
    currency: Sequence[str] = ("USD", "$")
    missing: Sequence[str] = ()
    blanks: str = " \t\r\n\u00a0\ufeff"


@dataclass(frozen=True)
class SegmentNumbers:
    """What it takes to give a customer of a question a segment.

    Attributes:
        model_version: version in the model store; `none` if rules alone decide.
        clusters: the model; None without one.
        window_days: days of shopping up to the snapshot that frequency and money are scaled by to a year.
        span_days: days up to the snapshot whose purchases count.
        least_purchases: below, a rule decides.
        snapshot: last day of sales of the shop's own customers.
        rules: name of each group of `RULES`, and its note.
        tags: thresholds of the tags.
        holidays: public holidays; what they cover is from `holidays_from` to `holidays_to`.
        holiday_lead_days: days before a holiday on which people shop for it.
        notation: of CSV files.
    """

    model_version: str
    clusters: Clusters | None
    window_days: int
    span_days: int
    least_purchases: int
    snapshot: dt.date
    rules: Mapping[str, tuple[str, str]]
    tags: TagRules
    holidays: frozenset[dt.date]
    holidays_from: dt.date
    holidays_to: dt.date
    holiday_lead_days: int
    notation: Notation

    def as_of(self, day: dt.date) -> SegmentNumbers:
        """Return the numbers for customers who are described as of a day.

        In a shop younger than `span_days`, the sales cover fewer days up to a day before the snapshot, and more up to a
        later one.
        """
        if self.window_days >= self.span_days:
            return self
        days = self.window_days + (day - self.snapshot).days
        return replace(self, window_days=min(max(days, 1), self.span_days))

    def describe(self, purchases: Iterable[Purchase], snapshot: dt.date) -> list[Features]:
        """Return the features of the customers of some purchases as of a day, sorted by customer id.

        Raises:
            BadRequestError: the day is one whose holidays the bundle does not know.
        """
        if not self.holidays_from + dt.timedelta(days=self.span_days) <= snapshot <= self.holidays_to:
            first = self.holidays_from + dt.timedelta(days=self.span_days)
            raise BadRequestError(
                f"Customers cannot be described as of {snapshot}: this bundle can from {first} to {self.holidays_to}. "
                "Correct the dates, or publish a new bundle."
            )
        by_customer: dict[str, list[Purchase]] = defaultdict(list)
        for purchase in purchases:
            if purchase.date > snapshot:
                raise BadRequestError(f"A purchase of {purchase.date} is after {snapshot}, the day to describe.")
            by_customer[purchase.customer_id].append(purchase)
        start = snapshot - dt.timedelta(days=self.span_days - 1)
        special = self._special_days(start, snapshot)
        return [_features(name, lines, snapshot, start, special) for name, lines in sorted(by_customer.items())]

    def score(self, features: Features) -> Scored:
        """Return the segment of a customer. The confidence is rounded to six digits."""
        bought, paid = features.frequency, features.monetary
        tags, lapsed = self._tags(features)
        if bought == 0 and (features.tenure >= self.window_days or (paid == 0 and features.returned == 0)):
            rule = "dormant"
        elif paid <= 0:
            rule = "no_net_spend"
        elif bought < self.least_purchases:
            rule = "one_purchase"
        elif self.clusters is None:
            rule = "not_segmented"
        else:
            cluster, confidence = self.clusters.posterior(self.inputs(features))
            name = self.clusters.names[cluster]
            return Scored(name, cluster, round(confidence, 6), tags, lapsed, "")
        name, note = self.rules[rule]
        return Scored(name, None, None, tags, lapsed, note)

    def inputs(self, features: Features) -> tuple[float, float, float]:
        """Return what the model sees of a customer: purchases and money of a year, and the average basket."""
        pace = _YEAR_DAYS / self.window_days
        return features.frequency * pace, float(features.monetary) * pace, features.average_basket

    def _special_days(self, start: dt.date, snapshot: dt.date) -> frozenset[dt.date]:
        """Holidays and the days before them on which people shop for them."""
        known = [day for day in self.holidays if start <= day <= snapshot]
        lead = range(self.holiday_lead_days + 1)
        return frozenset(day - dt.timedelta(days=before) for day in known for before in lead)

    def _tags(self, features: Features) -> tuple[tuple[str, ...], bool]:
        rules = self.tags
        enough = features.frequency >= rules.purchases
        lapsed = (
            enough
            and features.gap_mean is not None
            and features.recency > rules.silence * features.gap_mean
            and features.recency >= rules.silence_days
        )
        bought, returned = float(features.monetary) - float(features.returned), float(features.returned)
        marks = (
            (rules.lapsed, lapsed),
            (rules.weekend, enough and _at_least(features.weekend_share, rules.weekend_share)),
            (rules.holiday, enough and _at_least(features.holiday_share, rules.holiday_share)),
            (rules.returns, enough and bought > 0 and -returned >= rules.return_share * bought),
        )
        return tuple(word for word, holds in marks if holds), lapsed


def yeo_johnson(value: float, power: float) -> float:
    """Return the Yeo-Johnson transform of a value: infinity where it overflows.

    >>> yeo_johnson(3.0, 1.0), yeo_johnson(-3.0, 1.0), round(yeo_johnson(3.0, 0.0), 6)
    (3.0, -3.0, 1.386294)
    """
    try:
        if value >= 0:
            return math.log1p(value) if abs(power) < _EPSILON else math.expm1(power * math.log1p(value)) / power
        rest = 2 - power
        return -math.expm1(rest * math.log1p(-value)) / rest if abs(rest) > _EPSILON else -math.log1p(-value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _at_least(share: float | None, least: float) -> bool:
    return share is not None and share >= least


def _features(
    customer: str, lines: Sequence[Purchase], snapshot: dt.date, start: dt.date, special: frozenset[dt.date]
) -> Features:
    days = [line.date for line in lines]
    inside = [line for line in lines if line.date >= start]
    orders, bought_on = set(), set()
    money = returned = bought = weekend = holiday = Decimal("0.00")
    for line in inside:
        if line.amount > 0:
            bought += line.amount
            # ISO: Saturday is 6, Sunday 7.
            weekend += line.amount if line.date.isoweekday() >= 6 else 0
            holiday += line.amount if line.date in special else 0
        else:
            returned += line.amount
        money += line.amount
        quantity = line.quantity if line.quantity is not None else Decimal(1).copy_sign(line.amount)
        if line.amount > 0 or quantity.quantize(Decimal("0.001")) > 0:
            orders.add(line.order_id or f"day {line.date}")
            bought_on.add(line.date)
    gaps = len(bought_on) - 1
    return Features(
        customer_id=customer,
        frequency=len(orders),
        monetary=money,
        returned=returned,
        average_basket=float(money) / len(orders) if orders else 0.0,
        last_sale_date=max(days),
        recency=(snapshot - max(days)).days,
        tenure=(snapshot - min(days)).days,
        gap_mean=(max(bought_on) - min(bought_on)).days / gaps if gaps > 0 else None,
        weekend_share=float(weekend) / float(bought) if bought else None,
        holiday_share=float(holiday) / float(bought) if bought else None,
    )


def dumps(numbers: SegmentNumbers) -> bytes:
    """Write the numbers as JSON; the same numbers give the same bytes."""
    clusters = numbers.clusters
    content = {
        "format": FORMAT,
        "model_version": numbers.model_version,
        "clusters": None if clusters is None else vars(clusters),
        "window_days": numbers.window_days,
        "span_days": numbers.span_days,
        "least_purchases": numbers.least_purchases,
        "snapshot": numbers.snapshot.isoformat(),
        "rules": {name: list(texts) for name, texts in numbers.rules.items()},
        "tags": vars(numbers.tags),
        "holidays": sorted(day.isoformat() for day in numbers.holidays),
        "holidays_from": numbers.holidays_from.isoformat(),
        "holidays_to": numbers.holidays_to.isoformat(),
        "holiday_lead_days": numbers.holiday_lead_days,
        "notation": {**vars(numbers.notation), "headers": {k: list(v) for k, v in numbers.notation.headers.items()}},
    }
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n"


def loads(data: bytes) -> SegmentNumbers:
    """Read numbers that `dumps` wrote. Raises BadBundleError for anything else."""
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        day = dt.date.fromisoformat
        return SegmentNumbers(
            model_version=_text(content["model_version"]),
            clusters=None if content["clusters"] is None else _clusters(content["clusters"]),
            window_days=_whole(content["window_days"], 1),
            span_days=_whole(content["span_days"], 1),
            least_purchases=_whole(content["least_purchases"], 1),
            snapshot=day(content["snapshot"]),
            rules={name: (_text(content["rules"][name][0]), str(content["rules"][name][1])) for name in RULES},
            tags=_tag_rules(content["tags"]),
            holidays=frozenset(day(text) for text in content["holidays"]),
            holidays_from=day(content["holidays_from"]),
            holidays_to=day(content["holidays_to"]),
            holiday_lead_days=_whole(content["holiday_lead_days"], 0, 30),
            notation=_notation(content["notation"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError) as e:
        reason = f"{type(e).__name__}: {e}".replace("\n", " ")[:120]
        raise BadBundleError(f"model.json is damaged ({reason}). Materialize serving_bundle again.") from None


def _clusters(content: Mapping[str, Any]) -> Clusters:
    names = tuple(map(_text, content["names"]))
    if not 1 <= len(names) <= _MOST_CLUSTERS or len(content["centers"]) != len(names):
        raise ValueError("clusters: names and centers")
    scales = _numbers(content["scales"])
    spread, clip = _numbers([content["spread"], content["clip"]], 2)
    if min(scales) <= 0 or clip <= 0 or spread < 0:
        raise ValueError("clusters: scales")
    return Clusters(
        powers=_numbers(content["powers"]),
        means=_numbers(content["means"]),
        scales=scales,
        centers=tuple(_numbers(center) for center in content["centers"]),
        names=names,
        spread=spread,
        clip=clip,
    )


def _tag_rules(content: Mapping[str, Any]) -> TagRules:
    shares = ("silence", "weekend_share", "holiday_share", "return_share")
    silence, weekend_share, holiday_share, return_share = _numbers([content[name] for name in shares], len(shares))
    return TagRules(
        purchases=_whole(content["purchases"], 1),
        silence=silence,
        silence_days=_whole(content["silence_days"], 0),
        weekend_share=weekend_share,
        holiday_share=holiday_share,
        return_share=return_share,
        lapsed=_text(content["lapsed"]),
        weekend=_text(content["weekend"]),
        holiday=_text(content["holiday"]),
        returns=_text(content["returns"]),
    )


def _notation(content: Mapping[str, Any]) -> Notation:
    texts = {name: tuple(map(_text, content[name])) for name in ("dates", "currency", "missing")}
    headers = {_text(name): tuple(map(_text, those)) for name, those in content["headers"].items()}
    decimal, thousands = content["decimal"], content["thousands"]
    if not isinstance(decimal, str) or not isinstance(thousands, str) or len(decimal) != 1 or len(thousands) > 1:
        raise ValueError("notation: marks")
    return Notation(
        headers, texts["dates"], decimal, thousands, texts["currency"], texts["missing"], _text(content["blanks"])
    )


def _numbers(values: Sequence[Any], count: int = len(INPUTS)) -> tuple[float, ...]:
    numbers = tuple(float(v) if isinstance(v, int | float) and not isinstance(v, bool) else math.nan for v in values)
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{count} numbers expected")
    return numbers


def _whole(value: object, least: int, most: int = 10_000) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{str(value)[:40]!r} is not {least} to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise TypeError(f"{str(value)[:40]!r} is not a text")
    return value
