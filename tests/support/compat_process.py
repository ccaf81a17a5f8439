"""Run by an interpreter that has the peers (see test_compat_beside.py): events through theirs and through ours, as JSON.

Reads {"events": {name: event}, "apps": [...]}; prints {app: {event name: {"theirs": answer or error, "ours": ...}}}.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import apig_wsgi  # noqa: E402
import mangum  # noqa: E402

from lambent.runtime import compat  # noqa: E402


def asgi(status: int, headers: list[tuple[bytes, bytes]], *body: bytes) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for part in body:
            await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    return app


def wsgi(status: str, headers: list[tuple[str, str]], *body: bytes) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return list(body)

    return app


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """What the app is told."""
    assert scope["type"] == "http"
    message = await receive()
    told = {key: scope[key] for key in ("method", "path", "root_path", "scheme", "http_version", "client", "server")}
    told |= {"query": scope["query_string"].decode(), "body": base64.b64encode(message["body"]).decode()}
    told["headers"] = sorted((name.decode(), value.decode()) for name, value in scope["headers"])
    fields = [(b"content-type", b"text/plain"), (b"x-told", json.dumps(told).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b"told"})


def wsgi_echo(environ: Any, start_response: Any) -> Any:
    """The same of WSGI."""
    told = {key: value for key, value in environ.items() if isinstance(value, str)}
    told["body"] = base64.b64encode(environ["wsgi.input"].read()).decode()
    told["full_event"] = environ["apig_wsgi.full_event"] is environ.get("aws.event", environ["apig_wsgi.full_event"])
    told["context"] = environ["apig_wsgi.context"]
    told["request_context"] = environ.get("apig_wsgi.request_context")
    told["multi"] = environ["apig_wsgi.multi_value_headers"]
    start_response("200 OK", [("Content-Type", "text/plain"), ("x-told", json.dumps(told))])
    return [b"told"]


PNG, GZIP = b"\x89PNG\r\n\xff", b"\x1f\x8b\x08\xff"
COOKIES = [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2"), (b"set-cookie", b"c=3")]
ASGI: dict[str, Any] = {
    "echo": echo,
    "text": asgi(200, [(b"content-type", b"text/html; charset=utf-8"), (b"x-a", b"1")], b"<p>", "ü".encode()),
    "json": asgi(201, [(b"content-type", b"application/json")], b'{"a": 1}'),
    "binary": asgi(200, [(b"content-type", b"image/png")], PNG),
    "no type": asgi(200, [], b"plain"),
    "no type, binary": asgi(200, [], PNG),
    "gzip": asgi(200, [(b"content-type", b"text/plain"), (b"content-encoding", b"gzip")], GZIP),
    "cookies": asgi(200, [(b"content-type", b"text/plain"), *COOKIES], b"x"),
    "repeated": asgi(200, [(b"content-type", b"text/plain"), (b"link", b"</a>"), (b"link", b"</b>")], b"x"),
    "empty": asgi(200, [(b"content-type", b"text/plain"), (b"content-length", b"0")]),
    "no content": asgi(204, []),
    "not modified": asgi(304, [(b"etag", b'"x"')]),
    "redirect": asgi(307, [(b"location", b"/there"), (b"content-length", b"0")]),
    "problem": asgi(400, [(b"content-type", b"application/problem+json")], b"{}"),
    "svg": asgi(200, [(b"content-type", b"image/svg+xml")], b"<svg/>"),
    "latin-1 header": asgi(200, [(b"content-type", b"text/plain"), (b"x-name", b"f\xfcr")], b"x"),
    "latin-1 text": asgi(200, [(b"content-type", b"text/plain; charset=iso-8859-1")], b"f\xfcr"),
    "excluded": asgi(200, [(b"content-type", b"text/plain"), (b"x-secret", b"1")], b"x"),
}


async def silent(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise LookupError("no such page")


ASGI |= {"silent": silent, "raising": raising}
WSGI: dict[str, Any] = {
    "echo": wsgi_echo,
    "text": wsgi("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("X-A", "1")], b"<p>", "ü".encode()),
    "json": wsgi("201 Created", [("Content-Type", "application/json")], b'{"a": 1}'),
    "binary": wsgi("200 OK", [("Content-Type", "image/png")], PNG),
    "no type": wsgi("200 OK", [], b"plain"),
    "gzip": wsgi("200 OK", [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], GZIP),
    "cookies": wsgi("200 OK", [("Content-Type", "text/plain"), *((n.decode(), v.decode()) for n, v in COOKIES)], b"x"),
    "repeated": wsgi("200 OK", [("Content-Type", "text/plain"), ("Link", "</a>"), ("Link", "</b>")], b"x"),
    "empty": wsgi("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")]),
    "no content": wsgi("204 No Content", []),
    "redirect": wsgi("302 Found", [("Location", "/there"), ("Content-Length", "0")]),
    "problem": wsgi("400 Bad Request", [("Content-Type", "application/problem+json")], b"{}"),
    "svg": wsgi("200 OK", [("Content-Type", "image/svg+xml")], b"<svg/>"),
    "latin-1 text": wsgi("200 OK", [("Content-Type", "text/plain; charset=iso-8859-1")], b"f\xfcr"),
}


def wsgi_raising(environ: Any, start_response: Any) -> Any:
    raise LookupError("no such page")


def wsgi_late(environ: Any, start_response: Any) -> Any:
    """Changes its mind, as PEP 3333 lets it."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        raise LookupError("oh")
    except LookupError:
        start_response("500 Oh", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"oh"]


WSGI |= {"raising": wsgi_raising, "late": wsgi_late}


def answers(handler: Callable[[Any, Any], Any], event: Any) -> Any:
    try:
        return handler(event, "context")
    except Exception as error:
        return f"raises {type(error).__name__}"


def compared(apps: dict[str, Any], theirs: Any, ours: Any, events: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name, app in apps.items():
        one, two = theirs(app), ours(app)
        results[name] = {key: {"theirs": answers(one, event), "ours": answers(two, event)} for key, event in events.items()}
    return results


def main() -> None:
    events = json.load(sys.stdin)
    arguments: dict[str, Any] = {"exclude_headers": ["X-Secret"], "lifespan": "off"}
    print(
        json.dumps(
            {
                "mangum": compared(
                    ASGI, lambda app: mangum.Mangum(app, **arguments), lambda app: compat.Mangum(app, **arguments), events
                ),
                "apig-wsgi": compared(WSGI, apig_wsgi.make_lambda_handler, compat.make_lambda_handler, events),
                "apig-wsgi, binary": compared(
                    WSGI,
                    lambda app: apig_wsgi.make_lambda_handler(app, binary_support=True),
                    lambda app: compat.make_lambda_handler(app, binary_support=True),
                    events,
                ),
            }
        )
    )


main()
