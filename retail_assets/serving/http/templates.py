"""Files of pages, and templates that escape what they are given: for the pages of the server and for the report."""

from __future__ import annotations

import functools
import importlib.resources

import jinja2


@functools.cache
def text_of(package: str, folder: str, name: str) -> str:
    """Return the text of a file in a folder of a package."""
    return importlib.resources.files(package).joinpath(folder, name).read_text(encoding="utf-8")


@functools.cache
def templates(package: str, folder: str) -> jinja2.Environment:
    """Return the templates in a folder of a package. A value that is missing is an error, and texts are escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(functools.partial(text_of, package, folder)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )


def shared_css() -> str:
    """Return the style that the report and the server's pages share."""
    return text_of("retail_assets.serving.http", "pages", "shared.css")
