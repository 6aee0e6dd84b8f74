"""What the checks found last, for outputs that show it."""

from collections.abc import Iterator, Sequence

import dagster as dg


def last_evaluations(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]
) -> Iterator[tuple[dg.AssetCheckKey, dg.AssetCheckEvaluation]]:
    """Yield checks with what they found last; those that have never ended are left out."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    for key in keys:
        record = records.get(key)
        evaluation = record.evaluation if record is not None else None
        if isinstance(evaluation, dg.AssetCheckEvaluation):  # not of a check that this run has still to make
            yield key, evaluation
