"""Where lineage events go: the `RETAIL_LINEAGE_*` variables. The key appears in no repr and in no error."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retail_assets.errors import SettingsError, unusable, without_secrets
from retail_assets.settings.addresses import is_web_address, keeps_secrets

#: variable -> (default as shown to users, meaning)
VARIABLES: dict[str, tuple[str, str]] = {
    "RETAIL_LINEAGE_URL": (
        "none",
        "where OpenLineage events of runs go: https://host, or a file such as /data/lineage.jsonl",
    ),
    "RETAIL_LINEAGE_NAMESPACE": ("retail_assets", "namespace of the jobs in these events"),
    "RETAIL_LINEAGE_API_KEY": ("none", "key that the server of the events asks for"),
}
#: A server without its scheme would become a file of that name: only what ends like one is a file without its folder.
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(/|\Z)")
_FILE_NAME = re.compile(r"\.(jsonl?|ndjson|log|txt|events)\Z")
_ALLOWED = "https://host, http://host:port, or the path of a file"


@dataclass(frozen=True)
class LineageSettings:
    """Where events go. `url` is an address without its last slash, or the absolute path of a file."""

    url: str
    namespace: str = "retail_assets"
    api_key: str | None = field(default=None, repr=False)

    @property
    def is_file(self) -> bool:
        """Whether events are appended to a file, and not sent to a server."""
        return not re.match(r"https?://", self.url)


def load(environ: Mapping[str, str]) -> LineageSettings | None:
    """Read and validate where events go; None if they go nowhere. Raises SettingsError."""
    values = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    if not values:
        return None
    url = values.get("RETAIL_LINEAGE_URL")
    if url is None:
        raise SettingsError(
            f"{min(values)} is set, and RETAIL_LINEAGE_URL is not. Set it to https://host or to a file, to write "
            "lineage there; or unset the others."
        )
    namespace = values.get("RETAIL_LINEAGE_NAMESPACE", LineageSettings.namespace)
    if not re.match(r"[\w.:/-]{1,200}\Z", namespace):
        raise unusable("RETAIL_LINEAGE_NAMESPACE", namespace, "at most 200 letters, digits and _ . : / -")
    key = values.get("RETAIL_LINEAGE_API_KEY")
    if key is not None and not re.match(r"[!-~]{1,4096}\Z", key):  # it becomes a header
        raise SettingsError("RETAIL_LINEAGE_API_KEY is not usable. Allowed: one line of visible ASCII characters")
    return LineageSettings(_place(url, key is not None), namespace, key)


def _place(url: str, has_key: bool) -> str:
    if re.match(r"[\w.-]+:\d+(/|\Z)", url):  # a server without its scheme, and no file of that name
        raise unusable("RETAIL_LINEAGE_URL", url, f"{_ALLOWED}. Did you mean 'http://{url}'?")
    if _HOST.match(url) and not _FILE_NAME.search(url):
        raise unusable(
            "RETAIL_LINEAGE_URL", url, f"{_ALLOWED}. Did you mean 'https://{url}'? For a file of that name: './{url}'"
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", url)
    if without_secrets(url) == url and (scheme is None or url.startswith("file:///")):
        path = Path(urllib.parse.unquote(url.removeprefix("file://"))).expanduser().absolute()
        if path.is_dir():
            raise unusable("RETAIL_LINEAGE_URL", url, "a file (this is a folder), such as /data/lineage.jsonl")
        return str(path)
    if without_secrets(url) != url or "@" in url or "?" in url:
        raise SettingsError(
            "RETAIL_LINEAGE_URL must not contain credentials, nor a query. Set it to https://host; a key has its own "
            "setting, RETAIL_LINEAGE_API_KEY."
        )
    if not is_web_address(url):
        raise unusable("RETAIL_LINEAGE_URL", url, _ALLOWED)
    if has_key and not keeps_secrets(url):
        raise unusable("RETAIL_LINEAGE_URL", url, "https://host, because RETAIL_LINEAGE_API_KEY is sent there")
    return url.rstrip("/")
