"""The service's one address: an ASGI application that hands each request to the part that answers it.

Host lambent-console.localhost                            the console           -> console
Host <id>.lambda-url.<region>.localhost, /_url/<id>/...   a Function URL        -> front
Host <function>.localhost                                 the app's URL         -> front
/_code/<sha256>.zip                                       a function's code     -> store
/_lambent/health, status, console, shutdown               the service itself
/_lambent/dev/...                                         `lambent dev`         -> dev_sessions
signed for `lambda`, or unsigned with one of its routes   the Lambda API        -> control
all else                                                  other AWS services    -> aws_services
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from lambent.limits import CREATE_REQUEST_MAX, PAYLOAD_MAX
from lambent.local import dev_sessions, host_check
from lambent.local.components import Components
from lambent.local.console import site
from lambent.local.control.service_model import find_operation
from lambent.local.daemon import REGION, SECRET_HEADER
from lambent.local.front.authorization import Caller
from lambent.local.http import Request, Response, credential_scope, json_response
from lambent.local.live_tail import is_live_tail, live_tail
from lambent.loopback import is_loopback
from lambent.units import size

log = logging.getLogger("lambent.service")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_SECRET_MISSING = (
    f"this path of lambent's local Lambda needs the header {SECRET_HEADER} with the secret in service.json, in its state folder"
)
_PAGE_REFUSED = "this page can't use the API of lambent's local Lambda: only pages of other servers on this machine can"
_S3_BODY_MAX = 1 << 30  # it is in memory until it is stored; larger objects are uploaded in parts
_BODILESS = (204, 304)
_WELCOME = b"""This is lambent's local Lambda. It serves the AWS API and Function URLs.

  lambent local status          shows what is deployed here (also at /_lambent/status)
  eval "$(lambent local env)"   points aws, boto3 and other tools here
  lambent deploy --local        deploys the app in the current folder here
"""


class Application:
    """An ASGI application that answers every request. A bug becomes a 500 and a traceback in the log."""

    def __init__(self, components: Components) -> None:
        self._components = components

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            response = await self._answer(scope, receive)
        except asyncio.CancelledError:
            raise
        except _Disconnected:
            return
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            response = json_response(500, {"message": "internal error in lambent's local Lambda; see its log"})
        await _send_while_connected(response, receive, send, scope["method"])

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        path = scope["raw_path"].decode("latin-1")
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        name = host_check.hostname(host)
        url_id = host_check.url_id(name)
        if url_id is not None:
            return await self._function_url(url_id, _url_request(scope, path), receive)
        if name == site.HOST:
            request = replace(_request(scope, path), body=await _read(receive, site.BODY_MAX))
            return await self._components.console.answer(request)
        app = host_check.split_app_host(name, REGION)
        response = await self._app(*app, replace(_url_request(scope, path), app_host=host), receive) if app else None
        if response is not None:
            return response
        if not is_loopback(name):
            return json_response(403, {"message": f"lambent's local Lambda only answers to loopback names, not to '{name}'"})
        url_path = host_check.split_url_path(path)
        if url_path is not None:
            url_id, path = url_path
            request = _url_request(scope, path)
            location = self._url_location(url_id, request)
            if location is not None:
                return Response(307, (("location", location),), b"")
            return await self._function_url(url_id, request, receive)
        return await self._api(scope, receive, path)

    async def _function_url(self, url_id: str, request: Request, receive: Receive) -> Response:
        return await self._components.function_urls.answer(url_id, replace(request, body=await _read(receive, PAYLOAD_MAX)))

    async def _app(self, function: str, region: str, request: Request, receive: Receive) -> Response | None:
        """Return the response of the app that the host name names. None: there is none, or the request is for an API's host."""
        if credential_scope(request)[0] not in ("", "lambda"):
            return None
        url = self._components.store.app_url(region, function)
        if url is not None:
            return await self._function_url(url.url_id, request, receive)
        session = self._components.dev.find(region, function)
        return self._components.dev.own_response(session, request, "") if session is not None else None

    def _url_location(self, url_id: str, request: Request) -> str | None:
        """Return where a browser should show a URL's page: under a host of its own, whose origin isn't that of the API."""
        url = self._components.store.url(url_id)
        if url is None or not host_check.is_navigation(request):
            return None
        host = f"{host_check.url_host(url_id, url.region)}:{self._components.port}"
        return f"http://{host}{request.path}" + (f"?{request.query}" if request.query else "")

    async def _api(self, scope: Scope, receive: Receive, path: str) -> Response:
        request = _request(scope, path)
        service, region = credential_scope(request)
        operation = find_operation(request) if service in ("", "lambda") else None
        is_s3 = operation is None and service in ("", "s3")
        if host_check.is_refused_page(request, self._components.port, is_s3 and host_check.is_s3_object(request)):
            return json_response(403, {"message": _PAGE_REFUSED})
        if _is_administrative(request) and not self._is_administrator(request):
            return json_response(403, {"message": _SECRET_MISSING})
        if request.method == "POST" and path.startswith(dev_sessions.PATH):  # another method would need no secret
            return await self._components.dev.answer(replace(request, body=await _read(receive, _S3_BODY_MAX)))
        response = self._service_path(request)
        if response is not None:
            return response
        if path == "/" and request.header("authorization") is None and "text/html" in (request.header("accept") or ""):
            return Response(200, (("content-type", "text/plain; charset=utf-8"),), _WELCOME)  # a browser, not an S3 client
        caller: Caller | None = None
        if self._components.enforce_iam:
            identity = await self._components.aws_services.identify(request, from_function=_is_from_function(scope))
            if isinstance(identity, Response):
                return identity
            caller = identity
        limit = _S3_BODY_MAX if is_s3 else CREATE_REQUEST_MAX
        request = replace(request, body=await _read(receive, limit))
        if service == "lambda" or operation is not None:
            return await self._components.api.answer(request, operation, region or REGION, caller)
        if len(request.body) > limit:
            return json_response(413, {"message": f"lambent's local Lambda takes requests of at most {size(limit)} here"})
        answer = await self._components.aws_services.answer(request, caller)
        if not is_live_tail(request):
            return answer
        return live_tail(request, answer, self._components.aws_services.log_sink, self._components.stopping)

    def _is_administrator(self, request: Request) -> bool:
        secret = request.header(SECRET_HEADER) or ""
        return hmac.compare_digest(secret.encode(), self._components.secret.encode())

    def _service_path(self, request: Request) -> Response | None:
        """Return the response to a path of the service itself, or None for other paths."""
        if request.path.startswith("/_code/"):
            archive = self._components.store.code.zip(request.path.removeprefix("/_code/").removesuffix(".zip"))
            if archive is None:
                return json_response(404, {"message": "no function or layer has this code"})
            return Response(200, (("content-type", "application/zip"),), archive.read_bytes())
        if not request.path.startswith("/_lambent/"):
            return None
        match (request.method, request.path.removeprefix("/_lambent/")):
            case ("GET", "health"):
                return json_response(200, self._components.health())
            case ("GET", "status"):
                return json_response(200, self._components.status())
            case ("POST", "console"):
                return json_response(200, {"url": self._components.console.address()})
            case ("POST", "shutdown"):
                self._components.stopping.set()
                return json_response(202, {"message": "stopping"})
        return json_response(404, {"message": "/_lambent/ only has GET health, GET status, POST console and POST shutdown"})


