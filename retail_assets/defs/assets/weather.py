"""The asset of weather forecasts, where RETAIL_WEATHER_LATITUDE is set. A service that fails fails nothing here."""

import dagster as dg

from retail_assets.defs.data_versions import hash_of_table, materialized
from retail_assets.defs.failures import failing_clearly
from retail_assets.defs.metadata import SCIENCE, preview, warehouse_table
from retail_assets.defs.pools import WAREHOUSE
from retail_assets.platform import Platform
from retail_assets.tables import WEATHER
from retail_assets.warehouse import marts

#: What is usual, so that the archive is asked once.
USUAL = "forecast/weather_usual.json"


def weather_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """Define `weather`; nothing where it is off."""
    settings = platform.settings
    if settings.weather is None:
        return []
    where, warehouse = settings.weather, platform.warehouse

    @dg.asset(
        pool=WAREHOUSE,
        deps=["daily_category_sales"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="forecast",
        kinds={settings.warehouse, "table"},
        owners=SCIENCE,
        tags={"layer": "model", "source": platform.source},
        code_version="1",
        description="Weather forecasts of the shop's place by Open-Meteo, each with the day on which it was issued.",
        metadata=warehouse_table(warehouse, WEATHER),
    )
    def weather(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from retail_assets.weather.issued import update
        from retail_assets.weather.open_meteo import OpenMeteo

        with failing_clearly(platform):
            [span] = warehouse.query(marts.SALES_SPAN).to_pylist()
            known = warehouse.query(f"SELECT {WEATHER.column_list} FROM weather") if warehouse.exists(WEATHER) else None
            found = update(
                known,
                platform.output.read_if_exists(USUAL),
                OpenMeteo(where, settings.contract.timezone),
                where,
                first_day=span["first_day"] or settings.today(),
                last_day=span["last_day"] or settings.today(),
                today=settings.today(),
            )
            rows = warehouse.replace(WEATHER, found.rows)
            if found.usual is not None:
                platform.output.write(USUAL, found.usual.text().encode())
        if found.problem:
            context.log.warning("%s. The forecast goes on with the weather that is known.", found.problem)
        facts = {"dagster/row_count": rows, "rows_inserted_in_run": found.added, "preview": preview(found.rows)}
        problem = {"problem": found.problem} if found.problem else {}
        return materialized(hash_of_table(warehouse, WEATHER), {**facts, **problem})

    return [weather]
