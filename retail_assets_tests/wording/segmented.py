"""The shops with their customers segmented, and every statement that the report on the segments makes."""

from __future__ import annotations

from dataclasses import dataclass

from retail_assets.decisions.segment_report import RECOMMENDATIONS_TEXT, Report, make_report
from retail_assets.segmentation.lifecycle.customer_features import make_features
from retail_assets.segmentation.lifecycle.customer_segments import score_all
from retail_assets.segmentation.lifecycle.retraining import train_from
from retail_assets.segmentation.lifecycle.segment_migrations import make_migrations
from retail_assets.segmentation.lifecycle.segment_profiles import make_profiles
from retail_assets.segmentation.model.training import Training
from retail_assets.segmentation.personas.catalog import DEFAULT
from retail_assets.wording.statement import Statement, recorded
from retail_assets_tests.wording.shops import Shop


@dataclass(frozen=True)
class Segmented:
    """A shop whose customers are segmented, the training that did it, the report, and the report's statements."""

    shop: Shop
    training: Training
    report: Report
    statements: tuple[Statement, ...]

    @property
    def advice(self) -> str:
        return self.report.files[RECOMMENDATIONS_TEXT].decode()


def segment(shop: Shop) -> Segmented:
    """Segment the customers of a shop in its warehouse, and report on them."""
    make_features(shop.warehouse)
    training = train_from(shop.warehouse)
    score_all(shop.warehouse, training.model, "v" if training.model else "none")
    make_profiles(shop.warehouse)
    make_migrations(shop.warehouse)
    with recorded() as statements:
        report = make_report(
            shop.warehouse,
            training.model,
            training.why,
            version="v",
            catalog=DEFAULT,
            currency=shop.currency,
            country=shop.country,
        )
    return Segmented(shop, training, report, tuple(statements))
