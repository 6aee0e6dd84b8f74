"""Which addresses a secret may be sent to."""

from __future__ import annotations

import re

_PRIVATE = re.compile(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/|\Z)")


def keeps_secrets(address: str) -> bool:
    """Return whether nobody on the way can read what is sent there: by HTTPS, or by HTTP to this machine.

    >>> keeps_secrets("https://host/x"), keeps_secrets("http://localhost:3000"), keeps_secrets("http://localhost.evil")
    (True, True, False)
    """
    return _PRIVATE.match(address) is not None
