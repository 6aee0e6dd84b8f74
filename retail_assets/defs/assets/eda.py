"""Assets of the exploratory analysis: figures, summary, tables and insights, from one reading of the warehouse."""

import functools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from retail_assets.defs.assets import report_lineage
from retail_assets.defs.assets.eda_tables import TABLES, publish_table
from retail_assets.defs.assets.outputs import files_of, publish_figures, static, thumbnails
from retail_assets.defs.data_versions import hash_of, hash_of_files, hash_of_table, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import ANALYTICS, csv_rows, money, numbers, preview
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.lake.currency import refuse_currency_of
from retail_assets.platform import Platform
from retail_assets.tables import DAILY_QUALITY, INSIGHTS, SUMMARY_STATISTICS

if TYPE_CHECKING:
    from retail_assets.eda.data import EdaData

GROUP = "eda"
CHANGES = "changes.json"
_STATISTICS_SHOWN = 10
_QUALITY_LINEAGE = {
    "landed_on": [("sales", "landed_on"), ("sales_quarantine", "landed_on")],
    "quarantined": [("sales_quarantine", "source_line")],
    "quarantined_amount": [("sales_quarantine", "total_amount")],
    "top_reason": [("sales_quarantine", "reasons")],
    "top_reason_rows": [("sales_quarantine", "reasons")],
}
_DESCRIBED = [("sales", name) for name in ("quantity", "unit_price", "total_amount")]
_STATISTICS_LINEAGE = {
    "product_category": [("sales", "product_category")],
    "value_count": [("sales", "transaction_id"), ("sales", "order_id")],
    **dict.fromkeys(("mean", "std", "minimum", "p25", "median", "p75", "maximum"), _DESCRIBED),
}
#: The hash of what was published, and metadata.
_Published = tuple[str, dict[str, Any]]


