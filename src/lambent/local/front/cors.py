"""CORS of a URL that has a `Cors` configuration. Pure. Without one, OPTIONS reaches the function like any method.

The preflight's exact form is not documented; what a browser needs is here. On other answers AWS adds its headers beside the
function's own, duplicates included (aws-powertools/powertools-lambda-python#4163).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.local.front.interface import Headers, Reply, Request


def is_preflight(request: Request) -> bool:
    return (
        request.method == "OPTIONS" and bool(request.header("origin")) and bool(request.header("access-control-request-method"))
    )


def preflight(cors: Mapping[str, Any], request: Request) -> Reply:
    """Lambda's own answer: 200 and no body; without permission simply without the headers."""
    method = request.header("access-control-request-method") or ""
    methods = cors.get("AllowMethods") or []
    headers = _origin(cors, request)
    if not headers or not ("*" in methods or method in methods):
        return Reply(200, (), b"")
    headers += (("access-control-allow-methods", ",".join(methods)),)
    if cors.get("AllowHeaders"):
        headers += (("access-control-allow-headers", ",".join(cors["AllowHeaders"])),)
    if cors.get("MaxAge"):
        headers += (("access-control-max-age", str(cors["MaxAge"])),)
    return Reply(200, headers, b"")


def ordinary(cors: Mapping[str, Any], request: Request) -> Headers:
    """What is added to the function's own answer."""
    headers = _origin(cors, request)
    if headers and cors.get("ExposeHeaders"):
        headers += (("access-control-expose-headers", ",".join(cors["ExposeHeaders"])),)
    return headers


def _origin(cors: Mapping[str, Any], request: Request) -> Headers:
    origin = request.header("origin")
    if not origin or not any(_same(pattern, origin) for pattern in cors.get("AllowOrigins") or []):
        return ()
    credentials = bool(cors.get("AllowCredentials"))
    anyone = "*" in cors["AllowOrigins"] and not credentials
    headers: Headers = (("access-control-allow-origin", "*" if anyone else origin),)
    if not anyone:
        headers += (("vary", "Origin"),)
    if credentials:
        headers += (("access-control-allow-credentials", "true"),)
    return headers


def _same(pattern: str, origin: str) -> bool:
    if pattern == "*" or pattern.lower() == origin.lower():
        return True
    scheme, star, rest = pattern.partition("*")  # "https://*" and "https://*.example.com" are taken by AWS
    return bool(star) and origin.startswith(scheme) and origin.endswith(rest) and len(origin) > len(scheme) + len(rest)
