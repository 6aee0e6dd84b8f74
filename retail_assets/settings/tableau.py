"""What goes to Tableau: the `RETAIL_TABLEAU_*` variables. The token appears in no repr and in no error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from retail_assets.errors import SettingsError, unusable
from retail_assets.settings.addresses import keeps_secrets

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_TABLEAU_LINES": ("5000000", "lines of sales above which Tableau's extract leaves them out"),
    "RETAIL_TABLEAU_SERVER": ("none", "address of Tableau Server or Cloud to publish to: https://…"),
    "RETAIL_TABLEAU_SITE": ("the default site", "site there, as in its address: …/#/site/<site>"),
    "RETAIL_TABLEAU_PROJECT": (
        "needed to publish",
        "project there, by its name; Parent/Child where projects are nested",
    ),
    "RETAIL_TABLEAU_TOKEN_NAME": ("needed to publish", "name of a personal access token"),
    "RETAIL_TABLEAU_TOKEN": ("needed to publish", "its secret"),
    "RETAIL_TABLEAU_NAME": ("the source", "beginning of the names of the data sources there"),
    "RETAIL_TABLEAU_TIMEOUT": ("120", "seconds to wait for each answer of the server"),
}
_PUBLISHING = tuple(VARIABLES)[1:]
_NEEDED = ("RETAIL_TABLEAU_PROJECT", "RETAIL_TABLEAU_TOKEN_NAME", "RETAIL_TABLEAU_TOKEN")
DEFAULT_LINES = 5_000_000
_DEFAULT_SECONDS = 120.0


@dataclass(frozen=True)
class TableauServer:
    """Where to publish, and how to log in."""

    address: str
    site: str
    project: str
    token_name: str
    token: str = field(repr=False)
    name: str | None = None
    timeout: float = _DEFAULT_SECONDS


def load_lines(environ: Mapping[str, str]) -> int:
    """Read the most lines of an extract. Raises SettingsError."""
    text = environ.get("RETAIL_TABLEAU_LINES", "").strip()
    if not text:
        return DEFAULT_LINES
    if not re.match(r"\d{1,12}\Z", text):
        raise unusable("RETAIL_TABLEAU_LINES", text, "a whole number, such as 5000000; 0 leaves out all lines")
    return int(text)


def load_server(environ: Mapping[str, str]) -> TableauServer | None:
    """Read and validate where to publish; None if nothing is to be published. Raises SettingsError."""
    values = {name: environ[name].strip() for name in _PUBLISHING if environ.get(name, "").strip()}
    if not values:
        return None
    address = values.get("RETAIL_TABLEAU_SERVER")
    if address is None:
        raise SettingsError(
            f"{min(values)} is set, and RETAIL_TABLEAU_SERVER is not. Set it to https://…, the address of Tableau, to "
            "publish there; or unset the others."
        )
    address = address.rstrip("/")
    if "@" in address or "?" in address:
        raise SettingsError("RETAIL_TABLEAU_SERVER must not contain credentials, nor a query. Set it to https://host.")
    if not keeps_secrets(address) or not re.match(r"https?://[^\s/#]+\Z", address):
        raise unusable("RETAIL_TABLEAU_SERVER", address, "https://host, without a path; a site has its own setting")
    if missing := [name for name in _NEEDED if name not in values]:
        raise SettingsError(f"RETAIL_TABLEAU_SERVER is set, so {' and '.join(missing)} must be. See docs/tableau.md.")
    site = values.get("RETAIL_TABLEAU_SITE", "")
    if not re.match(r"[\w-]*\Z", site):
        raise unusable("RETAIL_TABLEAU_SITE", site, "the part of the address after /site/, such as retail")
    seconds = values.get("RETAIL_TABLEAU_TIMEOUT", str(_DEFAULT_SECONDS))
    if not re.match(r"\d{1,5}(\.\d+)?\Z", seconds) or not float(seconds):
        raise unusable("RETAIL_TABLEAU_TIMEOUT", seconds, "seconds, such as 120")
    name = values.get("RETAIL_TABLEAU_NAME")
    if name is not None and not re.match(r"[\w ().-]{1,200}\Z", name):
        raise unusable("RETAIL_TABLEAU_NAME", name, "at most 200 letters, digits, blanks and _ . - ( )")
    return TableauServer(
        address=address,
        site=site,
        project=values["RETAIL_TABLEAU_PROJECT"],
        token_name=values["RETAIL_TABLEAU_TOKEN_NAME"],
        token=values["RETAIL_TABLEAU_TOKEN"],
        name=name,
        timeout=float(seconds),
    )
