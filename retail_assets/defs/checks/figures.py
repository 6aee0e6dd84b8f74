"""The one warning about figures: that no font has the characters of some names."""

import dagster as dg

from retail_assets.defs.checks.results import check_result
from retail_assets.defs.failures import failing_clearly
from retail_assets.platform import Platform


def figure_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `names_can_be_drawn`. It warns: the tables and texts next to the figures have the names."""

    @dg.asset_check(
        asset="eda_figures", description="A font on this machine has every character of the names in the figures."
    )
    def names_can_be_drawn() -> dg.AssetCheckResult:
        from retail_assets.plotting.fonts import missing_scripts

        with failing_clearly(platform):
            rows = platform.warehouse.query("SELECT DISTINCT product_category AS name FROM daily_category_sales")
            names = sorted(str(row["name"]) for row in rows.to_pylist())
            scripts = missing_scripts(names)
            boxes = [name for name in names if scripts and missing_scripts([name])]
        return check_result(
            passed=not scripts,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"No font here has all characters of {', '.join(scripts)}, so {len(boxes)} of {len(names)} "
            f"categories have boxes in the figures, such as {boxes[0]}. Install a font that has them (on Debian: "
            "apt-get install fonts-noto-core fonts-noto-cjk), or set RETAIL_FONT to the file of one. Materialize "
            "eda_figures again."
            if scripts
            else None,
            metadata={"categories": len(names), "with_boxes": len(boxes)},
        )

    return [names_can_be_drawn]
