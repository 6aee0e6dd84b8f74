"""A Flask application with predictions: a page of its own, and the paths of `retail-assets serve` below /predictions.

Start it with `flask --app examples/flask_app/app.py run`; README.md beside this file says more.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, render_template_string

from retail_assets.serving import NoBundleError
from retail_assets.serving.flask_blueprint import predictions, predictor_of

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Next week</title></head>
<body><h1>Revenue of the next 7 days</h1>
{% if forecasts %}
<table><tr><th>Category</th><th>{{ forecasts[0].provenance.currency }}</th><th>First day</th></tr>
{% for each in forecasts %}
<tr><td>{{ each.category }}</td><td>{{ "{:,.0f}".format(each.revenue) }}</td><td>{{ each.days[0].day }}</td></tr>
{% endfor %}</table>
{% else %}<p>{{ problem }}</p>{% endif %}
</body></html>"""


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Return the application. `config` may have RETAIL_BUNDLE_URI; without it the RETAIL_* variables count."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 2 * 1024**2
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]  # add your own name; others are answered with 400
    app.config.from_mapping(config or {})
    app.register_blueprint(predictions(), url_prefix="/predictions")
    app.add_url_rule("/", view_func=next_week)
    return app


def next_week() -> tuple[str, int]:
    """Show what each category is predicted to sell: a page of the shop that asks the predictor itself."""
    try:
        predictor = predictor_of(current_app).pinned()  # one bundle for the whole page
        forecasts = [predictor.forecast(each.name, days=7) for each in predictor.categories() if each.has_forecast]
    except NoBundleError as e:
        return render_template_string(_PAGE, forecasts=[], problem=str(e)), 503
    return render_template_string(_PAGE, forecasts=forecasts), 200
