"""The one exception family: what was wrong, where, and what to do next.

Every error that a user can cause is a `RetailError`. The command line prints it without a traceback, and assets turn
it into a Dagster `Failure`; `retryable` says whether running the same again can help.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RetailError(Exception):
    """A problem that the user can act on. The message says what, where and what to do."""

    retryable = False


class SettingsError(RetailError):
    """A setting is wrong: names the variable, its value and what is allowed."""


class ContractError(RetailError):
    """A contract file is wrong, or is not there."""


class LandingError(RetailError):
    """A file cannot be landed, or what was landed cannot be read as the contract says."""


class StorageError(RetailError):
    """A store refused to read or write: permission, space, or absence."""


class StorageBusyError(StorageError):
    """A store does not answer, asks to slow down, or was written by another meanwhile; trying again later can help."""

    retryable = True


class WarehouseError(RetailError):
    """The warehouse refused a load or a query, or found what it was given to be inconsistent."""


class WarehouseBusyError(WarehouseError):
    """Another process holds the warehouse; trying again later can help."""

    retryable = True


class WarehouseUnreachableError(WarehouseError):
    """The warehouse does not answer, or the connection broke; trying again later can help."""

    retryable = True


class EngineError(RetailError):
    """Spark or its Java runtime cannot be started."""


class NotReadyError(RetailError):
    """What was asked for has not been computed yet; says which asset to materialize."""


class ModelFileError(RetailError):
    """A stored model is not one of ours, is damaged, or asks to run code."""


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` for the closest of `known`, or an empty string."""
    match = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f" Did you mean {match[0]!r}?" if match else ""