def _is_administrative(request: Request) -> bool:
    """Whether a request stops the service, or resets or changes all of moto. Functions reach this address too."""
    path = unquote(request.path)
    return path.startswith("/moto-api") or (request.method == "POST" and path.startswith("/_lambent/"))


def _is_from_function(scope: Scope) -> bool:
    """Whether it came through a listener in a function's own network (see `service.py`)."""
    return bool((scope.get("state") or {}).get("from_function"))


class _Disconnected(Exception):
    """The client disconnected before its request was complete."""


def _request(scope: Scope, path: str) -> Request:
    """Return a request without its body."""
    headers = tuple((name.decode("latin-1"), _decode(value)) for name, value in scope["headers"])
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, b"")


def _url_request(scope: Scope, path: str) -> Request:
    """Return a request to a Function URL, without its body. `path` is its path at the URL."""
    return Request(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=b"",
        source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
        protocol=f"HTTP/{scope['http_version']}",
        signed_path=scope["raw_path"].decode("latin-1"),
    )


async def _read(receive: Receive, limit: int) -> bytes:
    """Return the body. A longer one is cut off one byte after the limit, so that the caller notices the excess."""
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        chunk = message.get("body", b"")
        if chunk:
            chunks.append(chunk)
            length += len(chunk)
        if length > limit:
            return b"".join(chunks)[: limit + 1]
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send_while_connected(response: Response, receive: Receive, send: Send, method: str) -> None:
    """Send a response. An endless one ends when the client has disconnected."""
    if not response.endless:
        await _send(response, send, method)
        return
    sending = asyncio.ensure_future(_send(response, send, method))
    disconnected = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((sending, disconnected), return_when=asyncio.FIRST_COMPLETED)
    finally:
        disconnected.cancel()
        if not sending.done():
            sending.cancel()
    await sending


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: Response, send: Send, method: str) -> None:
    headers = [(name.encode("latin-1"), _encode(value)) for name, value in response.headers]
    if response.stream is not None:
        await _send_stream(response, headers, send, silent=method == "HEAD" or response.status in _BODILESS)
        return
    if response.status not in _BODILESS and not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_stream(response: Response, headers: list[tuple[bytes, bytes]], send: Send, *, silent: bool) -> None:
    """Send the chunks as they come. If the client has disconnected, the server discards them, as AWS does."""
    assert response.stream is not None
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.body and not silent:
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
    async with contextlib.aclosing(response.stream) as stream:
        with contextlib.suppress(asyncio.CancelledError):  # still running seconds after a stop: the response ends here
            async for chunk in stream:
                if not silent:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _encode(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")
