"""One HTTP request and one HTTP response, as every part of the local Lambda sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]


class Request(Struct, frozen=True):
    """A complete HTTP request. Header names are in lower case, in order of arrival.

    `path` is still percent-encoded, and `query` has no "?". For a Function URL, header values are the client's bytes decoded as
    latin-1, so that the runtime can pass exactly these bytes to the app. `signed_path` is the path that the client signed, if
    it differs from `path`, which for a request to `/_url/<id>/...` is only what follows the id. `app_host` is the app's own
    host name and port, if the client used these in place of the Function URL's.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"
    signed_path: str = ""
    app_host: str = ""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Response(Struct, frozen=True):
    """An HTTP response. `stream`, if there is one, follows `body`: the chunks of a response that is still being produced.

    An `endless` stream is closed when the client disconnects; any other one is read to its end.
    """

    status: int
    headers: Headers
    body: bytes
    stream: AsyncGenerator[bytes, None] | None = None
    endless: bool = False


def json_response(status: int, content: dict[str, Any]) -> Response:
    return Response(status, (("content-type", "application/json"),), json.dumps(content).encode())


def credential_scope(request: Request) -> tuple[str, str]:
    """Return the (service, region) that a request was signed for, or ("", "")."""
    scope = _credential(request)
    return (scope[3].lower(), scope[2]) if len(scope) == 5 else ("", "")


def access_key(request: Request) -> tuple[str, str | None]:
    """Return the id of the access key that a request was signed with, or "", and the session token that came with it."""
    token = request.header("x-amz-security-token") or dict(parse_qsl(request.query)).get("X-Amz-Security-Token")
    return _credential(request)[0], token


def _credential(request: Request) -> list[str]:
    """Return the parts of the credential that a request names: the id of the access key, day, region, service, a constant."""
    credential = (request.header("authorization") or "").partition("Credential=")[2].partition(",")[0]
    return (credential or dict(parse_qsl(request.query)).get("X-Amz-Credential", "")).split("/")
