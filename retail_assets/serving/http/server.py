"""Runs the application in uvicorn: one process, or several that share the port, until a signal stops it."""

from __future__ import annotations

import dataclasses
import signal
import tempfile
from functools import partial
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from retail_assets.errors import SettingsError
from retail_assets.serving.http.app import create_app
from retail_assets.serving.http.logs import LOG_CONFIG
from retail_assets.serving.http.options import ServerOptions

_BACKLOG = 1024
_MOST_CONNECTIONS = 1000
"""Of one worker; further ones get 503 at once, so that memory stays bounded."""
_KEEP_ALIVE_SECONDS = 30


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM or SIGINT; requests that have begun are answered first.

    Raises SettingsError if it would be unsafe, or the port is taken.
    """
    options.refuse_what_is_unsafe()
    with tempfile.TemporaryDirectory(prefix="retail-serving-") as folder:
        options = dataclasses.replace(options, metrics_folder=folder)
        config = uvicorn.Config(
            partial(create_app, options),
            factory=True,
            host=options.host.strip("[]"),
            port=options.port,
            workers=options.workers,
            ws="none",
            log_config=LOG_CONFIG,
            access_log=False,
            server_header=False,
            proxy_headers=options.behind_proxy,
            forwarded_allow_ips="127.0.0.1,::1",
            backlog=_BACKLOG,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=options.stop_seconds,
        )
        # uvicorn raises the signal once more when all is done; the end is an ordinary one.
        signal.signal(signal.SIGTERM, _end)
        try:
            socket = config.bind_socket()
        except SystemExit:
            raise SettingsError(
                f"Cannot listen on {options.host}:{options.port}. Is something else there? Give another --port."
            ) from None
        try:
            if options.workers > 1:
                Multiprocess(config, sockets=[socket]).run()
            else:
                uvicorn.Server(config).run(sockets=[socket])
        except KeyboardInterrupt:
            pass
        finally:
            socket.close()


def _end(number: int, frame: FrameType | None) -> None:
    return None
