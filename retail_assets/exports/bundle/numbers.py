"""The segments' model as the plain numbers of `serving.segment_numbers`."""

from __future__ import annotations

import datetime as dt

from retail_assets.contracts.model import Contract
from retail_assets.contracts.typing_sql.text_columns import BLANKS
from retail_assets.models.kinds import NO_MODEL
from retail_assets.segmentation.model import tags
from retail_assets.segmentation.model.segment_model import SegmentModel
from retail_assets.segmentation.model.yardstick import INPUTS, OUTLIER_SDS
from retail_assets.segmentation.personas.catalog import Catalog
from retail_assets.segmentation.queries.customer_features import HOLIDAY_LEAD_DAYS, MIN_PURCHASES, WINDOW_DAYS
from retail_assets.serving.purchase_file import COLUMNS
from retail_assets.serving.segment_numbers import RULES, Clusters, Notation, SegmentNumbers, TagRules
from retail_assets.warehouse import marts

_YEARS_AHEAD = 5
"""Years after the last sale whose holidays a bundle knows: it can be asked for that long."""


def segment_numbers(
    model: SegmentModel | None,
    version: str,
    snapshot: dt.date,
    *,
    window_days: int,
    catalog: Catalog,
    contract: Contract,
) -> SegmentNumbers:
    """Return what it takes to give customers of a question a segment.

    Args:
        model: the model in use; None if rules alone decide.
        version: of the model; `NO_MODEL` without one.
        snapshot: last day of sales of the shop's customers.
        window_days: days up to then that the sales of the customers cover. It grows in a young shop, also after the
            model was trained.
        catalog: names and notes of the groups that rules assign.
        contract: country of the holidays, and how the shop writes its files.
    """
    first, last = snapshot - dt.timedelta(days=2 * 366), snapshot + dt.timedelta(days=_YEARS_AHEAD * 365)
    calendar = marts.dim_date(first, last, contract.country).select(["calendar_date", "holiday"]).to_pylist()
    return SegmentNumbers(
        model_version=version,
        clusters=None if model is None else clusters(model),
        window_days=window_days,
        span_days=WINDOW_DAYS,
        least_purchases=MIN_PURCHASES,
        snapshot=snapshot,
        rules={rule: (catalog.groups[rule].name, _note(rule, version, catalog)) for rule in RULES},
        tags=TagRules(
            purchases=tags.TAG_PURCHASES,
            silence=tags.SILENCE,
            silence_days=tags.SILENCE_DAYS,
            weekend_share=tags.WEEKEND_SHARE,
            holiday_share=tags.HOLIDAY_SHARE,
            return_share=tags.RETURN_SHARE,
            lapsed=tags.LAPSED,
            weekend=tags.WEEKEND,
            holiday=tags.HOLIDAY,
            returns=tags.RETURNS,
        ),
        holidays=frozenset(row["calendar_date"] for row in calendar if row["holiday"] is not None),
        holidays_from=first,
        holidays_to=last,
        holiday_lead_days=HOLIDAY_LEAD_DAYS,
        notation=notation(contract),
    )


def clusters(model: SegmentModel) -> Clusters:
    """Return the fitted parameters of a model."""
    scaler = model.reference._scaler
    return Clusters(
        powers=tuple(map(float, model.reference.lambdas_[:INPUTS])),
        means=tuple(map(float, scaler.mean_[:INPUTS])),
        scales=tuple(map(float, scaler.scale_[:INPUTS])),
        centers=tuple(tuple(map(float, center)) for center in model.kmeans.cluster_centers_),
        names=model.names,
        spread=model.spread,
        clip=OUTLIER_SDS,
    )


def notation(contract: Contract) -> Notation:
    """Return how a contract's shop writes CSV files of purchases."""
    columns = {name: contract.columns[name] for name in COLUMNS if name in contract.columns}
    numbers = contract.numbers
    return Notation(
        headers={name: [h for h in (column.header, *column.aliases) if h] for name, column in columns.items()},
        dates=tuple(contract.dates.formats),
        decimal=numbers.decimal,
        thousands=numbers.thousands,
        currency=(contract.currency, *numbers.symbols(contract.currency)),
        missing=tuple(contract.missing_values),
        blanks=BLANKS,
    )


def _note(rule: str, version: str, catalog: Catalog) -> str:
    """Why a rule decided, for the customer of a question."""
    if rule == "not_segmented" and version == NO_MODEL:
        return "No model is in use: the shop's customers are not segmented yet, or show no separate kinds."
    if rule == "one_purchase":
        return "Too new for a persona: one purchase does not show how often somebody buys."
    return catalog.groups[rule].description
