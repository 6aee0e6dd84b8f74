"""The system check: `manage.py check` says when there is no bundle to answer from, or a newer one cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning

from retail_assets.errors import RetailError


def bundle_is_there(app_configs: Sequence[AppConfig] | None, **more: Any) -> list[CheckMessage]:
    """Return what is wrong with the bundle; nothing if it can be asked."""
    config: Any = apps.get_app_config("retail_predictions")
    try:
        health = config.api.predictor.health()
    except RetailError as e:
        return [Error(str(e), hint="Set RETAIL_BUNDLE_URI in the project's settings.", id="retail_predictions.E001")]
    if not health.ready:
        hint = "Materialize the asset serving_bundle, or set RETAIL_BUNDLE_URI to where it is published."
        return [Warning(health.problem or "There is no bundle.", hint=hint, id="retail_predictions.W001")]
    if health.problem:
        return [Warning(health.problem, hint="The bundle before it is in use.", id="retail_predictions.W002")]
    return [Warning(text, id="retail_predictions.W003") for text in health.warnings]
