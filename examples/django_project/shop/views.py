"""A page of the shop that asks the predictor itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines

from retail_assets.serving import NoBundleError
from retail_assets.serving.django_app.apps import predictor

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Next week</title></head>
<body><h1>Revenue of the next 7 days</h1>
{% if forecasts %}
<table><tr><th>Category</th><th>{{ forecasts.0.provenance.currency }}</th><th>First day</th></tr>
{% for each in forecasts %}
<tr><td>{{ each.category }}</td>
<td>{{ each.revenue|floatformat:"0g" }}</td><td>{{ each.days.0.day|date:"Y-m-d" }}</td></tr>
{% endfor %}</table>
{% else %}<p>{{ problem }}</p>{% endif %}
</body></html>"""


def next_week(request: HttpRequest) -> HttpResponse:
    """Show what each category is predicted to sell."""
    page = engines["django"].from_string(_PAGE)
    try:
        asked = predictor().pinned()  # one bundle for the whole page
        forecasts = [asked.forecast(each.name, days=7) for each in asked.categories() if each.has_forecast]
    except NoBundleError as e:
        return HttpResponse(page.render({"problem": str(e)}, request), status=503)
    return HttpResponse(page.render({"forecasts": forecasts}, request))
