"""An answer of each path, for the OpenAPI description: shortened answers of The Complete Journey's bundle."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

_CONTENT: dict[str, Any] = json.loads(
    importlib.resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
)
EXAMPLES: dict[str, Any] = _CONTENT["answers"]
SCORE_REQUEST: dict[str, Any] = _CONTENT["score_request"]
