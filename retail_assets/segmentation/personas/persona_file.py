"""A shop's own personas, from YAML: names, prototypes and texts. Every mistake is reported with its line and its fix.

    personas:                       # in the order of the figures; the most valuable one first
      - name: Stammkunden
        prototype: {frequency: 1, average_basket: 1, monetary: 1.5, recency: -0.5}
        description: Kaufen oft und viel.
        action: "Halten: {customers_share} der Kunden bringen {revenue_share} des Umsatzes."
    groups:                         # optional: other names and texts for the groups that a rule assigns
      one_purchase: {name: Einmalkäufer}

A persona with a shipped name keeps the shipped prototype and texts that the file leaves out; so does a group.
`defining: {monetary: highest}` says what must be true of customers with a name; without it, and with a prototype or
texts of the shop's own, the prototype alone decides.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from retail_assets.contracts import yaml_text
from retail_assets.errors import RetailError, nearest
from retail_assets.segmentation.personas.catalog import (
    ACTION_NUMBERS,
    DEFAULT,
    GROUPS,
    NAMING_FEATURES,
    PERSONAS,
    STEP_NUMBERS,
    Catalog,
    Persona,
)
from retail_assets.segmentation.personas.defining import FEATURES, RELATIONS, Comparison
from retail_assets.segmentation.queries.migrations import NEW

FEWEST, MOST = 2, 8
LONGEST_NAME = 64
FURTHEST = 4.0
"""Standard deviations from the average that a prototype may have at most: features are clipped there."""

_PERSONA_KEYS = ("name", "prototype", "defining", "description", "action", "next_step")
_GROUP_KEYS = ("name", "description", "action", "next_step")


class PersonaFileError(RetailError):
    """A persona file is missing or has a mistake: the message has the file, the line and the fix."""


def load(path: Path) -> Catalog:
    """Read the catalog of a file. Raises PersonaFileError."""
    try:
        text = yaml_text.read_text(path)
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or str(e)
        raise PersonaFileError(f"RETAIL_PERSONAS={str(path)!r} cannot be read: {reason}.") from None
    return parse(text, str(path))


def parse(text: str, where: str = "personas") -> Catalog:
    """Parse the catalog of a YAML text.

    Args:
        text: the content of a persona file.
        where: what errors call the file.

    Raises:
        PersonaFileError: with `where`, the line and what to write instead.

    >>> parse("personas: [{name: Budget Shoppers}, {name: Low-Engagement}]").clusters[1].prototype["recency"]
    0.75
    """
    try:
        yaml_text.refuse_beyond_bounds(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(e, "problem", None) or "it cannot be parsed"
        raise PersonaFileError(f"{where}, line {line}: not YAML ({problem}). Correct the line.") from None
    if root is None:
        raise PersonaFileError(f"{where}, line 1: the file is empty. Start it with `personas:` and a list.")
    reader = _Reader(where)
    top = reader.mapping(root, "the file", ("personas", "groups"))
    if "personas" not in top:
        raise reader.wrong(root, "`personas` is missing. Write `personas:`, and the list of personas below it.")
    listed = top["personas"]
    if not isinstance(listed, yaml.SequenceNode) or not FEWEST <= len(listed.value) <= MOST:
        raise reader.wrong(
            listed, f"`personas` must be a list of {FEWEST} to {MOST} personas, each starting with `- name:`."
        )
    clusters = tuple(reader.persona(node) for node in listed.value)
    groups = dict(GROUPS)
    if "groups" in top:
        for key, node in reader.mapping(top["groups"], "`groups`", tuple(GROUPS)).items():
            groups[key] = reader.group(node, GROUPS[key])
    catalog = Catalog(clusters, groups)
    reader.refuse_repeated(catalog, root)
    return catalog


def or_default(path: Path | None) -> Catalog:
    """Read the catalog of a file; without a file, return the shipped one. Raises PersonaFileError."""
    return DEFAULT if path is None else load(path)


class _Reader:
    """Reads one file node by node, so that every mistake has a line."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lines: dict[str, int] = {}

    def wrong(self, node: yaml.Node, what: str) -> PersonaFileError:
        return PersonaFileError(f"{self._where}, line {node.start_mark.line + 1}: {what}")

    def mapping(self, node: yaml.Node, what: str, allowed: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{what} must consist of `key: value`. Known keys: {', '.join(allowed)}.")
        nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in allowed:
                raise self.wrong(
                    key, f"{what} has no {name!r}.{nearest(name, allowed)} Known keys: {', '.join(allowed)}."
                )
            if name in nodes:
                raise self.wrong(key, f"{name!r} appears twice in {what}. Keep one.")
            nodes[name] = value
        return nodes

    def persona(self, node: yaml.Node) -> Persona:
        entries = self.mapping(node, "a persona", _PERSONA_KEYS)
        if "name" not in entries:
            raise self.wrong(node, "a persona has no `name`. Add one.")
        name = self._name(entries["name"])
        shipped = next((p for p in PERSONAS if p.name == name), None)
        if "prototype" in entries:
            prototype = self._prototype(entries["prototype"], name)
        elif shipped:
            prototype = dict(shipped.prototype)
        else:
            raise self.wrong(
                node, f"{name!r} has no `prototype`, and no shipped persona has that name. Add one, for example "
                "`prototype: {frequency: 1, average_basket: -1}`: standard deviations from the average customer."
            )  # fmt: skip
        if shipped and any(key in entries for key in ("prototype", "description", "action")):
            # What the shop says about a persona in its own words is not for us to check.
            shipped = replace(shipped, defining=(), least_days=0, stand_in=None)
        plain = Persona(name, f"{name}.", "Look at this segment's profile before acting: {customers}, {revenue}.")
        persona = replace(shipped or plain, prototype=prototype)
        if "defining" in entries:
            persona = replace(persona, defining=self._defining(entries["defining"], name))
        return self._with_texts(persona, entries)

    def group(self, node: yaml.Node, shipped: Persona) -> Persona:
        entries = self.mapping(node, "a group", _GROUP_KEYS)
        named = replace(shipped, name=self._name(entries["name"])) if "name" in entries else shipped
        return self._with_texts(named, entries)

    def refuse_repeated(self, catalog: Catalog, root: yaml.Node) -> None:
        seen: dict[str, str] = {}
        for persona in catalog.display_order:
            folded = persona.name.casefold()
            if folded in seen:
                line = self._lines.get(persona.name, root.start_mark.line + 1)
                raise PersonaFileError(
                    f"{self._where}, line {line}: two personas or groups are named {persona.name!r} "
                    "(upper and lower case do not count; see `groups`). Choose another name."
                )
            seen[folded] = persona.name

    def _name(self, node: yaml.Node) -> str:
        name = self._text(node, "`name`").strip()
        if not name or len(name.encode()) > LONGEST_NAME or name == NEW or any(not c.isprintable() for c in name):
            raise self.wrong(
                node,
                f"the name {name[:80]!r} cannot be used: 1 to {LONGEST_NAME} bytes of printable text, not {NEW!r}.",
            )
        self._lines[name] = node.start_mark.line + 1
        return name

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            raise self.wrong(node, f"{what} must be a text. Put it in quotation marks.")
        return str(node.value)

    def _with_texts(self, persona: Persona, entries: Mapping[str, yaml.Node]) -> Persona:
        changed: dict[str, Any] = {}
        if "description" in entries:
            changed["description"] = self._text(entries["description"], "`description`").strip()
        if "action" in entries:
            changed["action"] = self._format_text(entries, "action", ACTION_NUMBERS, "a number of a profile")
            changed["little_effort"] = False  # the shop's own advice
        if "next_step" in entries:
            changed["next_step"] = self._format_text(entries, "next_step", STEP_NUMBERS, "a number of a customer")
        return replace(persona, **changed)

    def _format_text(self, entries: Mapping[str, yaml.Node], key: str, numbers: tuple[str, ...], what: str) -> str:
        """Read a text whose braces name numbers."""
        node = entries[key]
        text = self._text(node, f"`{key}`").strip()
        for field in self._fields(text, node, key):
            if field not in numbers:
                raise self.wrong(
                    node, f"`{key}` contains {{{field}}}, which is not {what}."
                    f"{nearest(field, numbers)} Known: {', '.join(f'{{{n}}}' for n in numbers)}."
                )  # fmt: skip
        return text

    def _fields(self, text: str, node: yaml.Node, key: str) -> Iterator[str]:
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as e:
            raise self.wrong(
                node, f"the braces of `{key}` do not match ({e}). Double the braces that are text: {{{{ }}}}."
            ) from None
        for _, field, form, conversion in parts:
            if field is not None:
                if form or conversion:
                    raise self.wrong(
                        node, f"`{key}` formats {{{field}}}, but numbers are already formatted. Remove the : or !."
                    )
                yield field

    def _defining(self, node: yaml.Node, name: str) -> tuple[Comparison, ...]:
        comparisons = []
        for feature, value in self.mapping(node, f"`defining` of {name!r}", FEATURES).items():
            relation = self._text(value, f"{feature} in `defining` of {name!r}").strip()
            if relation not in RELATIONS:
                raise self.wrong(
                    value, f"`defining` of {name!r} has {feature}: {relation}.{nearest(relation, RELATIONS)} Write one "
                    f"of {', '.join(RELATIONS)}: highest or lowest of the clusters, above or below all others."
                )  # fmt: skip
            comparisons.append(Comparison(feature, relation))
        return tuple(comparisons)

    def _prototype(self, node: yaml.Node, name: str) -> dict[str, float]:
        prototype = {}
        for feature, value in self.mapping(node, f"the prototype of {name!r}", NAMING_FEATURES).items():
            try:
                number = float(value.value)
            except (TypeError, ValueError):
                raise self.wrong(
                    value, f"{feature} of {name!r} is not a number. Write a number from -4 to 4."
                ) from None
            if not abs(number) <= FURTHEST:
                raise self.wrong(
                    value, f"{feature} of {name!r} is {value.value}: more than {FURTHEST:g} standard deviations from "
                    "the average customer. Write a number from -4 to 4."
                )  # fmt: skip
            prototype[feature] = number
        if not any(prototype.values()):
            raise self.wrong(
                node,
                f"the prototype of {name!r} is the average customer. Give at least one feature in which it differs.",
            )
        return prototype
