"""How a step fails: errors that a user can act on become Dagster failures, and what passes by itself is tried again.

No asset has a `retry_policy`. With one, Dagster tries a step again after every exception, and after an interrupt too:
a run that a person cancels would go on and write its tables.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import dagster as dg

from retail_assets.erasure.turn import wait_for_erasing
from retail_assets.errors import RetailError
from retail_assets.platform import Platform

_MOST_RETRIES = 2
#: At most so many seconds before a retry; spread at random, because several steps may wait for the same warehouse.
_SECONDS = 5.0
#: The error of a step behind which a blocking check failed; Dagster has no public name for it.
_BLOCKED_BY_CHECK = "DagsterAssetCheckFailedError"
#: What DuckDB raises, as a RuntimeError, where it is interrupted in a query.
_INTERRUPTED = "Query interrupted"
#: The run of this process that has waited, and the lake.
_waited: tuple[str, str] | None = None


def stop_if_canceled() -> None:
    """Raise KeyboardInterrupt if the run of this step has been asked to stop.

    Dagster interrupts a run once, and Python drops an interrupt that arrives in a callback, as imports have many. The
    run would go on, write its tables and end as a success.
    """
    try:
        context = dg.OpExecutionContext.get()
    except dg.DagsterInvariantViolationError:  # called outside of a run
        return
    run = context.instance.get_run_by_id(context.run_id)
    if run is not None and run.status is dg.DagsterRunStatus.CANCELING:
        raise KeyboardInterrupt


def _wait_for_erasing_once(platform: Platform) -> None:
    """Wait while a customer is erased, once per run and process, which costs one read of the lake.

    Erasing that begins later sees the run in Dagster's records, and is refused.
    """
    global _waited
    try:
        place = (dg.OpExecutionContext.get().run_id, platform.lake.store.uri)
    except dg.DagsterInvariantViolationError:  # called outside of a run
        place = None
    if place is None or place != _waited:
        wait_for_erasing(platform.lake)
        _waited = place


@contextlib.contextmanager
def failing_clearly(platform: Platform | None = None, *, retrying: bool = True) -> Iterator[None]:
    """Turn a RetailError into a Dagster Failure that shows its message; begin nothing in a run that is to stop.

    With the `platform` whose places the step reads or writes, the first step of a run waits while a customer is erased
    there: what it would read before could bring them back.

    A retryable error, such as a warehouse that another process holds or a store that does not answer, lets Dagster run
    the step again, at most twice, unless `retrying` is off. What the data are refused for, and bugs, fail at once.
    Interrupts and every other exception pass through unchanged.
    """
    stop_if_canceled()
    try:
        if platform is not None:
            _wait_for_erasing_once(platform)
            stop_if_canceled()
        yield
    except RuntimeError as e:
        if str(e) == _INTERRUPTED:
            raise KeyboardInterrupt from e
        raise
    except RetailError as e:
        failure = dg.Failure(description=str(e), metadata={"error": type(e).__name__}, allow_retries=False)
        if retrying and e.retryable:
            # Dagster takes the message of a step that has used up its retries from the cause.
            wait = random.uniform(0, _SECONDS)  # noqa: S311 - no secret
            raise dg.RetryRequested(max_retries=_MOST_RETRIES, seconds_to_wait=wait) from failure
        raise failure from None


def failed_step(event: dg.DagsterEvent) -> tuple[str, str] | None:
    """Return the class and the message of the error that a step failed with.

    None for other events, and for a step that failed because a blocking check did not pass: the check says more.
    """
    if event.event_type is not dg.DagsterEventType.STEP_FAILURE:
        return None
    failure = event.step_failure_data
    if failure.user_failure_data is not None:
        kind = failure.user_failure_data.metadata.get("error")
        return str(kind.value) if kind else "Failure", failure.user_failure_data.description or ""
    error = failure.error
    if error is None or error.cls_name == _BLOCKED_BY_CHECK:
        return None
    while error.cause is not None:
        error = error.cause
    return error.cls_name or "Error", error.message.strip()
