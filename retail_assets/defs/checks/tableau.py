"""The check of what is published on a Tableau server: it has the rows and the last day of the warehouse."""

import dagster as dg

from retail_assets.defs.checks.results import result
from retail_assets.defs.failures import failing_clearly
from retail_assets.errors import PublishingError
from retail_assets.platform import Platform


def tableau_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """Build `published_is_up_to_date`, if the settings say where to publish."""
    server = platform.settings.tableau
    if server is None:
        return []

    @dg.asset_check(
        asset="tableau_published",
        description="Each data source, downloaded again, has the rows and the last day that the warehouse has.",
    )
    def published_is_up_to_date() -> dg.AssetCheckResult:
        from retail_assets.exports.tableau.published import look

        with failing_clearly(platform):
            try:
                seen = look(platform.warehouse, server, platform.source, platform.settings.tableau_lines)
            except PublishingError as e:  # what is published may still be right
                return result(
                    passed=False,
                    problem=f"What is published could not be looked at: {e}",
                    todo="Then run this check again.",
                    severity=dg.AssetCheckSeverity.WARN,
                )
        problems = [each.problem for each in seen if each.problem]
        return result(
            passed=not problems,
            problem=f"{'; '.join(problems)}.",
            todo="Materialize tableau_extract and tableau_published again; what the extract leaves out, delete on the "
            "server.",
            rows={each.name: each.rows for each in seen},
            last_day={each.name: each.day for each in seen},
        )

    return [published_is_up_to_date]
