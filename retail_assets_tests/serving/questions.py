"""The ten questions of every door, and requests that only web doors can be asked: good, wrong and hostile."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from retail_assets.serving import Predictor, answers
from retail_assets.serving.errors import BadRequestError
from retail_assets.serving.requests import MOST_BODY_BYTES, Api, Response, decoded_path, refused

JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Request:
    """A request as it is on the wire: the path with percent signs, the query as sent, header names in lower case."""

    path: str
    query: str = ""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def expected(self, api: Api) -> Response:
        """What the shared requests answer."""
        try:
            path = decoded_path(self.path.encode("latin-1"))
        except BadRequestError as e:
            return refused(e)
        return api.respond(self.method, path, self.query, self.headers, self.body)


@dataclass(frozen=True)
class Question:
    """A question of every door: as a request, as arguments of `retail-assets predict`, and to the predictor."""

    request: Request
    arguments: tuple[str, ...]
    stdin: str
    ask: Callable[[Predictor], answers.Answer]


def ten(predictor: Predictor) -> Iterator[Question]:
    """Yield the ten questions, about names that the bundle has."""
    names = [each.name for each in predictor.categories() if each.has_forecast and each.name != "TOTAL"]
    customers = [each.customer_id for each in predictor.customers("", 40)]
    personas = [each.persona for each in predictor.personas()]
    first = predictor.forecast().days[0].day

    def forecast(name: str, start: str | None, days: int | None, coverage: float) -> Question:
        given = {"start": start, "days": days, "coverage": coverage}
        chosen = {key: value for key, value in given.items() if value is not None}
        options = [text for key, value in chosen.items() for text in (f"--{key}", str(value))]
        return Question(
            Request(f"/v1/forecasts/{urllib.parse.quote(name, safe='')}", urllib.parse.urlencode(chosen)),
            ("forecast", "--category", name, *options),
            "",
            lambda predictor: answers.forecast(predictor.forecast(name, start, days, coverage)),
        )

    def segment(customer: str) -> Question:
        return Question(
            Request(f"/v1/segments/{urllib.parse.quote(customer, safe='')}"),
            ("segment", "--customer", customer),
            "",
            lambda predictor: answers.segment(predictor.segment(customer)),
        )

    def score(purchases: list[dict[str, str]]) -> Question:
        lines = "".join(f"{each['customer_id']},{each['date']},{each['amount']}\n" for each in purchases)
        return Question(
            Request("/v1/score", "", "POST", JSON, json.dumps({"purchases": purchases}).encode()),
            ("score", "-"),
            "customer_id,date,amount\n" + lines,
            lambda predictor: answers.scores(predictor.score(purchases)),
        )

    def recommend(persona: str) -> Question:
        return Question(
            Request(f"/v1/recommendations/{urllib.parse.quote(persona, safe='')}"),
            ("recommend", "--persona", persona),
            "",
            lambda predictor: answers.recommendations(predictor.recommendations(persona)),
        )

    yield forecast("TOTAL", None, None, 0.8)
    yield forecast(names[0], None, 7, 0.95)
    yield forecast(names[-1].lower(), first.replace(day=first.day + 2).isoformat(), 3, 0.8)
    yield forecast(names[1], first.isoformat(), 1, 0.8)
    yield segment(customers[0])
    yield segment(customers[37])
    yield score([{"customer_id": "N1", "date": "2023-12-01", "amount": "12.50"}])
    yield score(
        [
            {"customer_id": f"N{number % 3}", "date": f"2023-{month:02d}-1{number}", "amount": f"{7 * month}.25"}
            for number in range(5)
            for month in range(1, 13)
        ]
    )
    yield recommend(personas[0])
    yield recommend(personas[-1])


def tricky(predictor: Predictor) -> Iterator[Request]:
    """Yield requests that a web framework in between could answer by itself, or change on the way."""
    name = urllib.parse.quote(predictor.categories()[1].name)
    etag = f'"{predictor.provenance().bundle}"'
    yield Request(f"/v1/forecasts/{name}", "days=2&days=3")
    yield Request(f"/v1/forecasts/{name}", "days=2&no=3")
    yield Request(f"/v1/forecasts/{name}", "days=%FF")
    yield Request(f"/v1/forecasts/{name}", "days=2", "HEAD")
    yield Request(f"/v1/forecasts/{name}", "", "GET", {"if-none-match": "*"})
    yield Request(f"/v1/forecasts/{name}", "", "GET", {"if-none-match": etag})
    yield Request(f"/v1/forecasts/{name}/")
    yield Request("/v1/forecasts/Foo%2FBar%20%26%20Caf%C3%A9")
    yield Request("/v1/forecasts//Foo//Bar")
    yield Request("/v1//forecasts")
    yield Request("/v1/forecasts/../provenance")
    yield Request("/v1/forecasts/a%0Ab%00c")
    yield Request("/v1/forecasts/100%2525")
    yield Request("/v1/forecasts/%FF")
    yield Request("/v1/forecasts/")
    yield Request("/v1")
    yield Request("/v1/")
    yield Request("/v1/nothing")
    yield Request("/v1/segments", "limit=3")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        yield Request("/v1/stock", "", method)
    yield Request("/v1/score")
    yield Request("/v1/score", "", "POST", {"content-type": "text/plain"}, b"{}")
    yield Request("/v1/score", "", "POST", {"content-type": "application/x-www-form-urlencoded"}, b"a=1")
    yield Request("/v1/score", "", "POST", JSON, b"")
    yield Request("/v1/score", "", "POST", JSON, b'{"purchases": [NaN]}')
    yield Request("/v1/score", "", "POST", JSON, b"\xff\xfe")
    yield Request("/v1/score", "", "POST", {**JSON, "content-encoding": "gzip"}, b"{}")
    yield Request("/v1/score", "", "POST", JSON, b" " * (MOST_BODY_BYTES + 1))
