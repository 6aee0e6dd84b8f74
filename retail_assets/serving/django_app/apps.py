"""The app: it has the project's predictor, opened with the first question, and the system check."""

from __future__ import annotations

import threading

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import register

from retail_assets.serving.django_app.checks import bundle_is_there
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import Api
from retail_assets.settings import load_serving_uri

LABEL = "retail_predictions"
_opening = threading.Lock()


class PredictionsConfig(AppConfig):
    """The configuration that Django finds for `retail_assets.serving.django_app`."""

    name = "retail_assets.serving.django_app"
    label = LABEL
    verbose_name = "Retail predictions"
    _api: Api | None = None

    def ready(self) -> None:
        register(bundle_is_there)

    @property
    def api(self) -> Api:
        """What answers requests. Raises SettingsError if the settings of the environment do not load."""
        with _opening:
            if self._api is None:
                uri = getattr(settings, "RETAIL_BUNDLE_URI", None) or load_serving_uri()
                self._api = Api(Predictor.from_uri(uri, background=True, required=False))
            return self._api


def predictor() -> Predictor:
    """Return the project's predictor, for views of its own."""
    config = apps.get_app_config(LABEL)
    assert isinstance(config, PredictionsConfig)  # noqa: S101 - for the type
    return config.api.predictor
