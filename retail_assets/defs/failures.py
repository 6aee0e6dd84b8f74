"""How a step fails: errors that a user can act on become Dagster failures, retried only where that can help."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import dagster as dg

from retail_assets.errors import RetailError

#: For every step that writes to the warehouse, because another process may hold it.
WAREHOUSE_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, jitter=dg.Jitter.FULL)


@contextlib.contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn a RetailError into a Dagster Failure that shows its message.

    The failure allows retries only if the error is retryable.
    """
    try:
        yield
    except RetailError as e:
        raise dg.Failure(description=str(e), metadata={"error": type(e).__name__}, allow_retries=e.retryable) from None
