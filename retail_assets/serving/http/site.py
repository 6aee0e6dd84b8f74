"""The web pages for people: paths, templates and style. They need no script, and nothing from elsewhere."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping

from retail_assets import __version__
from retail_assets.serving.errors import NoBundleError
from retail_assets.serving.http import views
from retail_assets.serving.http.templates import shared_css, templates, text_of
from retail_assets.serving.predictor import Predictor
from retail_assets.serving.requests import Response, refused
from retail_assets.wording.formats import day

POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content security policy of a page: no script at all, and nothing from elsewhere."""
STYLE = "/static/style.css"

_PAGES: Mapping[str, tuple[str, Callable[[Predictor, views.Given], views.View]]] = {
    "/": ("Forecast", views.forecast),
    "/stock": ("What to stock", views.stock),
    "/customers": ("Customers", views.customers),
    "/rejected": ("Rejected rows", views.rejected),
    "/health": ("Health", views.health),
}
PATHS = tuple(_PAGES)
_HTML = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("content-security-policy", POLICY),
)


def page(predictor: Predictor, path: str, query: str) -> Response:
    """Return a page. Never raises: what is wrong is shown on the page, and what is wrong inside is not."""
    try:
        try:
            pinned = predictor.pinned()
            given = dict(urllib.parse.parse_qsl(query, errors="replace", max_num_fields=20))
            view = _PAGES[path][1](pinned, given)
            provenance = pinned.provenance()
            about = {"source": provenance.source, "cutoff": day(provenance.cutoff), "bundle": provenance.bundle}
        except NoBundleError:
            waiting = "No forecast has been published yet. This page will show it as soon as there is one."
            view = views.View("nothing.html.j2", _PAGES[path][0], {}, waiting, 503)
            about = {"source": "retail-assets", "cutoff": "", "bundle": ""}
        except ValueError:
            view = views.View("nothing.html.j2", _PAGES[path][0], {}, "The address of this page cannot be read.", 400)
            about = {"source": "retail-assets", "cutoff": "", "bundle": ""}
        text = (
            templates(__package__, "pages")
            .get_template(view.template)
            .render(
                view.content,
                **about,
                title=view.title,
                problem=view.problem,
                pages=[(each, name) for each, (name, _) in _PAGES.items()],
                here=path,
                root="",
                version=__version__,
            )
        )
        return Response(view.status, _HTML, text.encode("utf-8", "replace"), path)
    except Exception as e:
        return refused(e, path)


def style() -> Response:
    """Return the style sheet of all pages: what the report shares with them, and their own."""
    headers = (("content-type", "text/css; charset=utf-8"), ("cache-control", "public, max-age=86400"))
    return Response(200, headers, (shared_css() + text_of(__package__, "pages", "style.css")).encode(), STYLE)
