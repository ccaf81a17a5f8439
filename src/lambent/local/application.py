"""The service's one address: which part a request is for. A lean ASGI application.

Host <id>.lambda-url.<region>.localhost, /_url/<id>/...   a Function URL        -> front
/_code/<sha256>.zip                                       a function's code     -> store
/_lambent/health, status, shutdown                        the service itself
signed for `lambda`, or unsigned with a path of its API   the Lambda API        -> control
all else                                                  other AWS services    -> neighbours
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from lambent.limits import PAYLOAD_MAX
from lambent.local import host_check
from lambent.local.control import interface as api
from lambent.local.front.interface import Reply, Request
from lambent.local.persistence import Call, scope
from lambent.local.wsgi import Answer

log = logging.getLogger("lambent.service")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_DEFAULT_REGION = "us-east-1"
_BODILESS = (204, 304)
_WELCOME = b"""This is the local Lambda of lambent: AWS's API is here, and Function URLs.

  lambent local status          what it holds (also at /_lambent/status)
  eval "$(lambent local env)"   points aws, boto3 and other tools at it
  lambent deploy --local        puts this folder's app on it
"""


class FrontDoor(Protocol):
    async def answer(self, url_id: str, request: Request) -> Reply: ...


class OtherServices(Protocol):
    async def answer(self, call: Call) -> Answer: ...


class LambdaApi(Protocol):
    async def __call__(self, request: api.Request) -> api.Response: ...


class CodeStore(Protocol):
    def code_zip(self, sha: str) -> Path | None: ...


class Parts(Protocol):
    """What the application hands requests to. `account` is the one everything belongs to."""

    account: str

    @property
    def front(self) -> FrontDoor: ...
    @property
    def neighbours(self) -> OtherServices: ...
    @property
    def control(self) -> LambdaApi: ...
    @property
    def store(self) -> CodeStore: ...

    def is_lambda(self, method: str, path: str) -> bool: ...
    def status(self) -> dict[str, Any]: ...
    def health(self) -> dict[str, Any]: ...
    def shutdown(self) -> None: ...
    async def flush_logs(self) -> None: ...


class Application:
    """ASGI. Answers every request; a bug is a 500 and a traceback in the log."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except asyncio.CancelledError:
            raise
        except _Gone:
            return
        except Exception:
            log.exception("answering %s %s failed", scope["method"], scope["path"])
            reply = _say(500, {"message": "lambent local: internal error; see the service's log"})
        await _send(reply, send, scope["method"])

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        headers = tuple((name.decode("latin-1"), _text(value)) for name, value in scope["headers"])
        path = scope["raw_path"].decode("latin-1")
        name = host_check.hostname(next((value for key, value in headers if key == "host"), ""))
        url_id = host_check.url_id(name)
        if url_id is None and not host_check.is_loopback(name):
            return _say(403, {"message": f"lambent local answers to loopback names only, not to '{name}'"})
        inner = host_check.url_path(path)
        if url_id is None and inner is None:
            return await self._api(scope, receive, headers, path)
        if url_id is None and inner is not None:
            url_id, behind = inner
        else:
            behind = path
        body = await _read(receive, PAYLOAD_MAX)
        request = Request(
            method=scope["method"],
            raw_path=behind,
            query=scope["query_string"].decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
            body=body,
            source_ip=scope["client"][0] if scope.get("client") else "127.0.0.1",
            wire_path=path,
            protocol=f"HTTP/{scope['http_version']}",
        )
        return await self._parts.front.answer(url_id or "", request)

    async def _api(self, asgi: Scope, receive: Receive, headers: tuple[tuple[str, str], ...], path: str) -> Reply:
        known = dict(headers)
        if host_check.from_elsewhere(known):
            return _say(403, {"message": "lambent local's API is closed to pages of other sites"})
        query = asgi["query_string"].decode("latin-1")
        own = self._own(asgi["method"], path)
        if own is not None:
            return own
        if path == "/" and "authorization" not in known and "text/html" in known.get("accept", ""):
            return Reply(200, (("content-type", "text/plain; charset=utf-8"),), _WELCOME)  # a browser, not an S3 client
        call = Call(asgi["method"], path, query, headers, await _read(receive, None))
        service, region = scope(call)
        if service == "lambda" or (not service and self._parts.is_lambda(call.method, path)):
            return await self._lambda(call, known, region or _DEFAULT_REGION)
        if service == "logs":
            await self._parts.flush_logs()  # who reads logs finds all of an answer's lines, not those of a moment ago
        answer = await self._parts.neighbours.answer(call)
        return Reply(answer.status, answer.headers, answer.body)

    async def _lambda(self, call: Call, headers: dict[str, str], region: str) -> Reply:
        request = api.Request(call.method, call.path, call.query, headers, call.body, region, self._parts.account)
        response = await self._parts.control(request)
        return Reply(response.status, response.headers, response.body, response.rest)

    def _own(self, method: str, path: str) -> Reply | None:
        """The service's own paths."""
        if path.startswith("/_code/"):
            archive = self._parts.store.code_zip(path.removeprefix("/_code/").removesuffix(".zip"))
            if archive is None:
                return _say(404, {"message": "no such code"})
            return Reply(200, (("content-type", "application/zip"),), archive.read_bytes())
        if not path.startswith("/_lambent/"):
            return None
        match (method, path.removeprefix("/_lambent/")):
            case ("GET", "health"):
                return _say(200, self._parts.health())
            case ("GET", "status"):
                return _say(200, self._parts.status())
            case ("POST", "shutdown"):
                self._parts.shutdown()
                return _say(202, {"message": "stopping"})
        return _say(404, {"message": "lambent local has health, status and (POST) shutdown here"})


class _Gone(Exception):
    """The client hung up before its request was complete."""


async def _read(receive: Receive, limit: int | None) -> bytes:
    """The whole body; what goes beyond the limit is cut off one byte after it, so that its excess shows."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk = message.get("body", b"")
        if chunk:
            chunks.append(chunk)
            size += len(chunk)
        if limit is not None and size > limit:
            return b"".join(chunks)[: limit + 1]
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _send(reply: Reply, send: Send, method: str) -> None:
    headers = [(name.encode("latin-1"), _bytes(value)) for name, value in reply.headers]
    if reply.rest is not None:
        await _stream(reply, headers, send, silent=method == "HEAD" or reply.status in _BODILESS)
        return
    if reply.status not in _BODILESS and not any(name.lower() == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _stream(reply: Reply, headers: list[tuple[bytes, bytes]], send: Send, *, silent: bool) -> None:
    """Piece by piece; a client that is gone is not noticed here: the server takes what it cannot send, as AWS does."""
    assert reply.rest is not None
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.body and not silent:
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
    async with contextlib.aclosing(reply.rest) as rest:
        with contextlib.suppress(asyncio.CancelledError):  # still under way seconds after a stop: the answer ends here
            async for chunk in rest:
                if not silent:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _say(status: int, content: dict[str, Any]) -> Reply:
    return Reply(status, (("content-type", "application/json"),), json.dumps(content).encode())


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
