"""Settings of the project: safe by default, and no database, since predictions need none."""

from __future__ import annotations

import os

from django.core.management.utils import get_random_secret_key

DEBUG = False
# It signs nothing here; a project with sessions needs one that stays.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["retail_assets.serving.django_app"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2
USE_TZ = True
# Django logs the whole path of each refused request; that of a segment has a customer's id.
LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"django.request": {"level": "ERROR"}}}
# RETAIL_BUNDLE_URI = "s3://bucket/serving/retail_sales"; without it the RETAIL_* variables count.
