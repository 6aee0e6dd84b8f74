"""The assets for Tableau: the extract with its starter workbook, and its data sources on a Tableau server."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from retail_assets.defs.data_versions import hash_of, hash_of_table, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ANALYTICS, lineage
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.errors import SettingsError
from retail_assets.exports import TABLEAU_EXTRACT, TABLEAU_WORKBOOK
from retail_assets.exports.tableau import hyper
from retail_assets.exports.tableau.contents import CONTENTS
from retail_assets.platform import Platform

GROUP = "outputs"


def tableau_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Build `tableau_extract`, and `tableau_published` if the settings say where to publish."""
    common: dict[str, Any] = {
        "group_name": GROUP,
        "owners": ANALYTICS,
        "kinds": {"python", "tableau"},
        "tags": {"layer": "outputs", "source": platform.source},
        "code_version": "1",
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }

    @dg.asset(
        pool=WAREHOUSE,
        deps=[content.origin.name for content in CONTENTS],
        output_required=False,
        **common,
        metadata={
            "dagster/uri": platform.output.uri_of(TABLEAU_EXTRACT),
            "dagster/column_schema": _columns(),
            "dagster/column_lineage": _lineage(),
        },
        description="`tableau/retail.hyper`: sales, forecast, segments and their dimensions as one extract, and the "
        "starter workbook `tableau/retail.twb` on it. Skipped where the extra [tableau] is not installed.",
    )
    def tableau_extract(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from retail_assets.exports.tableau.write import write_tableau
        from retail_assets.lake.currency import refuse_other_currency

        settings = platform.settings
        with failing_clearly(platform):
            if not hyper.installed():
                if settings.tableau:
                    raise SettingsError(f"RETAIL_TABLEAU_SERVER is set, and no extract can be written. {hyper.INSTALL}")
                context.log.warning("tableau_extract: skipped, nothing was written. %s", hyper.INSTALL)
                return
            refuse_other_currency(platform.lake, settings.contract)
            written = write_tableau(
                platform.warehouse, platform.output, platform.source, settings.contract.currency, settings.tableau_lines
            )
            extract = written.extract
            content = hash_of(
                hash_of_table(platform.warehouse, c.origin) if c.table.name in extract.rows else "" for c in CONTENTS
            )
        for table, note in extract.notes.items():
            context.log.warning("tableau_extract: %s %s", table, note)
        yield materialized(
            content,
            {
                "rows": sum(extract.rows.values()),
                "bytes": written.bytes,
                "path": platform.output.uri_of(TABLEAU_EXTRACT),
                "workbook": platform.output.uri_of(TABLEAU_WORKBOOK),
                "last_day": str(extract.last_day),
                "tables": dg.MetadataValue.json(extract.rows),
                **({"notes": dg.MetadataValue.json(extract.notes)} if extract.notes else {}),
            },
        )

    server = platform.settings.tableau
    if server is None:
        return [tableau_extract]

    @dg.asset(
        pool=WAREHOUSE,
        deps=[tableau_extract],
        metadata={"dagster/uri": f"{server.address}/#/{f'site/{server.site}/' if server.site else ''}datasources"},
        **common,
        description="The extract as data sources on Tableau Server or Cloud, one per table of facts; those of an "
        "earlier run are overwritten.",
    )
    def tableau_published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.exports.tableau.publish import publish

        with failing_clearly(platform, retrying=False):  # it has tried again by itself
            result = publish(platform.output, server, platform.source)
        for name in result.stale:
            context.log.warning(
                "tableau_published: %s stays on the server as it was: the extract has no such table now. Delete it "
                "there, or raise RETAIL_TABLEAU_LINES.",
                name,
            )
        context.log.info("tableau_published: %d data sources on %s", len(result.published), server.address)
        return dg.MaterializeResult(
            metadata={
                "data_sources": dg.MetadataValue.json(
                    {p.name: {"rows": result.rows[p.name], "page": p.page, "id": p.id} for p in result.published}
                ),
                "rows": sum(result.rows.values()),
                "project": server.project,
                "not_overwritten": dg.MetadataValue.json(result.stale),
            }
        )

    return [tableau_extract, tableau_published]


def _columns() -> dg.TableSchema:
    """The columns of all tables, as `table.column`."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                f"{content.table.name}.{column.name}",
                column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for content in CONTENTS
            for column in content.table.columns
        ]
    )


def _lineage() -> dg.TableColumnLineage:
    """The columns of the warehouse that they come from; the product's key from two."""
    return lineage(
        {
            f"{content.table.name}.{name}": [
                (content.origin.name, origin)
                for origin in ((name,) if name in content.origin.names else ("product_id", "product_category"))
            ]
            for content in CONTENTS
            for name in content.table.names
        }
    )
