"""Predictions inside a Django project: an app whose paths, bodies and errors are those of `retail-assets serve`.

Who may ask is the project's business: it includes the URLs behind the login that it has.

Example::

    INSTALLED_APPS = [..., "retail_assets.serving.django_app"]
    RETAIL_BUNDLE_URI = "s3://bucket/serving/retail_sales"  # without it, the settings of the environment

    urlpatterns = [path("predictions/", include("retail_assets.serving.django_app.urls"))]
"""
