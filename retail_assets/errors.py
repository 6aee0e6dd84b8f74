"""The one exception family: what was wrong, where, and what to do next.

Every problem that a user can fix is a `RetailError`. The command line prints it without a traceback, and assets turn it
into a Dagster `Failure`; `retryable` says whether another attempt can help.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class RetailError(Exception):
    """A problem that the user can fix. The message says what is wrong, where, and what to do."""

    retryable = False


class SettingsError(RetailError):
    """A setting is wrong: names the variable, its value and what is allowed."""


class ContractError(RetailError):
    """A contract file is wrong or missing."""


class LandingError(RetailError):
    """A file cannot be landed, or a landed file cannot be read as the contract says."""


class StorageError(RetailError):
    """A store could not read or write: no permission, no space, or no such object."""


class StorageBusyError(StorageError):
    """A store does not answer, asks to slow down, or was changed by another process; another attempt can help."""

    retryable = True


class DamagedError(StorageError):
    """An object is there, and is not what it should be: cut, damaged, or written by another version."""


class WarehouseError(RetailError):
    """The warehouse refused a load or a query, or the rows to load are inconsistent."""


class WarehouseBusyError(WarehouseError):
    """Another process is using the warehouse; another attempt can help."""

    retryable = True


class WarehouseUnreachableError(WarehouseError):
    """The warehouse does not answer, or the connection was lost; another attempt can help."""

    retryable = True


class PublishingError(RetailError):
    """Tableau refused what was to be published, or to log in."""


class PublishingUnreachableError(PublishingError):
    """Tableau does not answer, or failed to; another attempt can help."""

    retryable = True


class StreamError(RetailError):
    """A topic cannot be landed: it is unknown, it refuses to log in, or it no longer has records that must land."""


class StreamUnreachableError(StreamError):
    """The broker does not answer; another attempt can help."""

    retryable = True


class StreamStoppedError(StreamUnreachableError):
    """The process was asked to end while it waited for an answer."""


class EngineError(RetailError):
    """Spark or its Java runtime cannot be started."""


class NotReadyError(RetailError):
    """The requested data has not been computed yet; the message says which asset to materialize."""


class ModelFileError(RetailError):
    """A stored model is not one of ours, is damaged, or asks to run code."""


def nearest(wrong: str, names: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the most similar of `names`, or an empty string if none is similar.

    >>> nearest("sles", ["sales", "dim_date"])
    " Did you mean 'sales'?"
    """
    match = difflib.get_close_matches(wrong, list(names), n=1, cutoff=0.6)
    return f" Did you mean {match[0]!r}?" if match else ""


def without_secrets(text: str) -> str:
    """Return a setting for a message, without what may be a secret in an address: login, query and parameters.

    >>> without_secrets("https://shop:pa/ss@host/events.csv?sig=abc"), without_secrets("sc://host:15002/;token=abc")
    ('https://***@host/events.csv?***', 'sc://host:15002/;***')
    >>> without_secrets("/data/raw@2"), without_secrets("s3://bucket/raw")
    ('/data/raw@2', 's3://bucket/raw')
    """
    scheme = re.match(r"\s*[A-Za-z][\w+.-]*:?//?", text)
    if scheme is None or (scheme[0].endswith("/") and ":" not in text):
        return text
    start, rest = scheme[0], text[scheme.end() :]
    if ":" in start or ":" in rest.rpartition("@")[0]:
        rest = re.sub(r".*@", "***@", rest, flags=re.DOTALL)
    return start + re.sub(r"([?;#]).*", r"\1***", rest, flags=re.DOTALL)


def unusable(name: str, value: str, allowed: str) -> SettingsError:
    """Return the error of a setting that is not usable, without what may be a secret in its value.

    >>> print(unusable("RETAIL_STORE", "https://shop:pa55@host/x", "s3://bucket/prefix, or a path"))
    RETAIL_STORE='https://***@host/x' is not usable. Allowed: s3://bucket/prefix, or a path
    """
    return SettingsError(f"{name}={without_secrets(value)!r} is not usable. Allowed: {allowed}")


def unknown_setting(name: str, names: Iterable[str], page: str) -> SettingsError:
    """Return the error of a variable that is not a setting, with the nearest of `names` and the page that has all.

    >>> print(unknown_setting("SHOP_LAKE_URL", ["SHOP_LAKE_URI", "SHOP_HOME"], "settings.md"))
    SHOP_LAKE_URL is not a setting. Did you mean 'SHOP_LAKE_URI'? Correct it or unset it; settings.md lists all.
    """
    return SettingsError(f"{name} is not a setting.{nearest(name, names)} Correct it or unset it; {page} lists all.")
