"""What OpenLineage 2-0-2 and the facets in use demand of an event, as a JSON schema in our own words.

The client's package has no schema files. Written from the specification: required names, types, formats and allowed
values of the event and of each facet that we write; a facet that is not here is refused, so that it is added here.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_UUID: dict[str, Any] = {"type": "string", "format": "uuid"}


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None, *, closed: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": not closed,
    }


def _list(of: dict[str, Any], fewest: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": fewest}


def _facet(name: str, required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    base = {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {
            "type": "string",
            "pattern": rf"https://openlineage\.io/spec/facets/[\d-]+/{name}\.json#/\$defs/",
        },
    }
    return _record({**base, **required}, optional)


_JOB_NAME = {"namespace": _TEXT, "name": _TEXT}
_LINK = {"run": _record({"runId": _UUID}, {"facets": {}}), "job": _record(_JOB_NAME, {"facets": {}})}
_FIELD = _record(
    {"name": _TEXT},
    {"type": _TEXT, "description": _TEXT, "ordinal_position": {"type": "integer", "minimum": 1}, "fields": _list({})},
)
_INPUT_FIELD = _record({"namespace": _TEXT, "name": _TEXT, "field": _TEXT}, {"transformations": _list({})})

RUN_FACETS = {
    "parent": _facet("ParentRunFacet", _LINK, {"root": _record(_LINK)}),
    "nominalTime": _facet("NominalTimeRunFacet", {"nominalStartTime": _TIME}, {"nominalEndTime": _TIME}),
    "processing_engine": _facet("ProcessingEngineRunFacet", {"version": _TEXT}, {"name": _TEXT}),
    "errorMessage": _facet("ErrorMessageRunFacet", {"message": _TEXT, "programmingLanguage": _TEXT}),
    "tags": _facet(
        "TagsRunFacet", {}, {"tags": _list(_record({"key": _TEXT, "value": {"type": "string"}}, {"source": _TEXT}))}
    ),
}
JOB_FACETS = {
    "jobType": _facet(
        "JobTypeJobFacet",
        {"processingType": {"enum": ["BATCH", "STREAMING", "SERVICE"]}, "integration": _TEXT},
        {"jobType": _TEXT},
    ),
    "documentation": _facet("DocumentationJobFacet", {"description": _TEXT}, {"contentType": _TEXT}),
}
DATASET_FACETS = {
    "schema": _facet("SchemaDatasetFacet", {}, {"fields": _list(_FIELD)}),
    "columnLineage": _facet(
        "ColumnLineageDatasetFacet",
        {
            "fields": {
                "type": "object",
                "additionalProperties": _record({"inputFields": _list(_INPUT_FIELD, 1)}),
            }
        },
        {"dataset": _list(_INPUT_FIELD)},
    ),
    "documentation": _facet("DocumentationDatasetFacet", {"description": _TEXT}, {"contentType": _TEXT}),
    "ownership": _facet("OwnershipDatasetFacet", {}, {"owners": _list(_record({"name": _TEXT}, {"type": _TEXT}))}),
}
INPUT_FACETS = {
    "dataQualityAssertions": _facet(
        "DataQualityAssertionsDatasetFacet",
        {
            "assertions": _list(
                _record(
                    {"assertion": _TEXT, "success": {"type": "boolean"}},
                    {"column": _TEXT, "severity": {"enum": ["error", "warn"]}, "description": _TEXT, "params": {}},
                )
            )
        },
    )
}
OUTPUT_FACETS = {
    "outputStatistics": _facet(
        "OutputStatisticsOutputDatasetFacet", {}, {"rowCount": _COUNT, "size": _COUNT, "fileCount": _COUNT}
    )
}


def _dataset(name: str, facets: dict[str, Any]) -> dict[str, Any]:
    return _record(
        {"namespace": _TEXT, "name": _TEXT}, {"facets": _record({}, DATASET_FACETS), name: _record({}, facets)}
    )


RUN_EVENT = _record(
    {
        "eventTime": _TIME,
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "run": _record({"runId": _UUID}, {"facets": _record({}, RUN_FACETS)}),
        "job": _record(_JOB_NAME, {"facets": _record({}, JOB_FACETS)}),
    },
    {
        "inputs": _list(_dataset("inputFacets", INPUT_FACETS)),
        "outputs": _list(_dataset("outputFacets", OUTPUT_FACETS)),
    },
)
_CHECKER = jsonschema.FormatChecker()


@_CHECKER.checks("date-time")
def _is_time(value: object) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", str(value)))


@_CHECKER.checks("uri")
def _is_uri(value: object) -> bool:
    return bool(re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", str(value)))


def read(event: str) -> dict[str, Any]:
    """Parse an event. Raises jsonschema.ValidationError if it is not one of OpenLineage's."""
    content = json.loads(event)
    jsonschema.validate(content, RUN_EVENT, format_checker=_CHECKER)
    return dict(content)
