"""The URLs of the project that the tests make: the app below a prefix."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("shop/predictions/", include("retail_assets.serving.django_app.urls"))]
