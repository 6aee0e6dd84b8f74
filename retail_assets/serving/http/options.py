"""How the server is to run: checked once, before anything is opened, and handed to every worker."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from retail_assets.errors import SettingsError
from retail_assets.serving.requests import MOST_BODY_BYTES

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        uri: folder of a source's bundles, for `Predictor.from_uri`.
        host, port: where to listen.
        workers: processes.
        keys: file of hashed API keys; None: whoever reaches the server may ask.
        without_keys: whether an address that others reach may be served without keys.
        rate: requests per second and client, over all workers; 0: no limit.
        most_body_bytes: larger bodies are refused.
        allowed_hosts: further names in the `Host` header that are answered where there are no keys.
        allowed_origins: web sites whose scripts may ask (CORS).
        behind_proxy: whether a proxy on this machine says who the client is.
        access_log: whether to log each request.
        metrics_folder: where the workers of one server put their counts together.
        stop_seconds: for requests to end when the server stops.
        check_seconds: how often a newer bundle is looked for.
    """

    uri: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    keys: str | None = None
    without_keys: bool = False
    rate: float = 300.0
    most_body_bytes: int = MOST_BODY_BYTES
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    access_log: bool = True
    metrics_folder: str | None = None
    stop_seconds: int = 10
    check_seconds: float = 2.0

    def refuse_what_is_unsafe(self) -> None:
        """Raises SettingsError if others than this machine could ask without a key, or an origin is not one."""
        if self.keys is None and not self.without_keys and not is_loopback(self.host):
            raise SettingsError(
                f"--host {self.host} lets other machines ask, and there is no API key. Make one with "
                "`retail-assets keys add NAME`, or give --without-keys if everybody there may read everything."
            )
        for origin in self.allowed_origins:
            scheme, _, rest = origin.partition("://")
            if scheme not in ("http", "https") or not rest or "/" in rest or "*" in rest:
                raise SettingsError(f"--allow-origin is {origin!r}. Give an origin such as https://shop.example.")

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that a `Host` header may have; None: any.

        Without keys, a web site could have its own name point to 127.0.0.1 and read the answers in its visitors'
        browsers (DNS rebinding): then only names of this machine are answered.
        """
        if self.keys is not None or not is_loopback(self.host):
            return None
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, self.host, *self.allowed_hosts))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
