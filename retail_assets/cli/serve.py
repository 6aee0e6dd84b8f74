"""`retail-assets serve`: predictions over HTTP; `retail-assets keys`: who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retail_assets.cli.command_line import App, examples
from retail_assets.cli.options import whole

#: In RETAIL_HOME.
_KEY_FILE = "serving_keys"

keys = App(
    help="API keys of `retail-assets serve`: made, listed and removed while it runs.",
    examples=("keys add shop-frontend", "keys list", "keys remove shop-frontend"),
)
KeyFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Instead of serving_keys in RETAIL_HOME.")]


@examples(
    "serve                                 # http://127.0.0.1:8000",
    "serve --port 8080 --workers 2",
    "serve --host 0.0.0.0 --keys keys.txt   # for other machines",
)
def serve(
    bundle: Annotated[
        str | None, typer.Option(metavar="URI", help="Folder of a source's bundles, instead of that of the settings.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(parser=whole(0, 65535), metavar="N", help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(parser=whole(1, 64), metavar="N", help="Processes that answer.")] = 1,
    keys_file: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="API keys that count; by default those of `keys add`, if any."),
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Let everybody ask who reaches the address.")
    ] = False,
    rate: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Requests per second and client; 0: no limit.")
    ] = 300,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name that the server answers to.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A web site whose scripts may ask (CORS).")
    ] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Believe a proxy on this machine who the client is.")
    ] = False,
    access_log: Annotated[bool, typer.Option(help="Log each request, as a line of JSON.")] = True,
) -> None:
    """Answer questions over HTTP, as JSON and as web pages, from the newest bundle. Ctrl-C stops it."""
    from retail_assets.errors import SettingsError
    from retail_assets.settings import load_serving_uri

    try:
        from retail_assets.serving.http.options import ServerOptions
        from retail_assets.serving.http.server import serve as run
    except ModuleNotFoundError as e:
        if (e.name or "").partition(".")[0] not in ("fastapi", "starlette", "uvicorn"):
            raise
        raise SettingsError(
            f"`serve` needs {e.name}, which is not installed. Run: pip install 'retail-assets[serve]'"
        ) from None

    if keys_file is None and not without_keys and _usual_file().exists():
        keys_file = _usual_file()
    options = ServerOptions(
        uri=bundle or load_serving_uri(),
        host=host,
        port=port,
        workers=workers,
        keys=None if keys_file is None else str(keys_file),
        without_keys=without_keys,
        rate=rate,
        allowed_hosts=tuple(allow_host or ()),
        allowed_origins=tuple(allow_origin or ()),
        behind_proxy=behind_proxy,
        access_log=access_log,
    )
    run(options)


@keys.command("add")
@examples("keys add shop-frontend")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it; the log shows it.")],
    file: KeyFile = None,
) -> None:
    """Make an API key and print it. It is kept as a hash alone: this is the only time that it is shown."""
    from retail_assets.serving.http.keys import add_key

    place = file or _usual_file()
    typer.echo(add_key(place, name))
    typer.echo(f"Added to {place}. A server that uses this file takes it from now on.", err=True)


@keys.command("list")
@examples("keys list")
def list_keys(file: KeyFile = None) -> None:
    """List the names of the API keys."""
    from retail_assets.serving.http.keys import read_keys

    for name in sorted(read_keys(file or _usual_file()).values()):
        typer.echo(name)


@keys.command("remove")
@examples("keys remove shop-frontend")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As it was added.")],
    file: KeyFile = None,
) -> None:
    """Remove the API keys of a name; a running server refuses them within a second."""
    from retail_assets.errors import SettingsError
    from retail_assets.serving.http.keys import remove_keys

    place = file or _usual_file()
    number = remove_keys(place, name)
    if not number:
        raise SettingsError(f"There is no key named {name!r} in {place}. `retail-assets keys list` has the names.")
    typer.echo(f"Removed {number} {'key' if number == 1 else 'keys'} of {name} from {place}.")


def _usual_file() -> Path:
    from retail_assets.cli.options import settings_for

    return settings_for().home / _KEY_FILE
