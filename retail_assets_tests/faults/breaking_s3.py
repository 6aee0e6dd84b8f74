"""An S3 whose listings break off: the second page is refused, fails, or ends in the middle of the answer."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

_PAGE = (
    '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
    "<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken><KeyCount>2</KeyCount>{keys}"
    "</ListBucketResult>"
)
_OBJECT = (
    "<Contents><Key>raw/shop/dt=2024-03-01/{name}.csv</Key><LastModified>2024-03-01T00:00:00.000Z</LastModified>"
    '<ETag>"0"</ETag><Size>10</Size></Contents>'
)
_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"


@contextlib.contextmanager
def breaking_s3(status: int, code: str) -> Iterator[str]:
    """Serve a bucket `b` whose second page of any listing fails with this status; yields the endpoint.

    With status 0 the server hangs up in the middle of the answer.
    """
    handler = type("Handler", (_BreakingS3,), {"broken": (status, code)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class _BreakingS3(http.server.BaseHTTPRequestHandler):
    broken = (403, "AccessDenied")

    def do_GET(self) -> None:
        if "continuation-token" not in self.path:
            self._answer(200, _PAGE.format(keys="".join(_OBJECT.format(name=n) for n in "ab")))
            return
        status, code = self.broken
        if status:
            self._answer(status, _ERROR.format(code=code))
        else:
            self.close_connection = True  # hangs up in the middle of the answer
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<?xml")

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass
