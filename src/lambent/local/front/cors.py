"""CORS of a URL that has a `Cors` configuration. Pure. Without one, OPTIONS reaches the function like any other method.

AWS doesn't document the exact response to a preflight request; this one has what browsers need. To other responses AWS adds its
headers without removing the function's own, duplicates included (aws-powertools/powertools-lambda-python#4163).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.local.http import Headers, Request, Response


def is_preflight(request: Request) -> bool:
    return (
        request.method == "OPTIONS" and bool(request.header("origin")) and bool(request.header("access-control-request-method"))
    )


def preflight(cors: Mapping[str, Any], request: Request) -> Response:
    """Return Lambda's own response: 200 and no body. If the request isn't allowed, only the CORS headers are missing."""
    method = request.header("access-control-request-method") or ""
    methods = cors.get("AllowMethods") or []
    headers = _origin_headers(cors, request)
    if not headers or not ("*" in methods or method in methods):
        return Response(200, (), b"")
    headers += (("access-control-allow-methods", ",".join(methods)),)
    if cors.get("AllowHeaders"):
        headers += (("access-control-allow-headers", ",".join(cors["AllowHeaders"])),)
    if cors.get("MaxAge"):
        headers += (("access-control-max-age", str(cors["MaxAge"])),)
    return Response(200, headers, b"")


def added_headers(cors: Mapping[str, Any], request: Request) -> Headers:
    """Return the headers that Lambda adds to the function's response."""
    headers = _origin_headers(cors, request)
    if headers and cors.get("ExposeHeaders"):
        headers += (("access-control-expose-headers", ",".join(cors["ExposeHeaders"])),)
    return headers


def _origin_headers(cors: Mapping[str, Any], request: Request) -> Headers:
    origin = request.header("origin")
    if not origin or not any(_matches(pattern, origin) for pattern in cors.get("AllowOrigins") or []):
        return ()
    credentials = bool(cors.get("AllowCredentials"))
    any_origin = "*" in cors["AllowOrigins"] and not credentials
    headers: Headers = (("access-control-allow-origin", "*" if any_origin else origin),)
    if not any_origin:
        headers += (("vary", "Origin"),)
    if credentials:
        headers += (("access-control-allow-credentials", "true"),)
    return headers


def _matches(pattern: str, origin: str) -> bool:
    if pattern == "*" or pattern.lower() == origin.lower():
        return True
    prefix, star, suffix = pattern.partition("*")  # AWS accepts "https://*" and "https://*.example.com"
    return bool(star) and origin.startswith(prefix) and origin.endswith(suffix) and len(origin) > len(prefix) + len(suffix)
