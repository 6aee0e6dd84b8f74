"""A server on the loopback that speaks the calls of Tableau's REST API that publishing needs, and keeps what it gets.

Written after the API's reference, not after Tableau: it knows sites, personal access tokens with one session each,
nested projects, data sources with owners' rights, uploads in chunks, and downloads, packed or not. Faults are planted.
"""

from __future__ import annotations

import contextlib
import email.parser
import email.policy
import io
import re
import threading
import urllib.parse
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import quoteattr

TOKEN_NAME, TOKEN = "publisher", "s3cr3t-t0k3n-9f"
_NS = "http://tableau.com/api"


@dataclass
class DataSource:
    """A published data source."""

    id: str
    name: str
    project: str
    description: str
    content: bytes
    revision: int = 1


@dataclass
class Fault:
    """How the server fails a request, once: before it does anything, or after (`late`). Status 0 drops the line."""

    method: str
    path: str
    status: int
    code: str = ""
    body: str | None = None
    late: bool = False


@dataclass
class Tableau:
    """The server's state, which tests read and change."""

    url: str = ""
    site: str = ""
    token: str = TOKEN
    projects: dict[str, tuple[str, str | None]] = field(default_factory=lambda: {"p1": ("Retail", None)})
    data_sources: dict[str, DataSource] = field(default_factory=dict)
    uploads: dict[str, list[bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    packed: bool = False
    session: str | None = None
    sessions: int = 0

    def by_name(self) -> dict[str, DataSource]:
        return {d.name: d for d in self.data_sources.values()}

    def fails(self, method: str, path: str, status: int, code: str = "", **how: object) -> None:
        """Plant a fault: the next request of this method whose path matches."""
        self.faults.append(Fault(method, path, status, code, **how))  # type: ignore[arg-type]


@contextlib.contextmanager
def tableau_server() -> Iterator[Tableau]:
    """Run a server until the block ends."""
    state = Tableau()

    class Handler(_Handler):
        tableau = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _RefusedError(Exception):
    def __init__(self, code: str, summary: str, detail: str = "") -> None:
        self.code, self.summary, self.detail = code, summary, detail


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tableau: Tableau

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        address = urllib.parse.urlsplit(self.path)
        path = re.sub(r"^/api/[\d.]+", "", address.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        self.tableau.requests.append((self.command, path))
        fault = next((f for f in self.tableau.faults if f.method == self.command and re.search(f.path, path)), None)
        if fault:
            self.tableau.faults.remove(fault)
            if fault.late:
                with contextlib.suppress(_RefusedError):
                    self._done(path, query, body)
            self._fail(fault)
            return
        try:
            status, content, headers = self._done(path, query, body)
        except _RefusedError as refused:
            self._send(int(refused.code[:3]), _error(refused.code, refused.summary, refused.detail), {})
        else:
            self._send(status, content, headers)

    def _fail(self, fault: Fault) -> None:
        if not fault.status:
            self.close_connection = True
            self.connection.close()
            return
        content = _error(fault.code, "Planted", "by a test") if fault.body is None else fault.body.encode()
        self._send(fault.status, content, {})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/xml", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _done(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes, dict[str, str]]:
        state = self.tableau
        if path.lower() == "/serverinfo":
            info = '<productVersion build="1">2026.3</productVersion><restApiVersion>3.27</restApiVersion>'
            return 200, _response(f"<serverInfo>{info}</serverInfo>"), {}
        if path == "/auth/signin":
            return 200, self._sign_in(body), {}
        if state.session is None or self.headers.get("x-tableau-auth") != state.session:
            raise _RefusedError("401002", "Invalid authentication credentials", "Your session has ended.")
        if path == "/auth/signout":
            state.session = None
            return 204, b"", {}
        path = path.removeprefix("/sites/site")
        if path == "/projects":
            return 200, _page("projects", [_project(i, *p) for i, p in state.projects.items()]), {}
        if path == "/fileUploads":
            upload = f"u{len(state.uploads)}"
            state.uploads[upload] = []
            return 201, _response(f'<fileUpload uploadSessionId="{upload}" fileSize="0"/>'), {}
        if path.startswith("/fileUploads/"):
            upload = path.rpartition("/")[2]
            state.uploads[upload].append(_parts(self.headers["content-type"], body)["tableau_file"])
            return 200, _response(f'<fileUpload uploadSessionId="{upload}" fileSize="1"/>'), {}
        if path == "/datasources" and self.command == "GET":
            wanted = query.get("filter", "").removeprefix("name:eq:")
            found = [d for d in state.data_sources.values() if d.name.casefold() == wanted.casefold()]
            return 200, _page("datasources", [_data_source(d) for d in found]), {}
        if path == "/datasources":
            return 201, _response(_data_source(self._publish(query, body))), {}
        if content := re.match(r"/datasources/(\w+)/content\Z", path):
            return self._download(state.data_sources[content[1]])
        raise _RefusedError("404002", "Resource Not Found", path)

    def _sign_in(self, body: bytes) -> bytes:
        state = self.tableau
        credentials = ET.fromstring(body).find("credentials")
        assert credentials is not None
        site = credentials.find("site")
        given = (credentials.get("personalAccessTokenName"), credentials.get("personalAccessTokenSecret"))
        if given != (TOKEN_NAME, state.token) or site is None or site.get("contentUrl") != state.site:
            # The real one does not repeat the secret; a proxy in front of it might.
            detail = f"The personal access token you provided is invalid. [{given[1]}]"
            raise _RefusedError("401001", "Signin Error", detail)
        state.sessions += 1
        state.session = f"session-{state.sessions}"  # a token has one session: the one before ends
        place = f'<site id="site" contentUrl="{state.site}"/><user id="u"/>'
        return _response(f'<credentials token="{state.session}">{place}</credentials>')

    def _publish(self, query: dict[str, str], body: bytes) -> DataSource:
        state = self.tableau
        parts = _parts(self.headers["content-type"], body)
        item = ET.fromstring(parts["request_payload"]).find("datasource")
        assert item is not None
        project = item.find("project")
        name, description = item.attrib["name"], item.get("description", "")
        if project is None or project.get("id") not in state.projects:
            raise _RefusedError("404005", "Resource Not Found", "Project could not be found.")
        content = (
            b"".join(state.uploads[query["uploadSessionId"]])
            if "uploadSessionId" in query
            else parts["tableau_datasource"]
        )
        assert query["datasourceType"] == "hyper"
        same = [d for d in state.data_sources.values() if d.name.casefold() == name.casefold()]
        if same and query.get("overwrite") != "true":
            raise _RefusedError("409006", "Resource Conflict", f"There is a data source named {name}.")
        if same:
            [existing] = same
            existing.content, existing.description = content, description
            existing.revision += 1
            return existing
        made = DataSource(f"d{len(state.data_sources) + 1}", name, str(project.get("id")), description, content)
        state.data_sources[made.id] = made
        return made

    def _download(self, source: DataSource) -> tuple[int, bytes, dict[str, str]]:
        name, content = f"{source.name}.hyper", source.content
        if self.tableau.packed:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as packed:
                packed.writestr(f"{source.name}.tds", "<datasource/>")
                packed.writestr("Data/Extracts/retail.hyper", content)
            name, content = f"{source.name}.tdsx", buffer.getvalue()
        return (
            200,
            content,
            {
                "content-type": "application/octet-stream",
                "content-disposition": f'name="tableau_datasource"; filename="{name}"',
            },
        )


def _parts(content_type: str, body: bytes) -> dict[str, bytes]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found = {}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        found[str(part.get_param("name", header="content-disposition"))] = (
            content if isinstance(content, bytes) else b""
        )
    return found


def _response(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><tsResponse xmlns="{_NS}">{inner}</tsResponse>'.encode()


def _error(code: str, summary: str, detail: str) -> bytes:
    return _response(f'<error code="{code}"><summary>{summary}</summary><detail>{detail}</detail></error>')


def _page(name: str, items: list[str]) -> bytes:
    return _response(
        f'<pagination pageNumber="1" pageSize="100" totalAvailable="{len(items)}"/><{name}>{"".join(items)}</{name}>'
    )


def _project(id_: str, name: str, parent: str | None) -> str:
    of = f' parentProjectId="{parent}"' if parent else ""
    return f"<project id={quoteattr(id_)} name={quoteattr(name)}{of}/>"


def _data_source(d: DataSource) -> str:
    return (
        f"<datasource id={quoteattr(d.id)} name={quoteattr(d.name)} description={quoteattr(d.description)} "
        f'contentUrl="x" type="hyper" createdAt="2026-01-01T00:00:00Z" updatedAt="2026-11-28T00:00:00Z" '
        f'webpageUrl="https://tableau.example.com/#/datasources/{d.id}">'
        f'<project id={quoteattr(d.project)} name="Retail"/><owner id="u"/></datasource>'
    )
