"""A shop's own personas, from YAML: names, prototypes and texts; every mistake told with its line and the mend.

    personas:                       # in the order of figures; the first is the most valuable one
      - name: Stammkunden
        prototype: {frequency: 1, average_basket: 1, monetary: 1.5, recency: -0.5}
        description: Kaufen oft und viel.
        action: "Halten: {customers_share} der Kunden bringen {revenue_share} des Umsatzes."
    groups:                         # optional: other names and texts for the groups that a rule makes
      one_purchase: {name: Einmalkäufer}

A persona without texts that has a shipped name has the shipped texts; so has a group.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from retail_assets.errors import RetailError, nearest
from retail_assets.segmentation.personas.catalog import (
    ACTION_NUMBERS,
    DEFAULT,
    GROUPS,
    NAMING_FEATURES,
    PERSONAS,
    Catalogue,
    Persona,
)

FEWEST, MOST = 2, 8
LONGEST_NAME = 64
FURTHEST = 4.0
"""A prototype lies within so many standard deviations: features are clipped there."""

_PERSONA_KEYS = ("name", "prototype", "description", "action")
_GROUP_KEYS = ("name", "description", "action")
_NEW = "(new)"


class PersonaFileError(RetailError):
    """A file of personas is not there, or says something that cannot be: names the file, the line and the mend."""


def load(path: Path) -> Catalogue:
    """The catalogue of a file. Raises PersonaFileError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        told = getattr(e, "strerror", None) or "it is not UTF-8 text"
        raise PersonaFileError(f"RETAIL_PERSONAS={str(path)!r} cannot be read: {told}.") from None
    return parse(text, str(path))


