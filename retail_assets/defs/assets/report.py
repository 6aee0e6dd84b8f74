"""The assets for people without a warehouse: the report and the workbook, from what the other assets have made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets.eda_tables import TABLES
from retail_assets.defs.assets.last_evaluations import last_evaluations
from retail_assets.defs.assets.report_lineage import links, of_report, of_tables
from retail_assets.defs.data_versions import hash_of, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ANALYTICS
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.exports import DICTIONARY, DICTIONARY_JSON, REPORT, WORKBOOK
from retail_assets.exports.sheets import SHEETS
from retail_assets.lake.currency import refuse_other_currency
from retail_assets.platform import Platform

if TYPE_CHECKING:
    from retail_assets.exports.report.render import CheckResult

GROUP = "outputs"


def report_assets(platform: Platform, checks: Sequence[dg.AssetChecksDefinition]) -> list[dg.AssetsDefinition]:
    """Build `report`, which shows what `checks` found last, `workbook` and `data_dictionary`."""
    keys = [key for check in checks for key in check.check_keys]
    common: dict[str, Any] = {
        "group_name": GROUP,
        "owners": ANALYTICS,
        "tags": {"layer": "outputs", "source": platform.source},
        "code_version": "1",
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }

    @dg.asset(
        pool=WAREHOUSE,
        deps=["eda_summary", "eda_figures", "insights", "daily_quality", *TABLES, "sales_forecast", "segment_report"],
        kinds={"python", "html"},
        metadata={"dagster/uri": platform.output.uri_of(REPORT), "outputs": links(platform), **of_report()},
        **common,
        description="`report.html`: what happened, what will happen, who buys, what to do, and how far to trust it, on "
        "one page that needs no server and no network.",
    )
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.exports.report.render import Run
        from retail_assets.exports.report.write import write_report
        from retail_assets.plotting.left_out import read

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, platform.settings.contract)
            found = _found(context.instance, keys)
            settings = platform.settings
            link = f"{settings.dagster_url}/runs/{context.run.run_id}" if settings.dagster_url else None
            _, written = write_report(
                platform.warehouse,
                platform.output,
                platform.source,
                settings.contract.currency,
                checks=found,
                run=Run(context.run.run_id, link),
            )
        context.log.info("report: written to %s", platform.output.uri_of(REPORT))
        return dg.MaterializeResult(
            metadata={
                "bytes": len(written),
                "figures_left_out": dg.MetadataValue.json(read(platform.output)),
                "checks_failed": sum(not check.passed for check in found),
            }
        )

    @dg.asset(
        pool=WAREHOUSE,
        deps=[table.name for table, _ in SHEETS],
        kinds={"python", "excel"},
        metadata={"dagster/uri": platform.output.uri_of(WORKBOOK), **of_tables([table for table, _ in SHEETS])},
        **common,
        description="`retail.xlsx`: insights, daily sales, forecast, backtest, segments, cohorts and pairs as sheets "
        "of one Excel file, with a dictionary of their columns.",
    )
    def workbook(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.exports.workbook import write_workbook

        with failing_clearly(platform):
            refuse_other_currency(platform.lake, platform.settings.contract)
            content = write_workbook(platform.warehouse, platform.source, platform.settings.contract.currency)
            platform.output.write(WORKBOOK, content)
        context.log.info("workbook: written to %s", platform.output.uri_of(WORKBOOK))
        return dg.MaterializeResult(metadata={"bytes": len(content)})

    @dg.asset(
        pool=WAREHOUSE,
        deps=["sales"],
        kinds={"markdown", "json"},
        metadata={"dagster/uri": platform.output.uri_of(DICTIONARY)},
        **common,
        description="`data_dictionary.md` and `data_dictionary.json`: what every table, column and measure of the "
        "warehouse means, and how tables join.",
    )
    def data_dictionary(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.exports.dictionary import as_json, as_markdown

        with failing_clearly(platform):
            currency = platform.settings.contract.currency
            page, content = as_markdown(currency), as_json(currency)
            platform.output.write(DICTIONARY, page.encode())
            platform.output.write(DICTIONARY_JSON, content)
        context.log.info("data_dictionary: written to %s", platform.output.uri_of(DICTIONARY))
        return materialized(hash_of([content]), {"page": dg.MetadataValue.md(page)})

    return [report, workbook, data_dictionary]


def _found(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> "list[CheckResult]":
    from retail_assets.exports.report.render import CheckResult

    return [
        CheckResult(
            name=f"{key.name} ({key.asset_key.to_user_string()})",
            passed=evaluation.passed,
            severity=evaluation.severity.value,
            text=evaluation.description or "",
        )
        for key, evaluation in last_evaluations(instance, keys)
    ]
