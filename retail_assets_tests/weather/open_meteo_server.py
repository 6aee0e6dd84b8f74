"""An Open-Meteo on a real socket: its paths, parameters, answers and refusals as its documentation states them.

Its weather is made up: each day has one that comes true, and forecasts of it, worse the earlier they are issued.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_HOURLY = re.compile(r"(temperature_2m|precipitation)(?:_previous_day([1-7]))?\Z")
_DAILY = ("temperature_2m_mean", "precipitation_sum")


def _noise(*parts: object) -> float:
    """A number from -1 to 1, the same each time."""
    return zlib.crc32("|".join(map(str, parts)).encode()) / 2**31 - 1


def usual_temperature(day: dt.date) -> float:
    return 12.0 - 10.0 * math.cos(2 * math.pi * day.timetuple().tm_yday / 365.25)


def temperature(day: dt.date, lead: int = 0) -> float:
    """What came true, or what was forecast so many days before."""
    return usual_temperature(day) + 6.0 * _noise(day) + 0.5 * lead * _noise(day, lead)


def precipitation(day: dt.date, lead: int = 0) -> float:
    return max(0.0, 5.0 * _noise("rain", day) + 0.3 * lead * _noise("rain", day, lead))


@dataclass
class OpenMeteoServer:
    """`today` is the last day with a forecast of its own. `status`: what it answers; None: it never answers."""

    today: dt.date
    status: int | None = 200
    broken: bytes | None = None
    oldest: dt.date = dt.date(2024, 1, 1)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    failures: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        for name in ("latitude", "longitude", "start_date", "end_date"):
            if name not in query:
                return _refused(f"Parameter '{name}' is missing.")
        if not -90 <= float(query["latitude"]) <= 90:
            return _refused("Latitude must be in range of -90 to 90°.")
        first, last = (dt.date.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        common = {
            "latitude": 39.1,
            "longitude": -84.5,
            "generationtime_ms": 0.1,
            "timezone": query.get("timezone", "GMT"),
        }
        if path == "/v1/archive":
            return self._archive(query, days, common)
        if path != "/v1/forecast":
            return 404, {"error": True, "reason": "Not Found"}
        if last > self.today + dt.timedelta(days=16):
            return _refused("Parameter 'end_date' is out of allowed range.")
        names = query.get("hourly", "").split(",")
        if any(_HOURLY.match(name) is None for name in names):
            return _refused(f"Data corrupted at path ''. Cannot initialize from invalid String value {names}.")
        hours = [f"{day}T{hour:02}:00" for day in days for hour in range(24)]
        values = {name: [self._value(name, day) for day in days for _ in range(24)] for name in names}
        return 200, {**common, "hourly": {"time": hours, **values}}

    def _archive(
        self, query: dict[str, str], days: list[dt.date], common: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        names = query.get("daily", "").split(",")
        if any(name not in _DAILY for name in names):
            return _refused("Cannot initialize VariableOrDerivedDaily.")
        measured = {
            "temperature_2m_mean": [round(temperature(day), 2) for day in days],
            "precipitation_sum": [round(precipitation(day), 2) for day in days],
        }
        return 200, {**common, "daily": {"time": [str(day) for day in days], **{n: measured[n] for n in names}}}

    def _value(self, name: str, day: dt.date) -> float | None:
        kind, lead = _HOURLY.match(name).groups()
        ahead = int(lead) if lead else max((day - self.today).days, 0)
        issued = day - dt.timedelta(days=ahead)
        if issued > self.today or (lead and issued < self.oldest):
            return None
        of_day = temperature(day, ahead) if kind == "temperature_2m" else precipitation(day, ahead) / 24
        return round(of_day, 4)


def _refused(reason: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": True, "reason": reason}


@contextmanager
def open_meteo_server(today: dt.date) -> Iterator[OpenMeteoServer]:
    outer = OpenMeteoServer(today)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            outer.asked.append((parts.path, query))
            if outer.status is None:
                outer.released.wait(60)
                return
            status, content = outer.answer(parts.path, query)
            if outer.failures or outer.status != 200:
                outer.failures = max(outer.failures - 1, 0)
                status = 503 if outer.status == 200 else outer.status
                content = {"error": True, "reason": f"No. Your key {query.get('apikey')} is at its limit."}
            body = json.dumps(content).encode() if outer.broken is None else outer.broken
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    outer.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield outer
    finally:
        outer.released.set()
        server.shutdown()
        server.server_close()