def parse(text: str, where: str = "personas") -> Catalogue:
    """The catalogue of a text. Raises PersonaFileError, which names `where` and the line."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(e, "problem", None) or "it cannot be read"
        raise PersonaFileError(f"{where}, line {line}: not YAML ({problem}).") from None
    if root is None:
        raise PersonaFileError(f"{where}, line 1: the file is empty. Begin it with `personas:` and a list.")
    reading = _Reading(where)
    top = reading.mapping(root, "the file", ("personas", "groups"))
    if "personas" not in top:
        raise reading.wrong(root, "`personas` is missing. Write `personas:` and a list of them below.")
    listed = top["personas"]
    if not isinstance(listed, yaml.SequenceNode) or not FEWEST <= len(listed.value) <= MOST:
        raise reading.wrong(
            listed, f"`personas` is a list of {FEWEST} to {MOST} personas, each beginning with `- name:`."
        )
    clusters = tuple(reading.persona(node) for node in listed.value)
    groups = dict(GROUPS)
    if "groups" in top:
        for key, node in reading.mapping(top["groups"], "`groups`", tuple(GROUPS)).items():
            groups[key] = reading.group(node, GROUPS[key])
    catalogue = Catalogue(clusters, groups)
    reading.refuse_repeated(catalogue, root)
    return catalogue


def or_default(path: Path | None) -> Catalogue:
    """The catalogue of a file, or the shipped one without any. Raises PersonaFileError."""
    return DEFAULT if path is None else load(path)


class _Reading:
    """One file being read: values by node, so that a mistake has a line."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lines: dict[str, int] = {}

    def wrong(self, node: yaml.Node, what: str) -> PersonaFileError:
        return PersonaFileError(f"{self._where}, line {node.start_mark.line + 1}: {what}")

    def mapping(self, node: yaml.Node, what: str, allowed: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{what} has to say `key: value`. Known keys: {', '.join(allowed)}.")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name not in allowed:
                raise self.wrong(
                    key, f"{what} has no {name!r}.{nearest(name, allowed)} Known keys: {', '.join(allowed)}."
                )
            if name in found:
                raise self.wrong(key, f"{name!r} comes twice in {what}. Keep one.")
            found[name] = value
        return found

    def persona(self, node: yaml.Node) -> Persona:
        said = self.mapping(node, "a persona", _PERSONA_KEYS)
        if "name" not in said:
            raise self.wrong(node, "a persona has no `name`. Give it one.")
        name = self._name(said["name"])
        shipped = next((p for p in PERSONAS if p.name == name), None)
        if "prototype" in said:
            prototype = self._prototype(said["prototype"], name)
        elif shipped:
            prototype = dict(shipped.prototype)
        else:
            raise self.wrong(
                node, f"{name!r} has no `prototype`, and none is shipped for that name. Write, for instance, "
                "`prototype: {frequency: 1, average_basket: -1}`: standard deviations from the average customer."
            )  # fmt: skip
        plain = Persona(name, f"{name}.", "Look at this segment's profile before acting: {customers}, {revenue}.")
        return self._with_texts(replace(shipped or plain, prototype=prototype), said)

    def group(self, node: yaml.Node, shipped: Persona) -> Persona:
        said = self.mapping(node, "a group", _GROUP_KEYS)
        named = replace(shipped, name=self._name(said["name"])) if "name" in said else shipped
        return self._with_texts(named, said)

    def refuse_repeated(self, catalogue: Catalogue, root: yaml.Node) -> None:
        seen: dict[str, str] = {}
        for persona in catalogue.display_order:
            folded = persona.name.casefold()
            if folded in seen:
                line = self._lines.get(persona.name, root.start_mark.line + 1)
                raise PersonaFileError(
                    f"{self._where}, line {line}: the name {persona.name!r} is taken twice "
                    "(rules have names, too: see `groups`). Choose another one."
                )
            seen[folded] = persona.name

    def _name(self, node: yaml.Node) -> str:
        name = self._text(node, "`name`").strip()
        if not name or len(name.encode()) > LONGEST_NAME or name == _NEW or any(not c.isprintable() for c in name):
            raise self.wrong(
                node, f"the name {name[:80]!r} is not usable: 1 to {LONGEST_NAME} bytes of printable text."
            )
        self._lines[name] = node.start_mark.line + 1
        return name

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
            raise self.wrong(node, f"{what} is a text. Put it in quotation marks.")
        return str(node.value)

    def _with_texts(self, persona: Persona, said: Mapping[str, yaml.Node]) -> Persona:
        changed: dict[str, Any] = {}
        if "description" in said:
            changed["description"] = self._text(said["description"], "`description`").strip()
        if "action" in said:
            changed["action"] = action = self._text(said["action"], "`action`").strip()
            for field in self._fields(action, said["action"]):
                if field not in ACTION_NUMBERS:
                    raise self.wrong(
                        said["action"], f"`action` names {{{field}}}, which no profile has."
                        f"{nearest(field, ACTION_NUMBERS)} Known: {', '.join(f'{{{n}}}' for n in ACTION_NUMBERS)}."
                    )  # fmt: skip
        return replace(persona, **changed)

    def _fields(self, action: str, node: yaml.Node) -> Iterator[str]:
        try:
            parts = list(string.Formatter().parse(action))
        except ValueError as e:
            raise self.wrong(
                node, f"the braces of `action` do not close ({e}). Double those that are text: {{{{ }}}}."
            ) from None
        for _, field, form, conversion in parts:
            if field is not None:
                if form or conversion:
                    raise self.wrong(
                        node, f"`action` formats {{{field}}} itself. Leave the : or ! away: numbers are texts."
                    )
                yield field

    def _prototype(self, node: yaml.Node, name: str) -> dict[str, float]:
        prototype = {}
        for feature, value in self.mapping(node, f"the prototype of {name!r}", NAMING_FEATURES).items():
            try:
                number = float(value.value)
            except (TypeError, ValueError):
                raise self.wrong(value, f"{feature} of {name!r} is not a number. Write one from -4 to 4.") from None
            if not abs(number) <= FURTHEST:
                raise self.wrong(
                    value, f"{feature} of {name!r} is {value.value}: more than {FURTHEST:g} standard deviations from "
                    "the average customer, where nobody is. Write a number from -4 to 4."
                )  # fmt: skip
            prototype[feature] = number
        if not any(prototype.values()):
            raise self.wrong(node, f"the prototype of {name!r} is the average customer. Say in what it differs.")
        return prototype
