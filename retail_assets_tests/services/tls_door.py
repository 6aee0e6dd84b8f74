"""TLS in front of a server that has none: connections of clients are decrypted and passed on."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def tls_door(context: ssl.SSLContext, port: int, target: int) -> Iterator[None]:
    """Listen with TLS on a port of the loopback and pass on to another, until the block ends."""
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=_accept, args=(listener, context, target), daemon=True).start()
    try:
        yield
    finally:
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext, target: int) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_serve, args=(plain, context, target), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, target: int) -> None:
    # Reading and writing of one TLS connection may not overlap, so one thread does both by turns.
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(plain, server_side=True) as client,
        socket.create_connection(("127.0.0.1", target)) as server,
    ):
        client.settimeout(0.005)
        server.settimeout(0.005)
        while _passed_on(client, server) and _passed_on(server, client):
            pass


def _passed_on(source: socket.socket, sink: socket.socket) -> bool:
    """Pass on what there is; return False once the source has ended."""
    try:
        data = source.recv(1 << 16)
    except TimeoutError:
        return True
    sink.settimeout(10)
    sink.sendall(data)
    sink.settimeout(0.005)
    return bool(data)
