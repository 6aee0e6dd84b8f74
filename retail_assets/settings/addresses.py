"""Addresses of web servers: which are usable, and to which a secret may be sent."""

from __future__ import annotations

import re
import urllib.parse

_PRIVATE = re.compile(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/|\Z)")


def keeps_secrets(address: str) -> bool:
    """Return whether nobody on the way can read what is sent there: by HTTPS, or by HTTP to this machine.

    >>> keeps_secrets("https://host/x"), keeps_secrets("http://localhost:3000"), keeps_secrets("http://localhost.evil")
    (True, True, False)
    """
    return _PRIVATE.match(address) is not None


def is_web_address(text: str) -> bool:
    """Whether a text is the address of a web server, perhaps with a path; a port is one that a server can have.

    >>> is_web_address("http://host:3000/x"), is_web_address("http://host:port"), is_web_address("htp://host")
    (True, False, False)
    """
    try:
        has_port_if_any = urllib.parse.urlsplit(text).port != 0
    except ValueError:
        return False
    return has_port_if_any and re.match(r"https?://[^\s/@#\"'<>]+(/[^\s@#\"'<>]*)?\Z", text) is not None
