"""The app's URLs: everything below `v1`, whose parts the shared requests know."""

from __future__ import annotations

from django.urls import re_path

from retail_assets.serving.django_app.views import answer

app_name = "retail_predictions"
urlpatterns = [re_path(r"^(?P<path>v1(?:/[\s\S]*)?)\Z", answer, name="answer")]
