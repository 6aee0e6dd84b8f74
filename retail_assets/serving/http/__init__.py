"""The predictions over HTTP: FastAPI and uvicorn around `requests`, which has the answers. Needs the extra [serve]."""
