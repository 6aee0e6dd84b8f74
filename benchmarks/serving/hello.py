"""The smallest application of the server's framework, which its peak is compared with."""

from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/hello")
async def hello() -> Response:
    return Response(b'{"hello":"world"}', media_type="application/json")
