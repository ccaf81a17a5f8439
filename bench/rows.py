"""The table: what is measured, and the bar for it."""

from __future__ import annotations

from typing import Any

from . import measure
from .model import Row, Side


def event(path: str = "/") -> dict[str, Any]:
    """Return what a Function URL sends for a GET from a browser: payload 2.0, 19 headers, 2 cookies, a query."""
    identity = "abcdefghijklmnopqrstuvwxyz012345"
    domain = f"{identity}.lambda-url.eu-west-1.on.aws"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "page=2&order=newest&q=caf%C3%A9",
        "cookies": ["session=4c2a6f0d8be94e1f", "theme=dark"],
        "headers": _headers(domain),
        "queryStringParameters": {"page": "2", "order": "newest", "q": "café"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": identity,
            "domainName": domain,
            "domainPrefix": identity,
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            },
            "requestId": "d16a6b55-3d35-4b1c-9a6e-6f0a2d1c9e11",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:06 +0000",
            "timeEpoch": 1783711146671,
        },
        "isBase64Encoded": False,
    }


def _headers(domain: str) -> dict[str, str]:
    return {
        "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "accept-encoding": "gzip, deflate, br, zstd",
        "accept-language": "en-GB,en;q=0.8,de;q=0.5",
        "cache-control": "no-cache",
        "cookie": "session=4c2a6f0d8be94e1f; theme=dark",
        "dnt": "1",
        "host": domain,
        "pragma": "no-cache",
        "priority": "u=0, i",
        "sec-fetch-dest": "document",
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": "none",
        "upgrade-insecure-requests": "1",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": "Root=1-6a5145aa-290a323a5de9a2e0636377d4",
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }


def _adapted(module: str, adapter: str) -> Side:
    """Return an app under AWS's client behind an adapter, as in the adapter's documentation."""
    factory = {"mangum": "Mangum", "apig_wsgi": "make_lambda_handler"}[adapter]
    text = f"from {adapter} import {factory}\nfrom {module} import app\nhandler = {factory}(app)\n"
    return Side("awslambdaric", "adapted.handler", files={"adapted.py": text})


def _ours(module: str, **environment: str) -> Side:
    return Side("lambent", f"{module}.app", environment)


_STREAM = {"LAMBENT_RESPONSE": "stream"}
_ASGI = _adapted("plain_asgi", "mangum")
_WSGI = _adapted("plain_wsgi", "apig_wsgi")
_BARE = (Side("lambent", "bare.handler", {"LAMBENT_INTERFACE": "handler"}), Side("awslambdaric", "bare.handler"))
_BLOB = _adapted("blob", "mangum")

ROWS = (
    Row("asgi", "GET, plain ASGI app, against awslambdaric + Mangum", 0.15, _ours("plain_asgi"), _ASGI, event(), measure.cpu),
    Row(
        "starlette",
        "GET, Starlette, against awslambdaric + Mangum",
        0.20,
        _ours("starlette_app"),
        _adapted("starlette_app", "mangum"),
        event(),
        measure.cpu,
    ),
    Row(
        "fastapi",
        "GET, FastAPI `async def`, against awslambdaric + Mangum",
        0.40,
        _ours("fastapi_app"),
        _adapted("fastapi_app", "mangum"),
        event(),
        measure.cpu,
    ),
    Row(
        "fastapi-def",
        "GET, FastAPI `def` (on a thread), against awslambdaric + Mangum",
        0.40,
        _ours("fastapi_app"),
        _adapted("fastapi_app", "mangum"),
        event("/thread"),
        measure.wall,
        "us wall",
    ),
    Row(
        "flask",
        "GET, Flask, against awslambdaric + apig-wsgi",
        0.35,
        _ours("flask_app"),
        _adapted("flask_app", "apig_wsgi"),
        event(),
        measure.cpu,
    ),
    Row(
        "wsgi", "GET, plain WSGI app, against awslambdaric + apig-wsgi", 0.20, _ours("plain_wsgi"), _WSGI, event(), measure.cpu
    ),
    Row("bare", "bare handler, no-op, the loop alone, against awslambdaric", 0.30, *_BARE, {}, measure.cpu),
    Row(
        "blob",
        "1 MiB binary response, buffered, against awslambdaric + Mangum",
        0.25,
        _ours("blob"),
        _BLOB,
        event(),
        measure.cpu,
    ),
    Row(
        "blob-streamed",
        "1 MiB binary response, streamed, against awslambdaric + Mangum",
        0.05,
        _ours("blob", **_STREAM),
        _BLOB,
        event(),
        measure.cpu,
    ),
    Row(
        "start",
        "process start to end of the first no-op call, against awslambdaric with bytecode",
        0.30,
        *_BARE,
        {},
        measure.first_call,
        "ms CPU",
    ),
    Row(
        "memory-asgi",
        "100 MB streamed by an ASGI app: peak memory above idle, MB",
        16,
        _ours("flow_asgi", **_STREAM),
        None,
        event(),
        measure.memory,
        "MB",
    ),
    Row(
        "memory-wsgi",
        "100 MB streamed by a WSGI app: peak memory above idle, MB",
        16,
        _ours("flow_wsgi", **_STREAM),
        None,
        event(),
        measure.memory,
        "MB",
    ),
    Row(
        "start-asgi",
        "process start to end of the first GET, plain ASGI app, against awslambdaric + Mangum with bytecode",
        None,
        _ours("plain_asgi"),
        _ASGI,
        event(),
        measure.first_call,
        "ms CPU",
    ),
    Row(
        "start-wsgi",
        "process start to end of the first GET, plain WSGI app, against awslambdaric + apig-wsgi with bytecode",
        None,
        _ours("plain_wsgi"),
        _WSGI,
        event(),
        measure.first_call,
        "ms CPU",
    ),
)
