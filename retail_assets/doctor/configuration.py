"""Checks of what people configure: settings, contract, and Dagster's home."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from retail_assets import settings as settings_module
from retail_assets.contracts import yaml_text
from retail_assets.doctor.dagster_records import records_answer
from retail_assets.doctor.finding import Finding
from retail_assets.errors import ContractError, RetailError
from retail_assets.settings import Settings

#: Settings of one beginning need each other.
_GROUPS = ("RETAIL_ALERT_", "RETAIL_EMR_", "RETAIL_LINEAGE_", "RETAIL_STREAM_", "RETAIL_TABLEAU_", "RETAIL_WEATHER_")


def settings_of(env: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings, without the wrong ones if there are any, and a finding for each wrong one."""
    try:
        settings = settings_module.load(env)
    except RetailError as e:
        error = e
    else:
        set_by_user = sum(1 for name in settings_module.VARIABLES if env.get(name, "").strip())
        return settings, [
            Finding(
                "settings", True, f"{set_by_user} of {len(settings_module.VARIABLES)} set, the rest at their defaults"
            ),
            Finding(
                "contract",
                True,
                f"{settings.contract.name} ({settings.contract.timezone}, {settings.contract.currency})",
            ),
        ]
    findings = []
    remaining = dict(env)
    for name in sorted(n for n in env if n.startswith("RETAIL_")):
        try:
            settings_module.load(_with_related(name, env))
        except RetailError as e:
            finding = Finding("contract" if isinstance(e, ContractError) else "settings", False, str(e))
            if finding not in findings:  # settings that belong together are wrong together
                findings.append(finding)
            del remaining[name]
    try:
        settings = settings_module.load(remaining)
    except RetailError as e:  # each value is right by itself, but not the combination
        return None, [*findings, Finding("settings", False, str(e if findings else error))]
    ignored = ", ".join(sorted(set(env) - set(remaining)))
    findings.append(Finding("settings", True, f"the other checks ignore {ignored}"))
    return settings, findings


def _with_related(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """A variable and those it depends on: Redshift needs its own and a lake on S3, Tableau a server and a token."""
    if group := next((group for group in _GROUPS if name.startswith(group)), None):
        return {n: v for n, v in env.items() if n.startswith(group)}
    if name != "RETAIL_WAREHOUSE" or env[name].strip() != "redshift":
        return {name: env[name]}
    return {n: v for n, v in env.items() if n in (name, "RETAIL_LAKE_URI") or n.startswith("REDSHIFT_")}


def dagster(env: Mapping[str, str]) -> Finding:
    """Look for Dagster's home, its `dagster.yaml`, and the database of the records, if it is PostgreSQL."""
    text = env.get("DAGSTER_HOME", "").strip()
    if not text:
        return Finding(
            "dagster",
            True,
            "DAGSTER_HOME is not set: runs are forgotten when they end; the tables stay. To keep runs, set it to a "
            "folder with a copy of dagster.yaml, as the Makefile does",
        )
    home = Path(text)
    fix = f"Create the folder and copy dagster.yaml into it: mkdir -p {text} && cp dagster.yaml {text}/"
    if not home.is_absolute():
        return Finding(
            "dagster", False, f"DAGSTER_HOME={text} is not an absolute path", "Dagster requires an absolute path."
        )
    if not home.is_dir():
        return Finding("dagster", False, f"DAGSTER_HOME={text} is not a folder", fix)
    if not os.access(home, os.W_OK):
        return Finding("dagster", False, f"DAGSTER_HOME={text} cannot be written", "Check its owner and permissions.")
    dagster_yaml = home / "dagster.yaml"
    try:
        text = yaml_text.read_text(dagster_yaml)
        yaml_text.refuse_beyond_bounds(text)
        content = yaml.safe_load(text)
    except FileNotFoundError:
        return Finding("dagster", False, f"{dagster_yaml} is not there", fix)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as e:
        return Finding(
            "dagster",
            False,
            f"{dagster_yaml} cannot be read: {' '.join(str(e).split())[:300]}",
            "Correct it, or copy it again from the project.",
        )
    if content is not None and not isinstance(content, dict):
        return Finding(
            "dagster", False, f"{dagster_yaml} is not a mapping", "Correct it, or copy it again from the project."
        )
    records = records_answer(content or {}, env)
    if records is not None and not records.ok:
        return records
    return Finding("dagster", True, f"{home}, with dagster.yaml" + (f"; {records.detail}" if records else ""))