def eda_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Build `eda_figures`, `eda_summary`, `summary_statistics`, `insights`, `daily_quality`, those of `eda_tables`."""

    def spec(key: str, kind: str, place: str | None, description: str, **metadata: Any) -> dg.AssetSpec:
        return dg.AssetSpec(
            key,
            deps=["sales", "daily_category_sales"],
            group_name=GROUP,
            kinds={"python", kind},
            owners=ANALYTICS,
            tags={"layer": "eda", "source": platform.source},
            code_version="1",
            description=description,
            metadata=metadata if place is None else {**metadata, "dagster/uri": platform.output.uri_of(place)},
        )

    @dg.multi_asset(
        pool=WAREHOUSE,
        name="eda",
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            spec(
                "eda_figures",
                "matplotlib",
                "figures",
                "PNG figures of the sales; the title of each states what the data show.",
            ),
            spec(
                "eda_summary",
                "json",
                "summary.json",
                "Rows and money by what became of them, revenue, dates, customers, orders: `summary.json`.",
            ),
            spec(
                "summary_statistics",
                "csv",
                "statistics.csv",
                "Distribution of quantity, unit price and amount per order line, and of the amount per order: overall "
                "and by category, as `statistics.csv` and as the table `summary_statistics`.",
                **static(platform, SUMMARY_STATISTICS, _STATISTICS_LINEAGE),
            ),
            spec(
                "insights",
                "markdown",
                "insights.md",
                "Sentences computed from the sales on trends, products and customers, each with its test, and how far "
                "to trust them, as `insights.md`, as `insights.json` and as the table `insights`; `changes.json` says "
                "what has changed since the last run.",
                **static(platform, INSIGHTS, report_lineage.INSIGHTS),
            ),
            *(
                spec(name, "table", None, description, **static(platform, table, columns))
                for name, (table, description, columns) in TABLES.items()
            ),
        ],
    )
    def eda(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from retail_assets.eda.data import load
        from retail_assets.eda.landed import read_landed

        with failing_clearly(platform):
            landings = platform.lake.clean_landings()
            refuse_currency_of(landings[-1:], platform.settings.contract)
            data = load(platform.warehouse.query, read_landed(platform.lake, landings))
        with failing_clearly(retrying=False):  # some results are there already
            for key, publish in _PUBLISHED.items():
                if dg.AssetKey(key) in context.selected_asset_keys:
                    content, metadata = publish(platform, data)
                    yield materialized(content, metadata, key)
                    context.log.info("%s: written to %s", key, platform.output.uri)

    @dg.asset(
        pool=WAREHOUSE,
        deps=["sales", "sales_quarantine"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=GROUP,
        kinds={platform.settings.warehouse, "table"},
        owners=ANALYTICS,
        tags={"layer": "eda", "source": platform.source},
        code_version="1",
        description="Rows and money of each landing day by what became of them, and the most frequent reason for "
        "rejecting a row.",
        metadata=static(platform, DAILY_QUALITY, _QUALITY_LINEAGE),
    )
    def daily_quality() -> dg.MaterializeResult:
        from retail_assets.eda import daily_quality as quality

        with failing_clearly(platform):
            rows = quality.daily_quality(platform.lake.clean_landings())
            count = platform.warehouse.replace(DAILY_QUALITY, rows)
            content = hash_of_table(platform.warehouse, DAILY_QUALITY)
        return materialized(content, {"preview": preview(rows), "dagster/row_count": count})

    return [eda, daily_quality]


def _figures(platform: Platform, data: "EdaData") -> _Published:
    from retail_assets.eda.figures.render import render_all

    contract = platform.settings.contract
    drawn = render_all(data, currency=contract.currency, country=contract.country)
    removed = publish_figures(platform, drawn)
    metadata = {
        "figures": len(drawn),
        "left_out": dg.MetadataValue.json(drawn.left_out),
        "removed": len(removed),
        "files": files_of(platform, [f"figures/{name}" for name in drawn]),
        **{f"figure_{name}": thumbnail for name, thumbnail in thumbnails(drawn).items()},
    }
    return hash_of_files(drawn), metadata


def _summary(platform: Platform, data: "EdaData") -> _Published:
    from retail_assets.eda.summary import build_summary, count_rows

    rows = count_rows(data.landed, data.overview.lines)
    summary = build_summary(data, rows, platform.settings.contract.unconfirmed)
    content = json.dumps(summary, indent=2).encode() + b"\n"
    platform.output.write("summary.json", content)
    facts = {
        "summary": dg.MetadataValue.json(summary),
        "revenue": money(Decimal(summary["revenue"]["total"])),
        **{f"rows_{name}": count for name, count in numbers(summary["rows"]).items()},
    }
    return hash_of([content]), facts


def _statistics(platform: Platform, data: "EdaData") -> _Published:
    from retail_assets.eda.statistics import statistics_csv, statistics_rows, statistics_table

    rows = statistics_rows(data)
    content = statistics_csv(rows)
    count = platform.warehouse.replace(SUMMARY_STATISTICS, statistics_table(rows))
    platform.output.write("statistics.csv", content.encode())
    metadata = {"preview": preview(csv_rows(content), _STATISTICS_SHOWN), "dagster/row_count": count}
    return hash_of([content]), metadata


def _insights(platform: Platform, data: "EdaData") -> _Published:
    from retail_assets.eda.insights import changes, measures
    from retail_assets.eda.insights.page import write_insights
    from retail_assets.wording.statement import recorded

    contract = platform.settings.contract
    with recorded() as statements:
        page = write_insights(data, currency=contract.currency, country=contract.country, assumed=contract.unconfirmed)
    made = measures.rows(statements, contract.currency)
    count = platform.warehouse.replace(INSIGHTS, measures.as_table(made, data.overview.last_date))
    platform.output.write("insights.json", measures.as_json(made))
    platform.output.write("insights.md", page.encode())
    # Last: a run that fails before is not one to compare with. Not part of the version: it is not what the sales show.
    run = changes.record(data, statements, platform.source)
    content, said = changes.since(platform.output.read_if_exists(CHANGES), run, contract.currency)
    platform.output.write(CHANGES, content)
    return hash_of([page]), {
        "page": dg.MetadataValue.md(page),
        "since_the_last_run": dg.MetadataValue.md("\n".join(f"- {statement}" for statement in said)),
        "dagster/row_count": count,
    }


_PUBLISHED: dict[str, Callable[[Platform, "EdaData"], _Published]] = {
    "eda_figures": _figures,
    "eda_summary": _summary,
    "summary_statistics": _statistics,
    "insights": _insights,
    **{name: functools.partial(publish_table, name=name) for name in TABLES},
}
