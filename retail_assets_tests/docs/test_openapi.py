"""`docs/openapi.json` is the description of the prediction server. Run this file to write it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from retail_assets.serving.http.app import description
from retail_assets.serving.routes import ROUTES
from retail_assets_tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "openapi.json"


def written() -> str:
    return json.dumps(description().openapi(), indent=1, ensure_ascii=False) + "\n"


def test_the_file_is_the_one_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), f"Run {__file__}"


def test_it_has_every_path_with_every_status_and_parameter() -> None:
    spec = description().openapi()
    assert spec["openapi"].startswith("3.1")
    assert {*spec["paths"]} == {route.template for route in ROUTES}
    for route in ROUTES:
        [(method, operation)] = spec["paths"][route.template].items()
        assert method.upper() == route.method
        names = {each["name"] for each in operation["parameters"]}
        assert names == {*route.parameters, *([route.template.split("{")[1].rstrip("}")] if route.takes_name else [])}
        assert {"200", "400", "401", "405", "413", "421", "429", "500", "503"} <= {*operation["responses"]}
        assert ("404" in operation["responses"]) == route.takes_name


@pytest.mark.parametrize("template", [route.template for route in ROUTES])
def test_the_example_of_an_answer_fits_its_schema(template: str) -> None:
    spec = description().openapi()
    [operation] = spec["paths"][template].values()
    content = operation["responses"]["200"]["content"]["application/json"]
    _validate(spec, content["schema"], content["example"])
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        _validate(spec, content["schema"], content["example"])


def test_every_attribute_of_an_answer_is_explained() -> None:
    bare = [
        f"{name}.{attribute}"
        for name, schema in description().openapi()["components"]["schemas"].items()
        for attribute, content in schema["properties"].items()
        if "description" not in content and name != "Problem"
    ]
    assert bare == []


def _validate(spec: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "components": spec["components"]}).validate(value)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
