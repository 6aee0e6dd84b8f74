"""Loading a contract from YAML, with errors that name the place, the value and what is allowed."""

from __future__ import annotations

import functools
import re
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from retail_assets.contracts import yaml_text
from retail_assets.contracts.currencies import CurrencyRule
from retail_assets.contracts.model import Contract
from retail_assets.contracts.open_questions import open_questions
from retail_assets.contracts.references import ReferenceRule
from retail_assets.contracts.row_rules import RowCondition, RowRules
from retail_assets.contracts.sections import (
    CancellationRule,
    CategoryRule,
    ComposedPart,
    DateRule,
    DriftRule,
    FieldRule,
    FileRule,
    NumberRule,
    QuantityUnit,
)
from retail_assets.errors import ContractError, nearest, without_secrets

_SHIPPED = resources.files("retail_assets.contracts") / "shipped"
_MOST_PROBLEMS = 12
_RULES: dict[str, type[BaseModel]] = {
    "file": FileRule,
    "dates": DateRule,
    "numbers": NumberRule,
    "columns": FieldRule,
    "rules": CategoryRule,
    "rows": RowRules,
    "keep": RowCondition,
    "drop": RowCondition,
    "cancellations": CancellationRule,
    "currencies": CurrencyRule,
    "references": ReferenceRule,
    "quantity_units": QuantityUnit,
    "drift": DriftRule,
}


def shipped() -> list[str]:
    """Return the names of the contracts that come with the package.

    >>> "retail_sales" in shipped()
    True
    """
    return sorted(p.name.removesuffix(".yaml") for p in _SHIPPED.iterdir() if p.name.endswith(".yaml"))


def load(source: str) -> Contract:
    """Load a contract, by the name of a shipped one or the path of a YAML file.

    Raises ContractError if there is none, or if it is not valid; the message names the place and what is allowed.

    >>> load("retail_sales").currency
    'USD'
    """
    looks_like_path = source.endswith((".yaml", ".yml")) or "/" in source or "\\" in source
    if source in shipped():
        text, where = (_SHIPPED / f"{source}.yaml").read_text(encoding="utf-8"), f"shipped contract {source}"
    elif looks_like_path:
        where = source
        try:
            text = yaml_text.read_text(Path(source).expanduser())
        except (OSError, ValueError, RuntimeError) as e:  # RuntimeError: ~nosuchuser
            why = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
            raise ContractError(
                f"Cannot read the contract {without_secrets(source)}: {why}. Give the path of a YAML file in UTF-8, "
                f"or a shipped contract: {', '.join(shipped())}."
            ) from e
    else:
        raise ContractError(
            f"There is no contract {without_secrets(source)!r}.{nearest(source, shipped())} "
            f"Shipped: {', '.join(shipped())}; or give the path of your own YAML file (docs/contracts.md shows one)."
        )
    return parse(text, where)


@functools.lru_cache(maxsize=32)
def parse(text: str, where: str) -> Contract:
    """Validate a contract given as YAML text. `where` names it in errors. Raises ContractError."""
    try:
        yaml_text.refuse_beyond_bounds(text)
        data: Any = yaml.load(text, Loader=_EachKeyOnce)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        raise ContractError(f"{where} is not valid YAML: {str(e)[:600]}") from e
    if not isinstance(data, dict):
        raise ContractError(
            f"{where} must be a YAML mapping with keys such as name, timezone, columns; docs/contracts.md shows one."
        )
    try:
        return Contract.model_validate(data).with_open_questions(open_questions(text))
    except ValidationError as e:
        problems = [_explained(problem) for problem in e.errors()]
        if len(problems) > _MOST_PROBLEMS:
            problems[_MOST_PROBLEMS:] = [f"  and {len(problems) - _MOST_PROBLEMS} more"]
        raise ContractError(
            f"{where} is not a valid contract:\n" + "\n".join(problems) + "\ndocs/contracts.md explains every key."
        ) from e


class _EachKeyOnce(yaml.SafeLoader):
    """YAML in which a key given twice is an error. Plain YAML silently keeps the last value.

    Only true and false are truth values, as in YAML 1.2, so `country: NO` and a header `No` are text.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - yaml's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            if isinstance(key.value, str) and key.value != "<<":
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_TRUTH = re.compile("(true|True|TRUE|false|False|FALSE)$")
_EachKeyOnce.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))


def _explained(problem: Any) -> str:
    """Return one line for one error of pydantic: the place, what is wrong, what was given."""
    place = problem["loc"]
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    hint = ""
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
        rule = next((_RULES[str(key)] for key in reversed(place[:-1]) if str(key) in _RULES), Contract)
        rule = ComposedPart if "compose" in place else rule
        hint = nearest(str(place[-1]), rule.model_fields) or f" Known: {', '.join(rule.model_fields)}."
    elif problem["type"] == "missing":
        message = "is missing"
    elif problem["type"] == "string_type":
        hint = " Put it in quotes."
    shown = "" if isinstance(given, dict) or problem["type"] == "extra_forbidden" else f" (got {str(given)[:60]!r})"
    return f"  {'.'.join(map(str, place)) or 'contract'}: {message}{shown}.{hint}"
