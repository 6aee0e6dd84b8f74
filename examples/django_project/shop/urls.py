"""A page of the shop, and the questions of `retail-assets serve` below /predictions."""

from __future__ import annotations

from django.urls import include, path

from shop.views import next_week

urlpatterns = [
    path("", next_week),
    path("predictions/", include("retail_assets.serving.django_app.urls")),
]
