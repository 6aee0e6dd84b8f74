"""The examination: every check in order, each within its time, and Spark beside the others because it takes longest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from retail_assets.doctor import configuration, connections, machine, places
from retail_assets.doctor.finding import Finding
from retail_assets.errors import RetailError
from retail_assets.settings import Settings
from retail_assets.spark import config
from retail_assets.storage import Store
from retail_assets.storage.deadline import begun

_STORES = ("raw", "lake", "models", "serving", "output")
_SECONDS = 30  # reading what is on this machine takes a moment, unless it hangs on a network disk

#: Called with the name of a check, and what it does, before it is waited for.
Waiting = Callable[[str, str], None]
#: Its name, what it does in words, the check, and the seconds that it may take.
_Check = tuple[str, str, Callable[[], Finding], int]


def examine(
    environ: Mapping[str, str] | None = None, *, start_spark: bool = True, waiting: Waiting | None = None
) -> Iterator[Finding]:
    """Yield the findings one by one, as the checks are done. A problem is a finding, never an exception.

    `environ` is the process environment by default. Without `start_spark` no session is started, which saves most of
    the time.
    """
    env = dict(os.environ if environ is None else environ)
    announce = waiting or (lambda *_: None)
    yield machine.python()
    yield _begun("packages", machine.packages)()
    settings, findings = configuration.settings_of(env)
    yield from findings
    home = settings.home if settings else Path(env.get("RETAIL_HOME") or ".retail").absolute()
    with _removing_new_folders([home / "java", *_folders(settings)]):
        if settings is not None and config.is_connect(settings.spark_master):
            yield Finding("java", True, "not needed: Spark runs behind Spark Connect")
        else:
            announce("java", "asking for its version")
            yield _begun("java", partial(machine.java_is_found, home, env), _SECONDS)()
        checks: list[_Check] = []
        if settings is not None:
            if not settings.redshift:
                import duckdb  # noqa: F401  # here, so that no two threads import it and Spark's packages at once
            for name in _STORES:
                probe = partial(places.store_works, name, getattr(settings, f"{name}_uri"))
                checks.append((f"storage: {name}", "listing and writing", probe, places.STORE_SECONDS))
            took = "opening it" if not settings.redshift else "logging in; a paused one takes minutes to wake"
            checks.append(("warehouse", took, partial(places.warehouse, settings), places.WAREHOUSE_SECONDS))
            checks.append(("partitions", "listing", partial(places.partitions, settings), places.STORE_SECONDS))
            if settings.contract.pseudonymize is not None:
                probe = partial(places.pseudonyms, settings)
                checks.append(("pseudonyms", "reading the key", probe, places.STORE_SECONDS))
            checks += _connections(settings, env)
        checks.append(("disk", "asking for free space", partial(machine.disk, home), _SECONDS))
        checks.append(
            (
                "dagster",
                "reading dagster.yaml, logging in to its database",
                partial(configuration.dagster, env),
                _SECONDS,
            )
        )
        if settings is not None and start_spark:
            spark = "starting it and running a job, about 10 s"
            checks.append(("spark", spark, partial(machine.spark_runs, settings), machine.SPARK_SECONDS))
        begun_checks = [(name, text, _begun(name, check, seconds)) for name, text, check, seconds in reversed(checks)]
        for name, text, finding in reversed(begun_checks):
            announce(name, text)
            yield finding()


def run(environ: Mapping[str, str] | None = None, *, start_spark: bool = True) -> list[Finding]:
    """Return all findings of `examine`, in its order."""
    return list(examine(environ, start_spark=start_spark))


def _connections(settings: Settings, env: Mapping[str, str]) -> list[_Check]:
    """Return the checks of what is set: name, what it does, check, and its seconds."""
    checks: list[_Check] = []
    if at := settings.tableau:
        checks.append(("tableau", "logging in", partial(connections.tableau, at), int(3 * at.timeout) + 1))
    if lineage := settings.lineage:
        probe = partial(connections.lineage, settings, lineage)
        checks.append(("lineage", "looking whether somebody listens", probe, connections.ANSWER_SECONDS))
    if weather := settings.weather:
        probe = partial(connections.weather, settings, weather)
        checks.append(("weather", "asking for a forecast", probe, connections.ANSWER_SECONDS))
    if stream := settings.stream:
        probe = partial(connections.stream, settings, stream)
        checks.append(("stream", "logging in to the brokers", probe, connections.ANSWER_SECONDS))
    if alerts := settings.alerts:
        probe = partial(connections.alerts, alerts)
        checks.append(("alerts", "looking whether somebody listens", probe, 2 * connections.ANSWER_SECONDS))
    if settings.automation:
        checks.append(("automation", "reading", partial(connections.automation, settings, env), _SECONDS))
    return checks


def _begun(name: str, check: Callable[[], Finding], seconds: float = _SECONDS) -> Callable[[], Finding]:
    """Begin a check, and return what waits for its finding; an error in the check is itself a finding."""
    result = begun(check)

    def wait() -> Finding:
        try:
            return result(seconds)
        except RetailError as e:
            return Finding(name, False, str(e))
        except TimeoutError as e:
            return Finding(name, False, str(e), "Check the network, the address and the credentials.")
        except Exception as e:
            detail = f"unexpected {type(e).__name__}: {e}"
            return Finding(name, False, detail, "Please report this with the line above.")

    return wait


def _folders(settings: Settings | None) -> list[Path]:
    """The folders of local stores, which the checks of a new home create."""
    uris = [getattr(settings, f"{name}_uri") for name in _STORES] if settings else []
    return [Path(uri) for uri in uris if Store(uri).is_local]


@contextlib.contextmanager
def _removing_new_folders(folders: list[Path]) -> Iterator[None]:
    """Remove the folders and their parents after the block if the block created them and they are empty."""
    new = {path for folder in folders for path in (folder, *folder.parents) if not path.exists()}
    try:
        yield
    finally:
        for path in sorted(new, key=lambda path: -len(path.parts)):
            with contextlib.suppress(OSError):
                path.rmdir()
