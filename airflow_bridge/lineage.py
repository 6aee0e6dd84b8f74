"""Which Airflow task asked for a run, in OpenLineage's words, where Airflow's provider of it is installed and on.

The run carries it as tags, and its lineage names the task as its parent. Lineage never fails a task: without the
provider, or where it cannot say, there are no tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_bridge.stopping import Log

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

#: `namespace/job/run id` of the task, and of what the whole is part of: its DAG run.
PARENT, ROOT = "openlineage/parent", "openlineage/root"


def parent_tags(context: Context, log: Log) -> dict[str, str]:
    """Return the tags of a run that this task asks for; none where OpenLineage is off in Airflow."""
    try:
        from airflow.providers.openlineage.conf import is_disabled
        from airflow.providers.openlineage.plugins.macros import lineage_parent_id, lineage_root_parent_id
    except ImportError:
        return {}
    try:
        if is_disabled():
            return {}
        task = context["ti"]
        return {PARENT: str(lineage_parent_id(task)), ROOT: str(lineage_root_parent_id(task))}
    except Exception as e:
        log.warning("The run will not name this task as its parent in its lineage: %s", type(e).__name__)
        return {}
