"""The two calls of AWS for database credentials of an IAM identity that moto does not have, as a server of its own."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator

from retail_assets_tests.services.redshift.stack import TEMPORARY_PASSWORD

USER = "IAMR:retail-loader"
_EXPIRATION = "2099-01-01T00:00:00Z"


@contextlib.contextmanager
def serving(asked: list[str], *, denies: bool = False) -> Iterator[str]:
    """Serve GetCredentials (Serverless, JSON) and GetClusterCredentialsWithIAM (XML); yields the endpoint.

    What is asked for, the workgroup or the cluster, is appended to `asked`.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "")
            asked.append(f"{target or 'GetClusterCredentialsWithIAM'} {body}")
            if denies:
                message = "User: arn:aws:iam::123456789012:user/planted is not authorized to perform: GetCredentials"
                self._answer(400, json.dumps({"__type": "AccessDeniedException", "message": message}))
            elif target:
                answer = {"dbUser": USER, "dbPassword": TEMPORARY_PASSWORD, "expiration": 4070908800}
                self._answer(200, json.dumps(answer))
            else:
                self._answer(
                    200,
                    "<GetClusterCredentialsWithIAMResponse xmlns='http://redshift.amazonaws.com/doc/2012-12-01/'>"
                    f"<GetClusterCredentialsWithIAMResult><DbUser>{USER}</DbUser><DbPassword>{TEMPORARY_PASSWORD}"
                    f"</DbPassword><Expiration>{_EXPIRATION}</Expiration></GetClusterCredentialsWithIAMResult>"
                    "</GetClusterCredentialsWithIAMResponse>",
                )

        def _answer(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
