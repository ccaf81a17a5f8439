"""Pages, a static file, a form and a stream, with Starlette."""

from collections.abc import AsyncIterator
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent

PAGE = """<!doctype html>
<title>Starlette</title>
<link rel="stylesheet" href="/static/style.css">
<h1>Hello, {name}</h1>
<form method="post" action="/upper"><input name="text" value="moo"><button>louder</button></form>
"""


async def home(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE.format(name=escape(request.query_params.get("name", "Starlette"))))


async def upper(request: Request) -> JSONResponse:
    async with request.form() as form:
        return JSONResponse({"loud": str(form.get("text", "")).upper()})


async def count(request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(1, request.path_params["upto"] + 1):
            yield f"{number}\n"

    return StreamingResponse(lines(), media_type="text/plain")


app = Starlette(
    routes=[
        Route("/", home),
        Route("/upper", upper, methods=["POST"]),
        Route("/count/{upto:int}", count),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
)
