"""A drop-in replacement for Mangum 0.22 (https://github.com/Kludex/mangum) with the same arguments and results.

It keeps one event loop and one lifespan for the life of the process; Mangum starts the app up and shuts it down in every
request.
"""

from __future__ import annotations

import asyncio
import logging

from ..asgi import AsgiHost
from ..request import NotHttp, Request, mount, read
from .collected import CollectedResponse, encode_body, group, is_compressed, join, vary_cookies
from .lambda_edge import is_edge, read_edge
from .shutdown import at_exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..request import Headers

_TEXT = [
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/vnd.api+json",
    "application/vnd.oai.openapi",
]
_MORE_TEXT = ("+json", "+xml", "application/x-www-form-urlencoded", "application/x-ndjson", "application/graphql")
_UNKNOWN = (
    "The adapter was unable to infer a handler to use for the event. This is likely related to how the Lambda function was"
    " invoked: "
)
_CLEANUP_S = 2.0
"""How long the tasks of a failed start-up may take to end."""
_log = logging.getLogger("mangum.http")


class ConfigurationError(Exception):
    """An invalid argument."""


class LifespanFailure(Exception):
    """The app's start-up failed. Its exception is the cause."""


class Mangum:
    """A Lambda handler for an ASGI app.

    `lifespan` is "auto", "on" or "off". `api_gateway_base_path` moves from the path to root_path. `custom_handlers` are classes
    with Mangum's interface: infer(event, context, config), then body, scope and a call with the response. Responses whose type
    contains one of `text_mime_types` are sent as text, and without `exclude_headers`.
    """

    def __init__(
        self,
        app: Any,
        lifespan: str = "auto",
        api_gateway_base_path: str = "/",
        custom_handlers: list[Any] | None = None,
        text_mime_types: list[str] | None = None,
        exclude_headers: list[str] | None = None,
    ) -> None:
        if lifespan not in ("auto", "on", "off"):
            raise ConfigurationError("Invalid argument supplied for `lifespan`. Choices are: auto|on|off")
        self.app = app
        self.lifespan = lifespan
        self.custom_handlers = custom_handlers or []
        self.config: dict[str, Any] = {
            "api_gateway_base_path": api_gateway_base_path or "/",
            "text_mime_types": list(text_mime_types or _TEXT),
            "exclude_headers": [header.lower() for header in exclude_headers or ()],
        }
        self._more_text = () if text_mime_types else _MORE_TEXT
        self._host = _Host(app, lifespan)
        self._started = False

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one event. Raise RuntimeError if it isn't an HTTP request, LifespanFailure if the app doesn't start."""
        custom = next((cls for cls in self.custom_handlers if cls.infer(event, context, self.config)), None)
        if custom is not None:
            handler = custom(event, context, self.config)
            response = self._call(_CustomRequest(handler.scope, handler.body))
            headers, body = response.content()
            pairs = [[name.encode("latin-1"), value.encode("latin-1", "replace")] for name, value in headers]
            result: dict[str, Any] = handler({"status": response.status, "headers": pairs, "body": body})
            return result
        request = self._read(event, context)
        return self._as_dict(request, self._call(request))

    def _read(self, event: Any, context: Any) -> Request:
        if is_edge(event):
            return read_edge(event, context)
        try:
            request = read(event, context)
        except NotHttp as error:
            raise RuntimeError(_UNKNOWN + str(error)) from None
        if request.form == "2.0":
            request.root_path = ""  # the stage stays in the path: existing routes expect it there
        base_path = "/" + self.config["api_gateway_base_path"].strip("/")
        if base_path != "/" and request.form in ("1.0", "2.0"):
            mount(request, base_path)
        return request

    def _call(self, request: Request) -> CollectedResponse:
        """Return the app's response: 500 if it raises, with the error in the log."""
        if not self._started:
            self._start()
        response = CollectedResponse(request)
        try:
            self._host.handle(request, response)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:  # a cancelled task's error is not an Exception
            _log.exception("An error occurred running the application.")
            if not response.ended:
                response = CollectedResponse(request)
                response.start(500, [("content-type", "text/plain; charset=utf-8")])
                response.write(b"Internal Server Error")
                response.end()
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s %s %s", request.method, request.path, response.status)
        return response

    def _start(self) -> None:
        try:
            self._host.start_up()
        except Exception as error:
            self._host = _Host(self.app, self.lifespan)  # the next event tries again
            raise LifespanFailure(f"Lifespan startup failure. {error}") from error
        self._started = True
        at_exit(self._host.close)

    def _as_dict(self, request: Request, response: CollectedResponse) -> dict[str, Any]:
        headers, body = response.content()
        kind = next((value for name, value in headers if name == "content-type"), None)
        if kind is None and request.form == "2.0" and response.status not in (204, 304):
            kind = "application/json"  # what Lambda itself would send
            headers.append(("content-type", kind))
        text = not body or (not is_compressed(headers) and self._is_text((kind or "").lower()))
        content, encoded = encode_body(body, text=text)
        headers = [(name, value) for name, value in headers if name not in self.config["exclude_headers"]]
        status = "status" if request.form == "edge" else "statusCode"
        return {status: response.status, **_header_fields(request.form, headers), "body": content, "isBase64Encoded": encoded}

    def _is_text(self, kind: str) -> bool:
        return any(text in kind for text in (*self.config["text_mime_types"], *self._more_text))


def _header_fields(form: str, headers: Headers) -> dict[str, Any]:
    """Return the headers in the fields that Mangum uses."""
    if form == "edge":
        return {
            "headers": {name: [{"key": name, "value": value} for value in values] for name, values in group(headers).items()}
        }
    if form == "elb-multi":
        return {"multiValueHeaders": group(headers)}
    if form == "elb":
        return {"headers": vary_cookies(headers)}
    if form == "2.0":
        cookies = [value for name, value in headers if name == "set-cookie"]
        joined = join([pair for pair in headers if pair[0] != "set-cookie"])
        return {**({"headers": joined} if joined else {}), **({"cookies": cookies} if cookies else {})}
    multi = group(headers)
    return {
        "headers": {name: values[0] for name, values in multi.items() if len(values) == 1},
        "multiValueHeaders": {name: values for name, values in multi.items() if len(values) > 1},
    }


class _CustomRequest(Request):
    """A request from a custom handler, whose scope is used unchanged."""

    __slots__ = ("scope",)

    def __init__(self, scope: dict[str, Any], body: bytes) -> None:
        self.scope = scope
        self.body = body
        self.method, self.path = scope.get("method", "GET"), scope.get("path", "/")


class _Host(AsgiHost):
    """Passes the path without root_path in front, as Mangum does."""

    def __init__(self, app: Any, lifespan: str) -> None:
        # "on" means no more than "auto": Mangum too serves an app that doesn't support lifespan
        super().__init__(app, "off" if lifespan == "off" else "auto")
        asyncio.set_event_loop(self._loop)
        self._keeps_root = hasattr(app, "asgi_app")  # Quart removes root_path itself, and finds no route without it

    def start_up(self) -> None:
        """Start the app up. If that fails, cancel its tasks: other apps may share the loop."""
        existing = asyncio.all_tasks(self._loop)
        try:
            self.start()
        except BaseException:
            tasks = asyncio.all_tasks(self._loop) - existing
            for task in tasks:
                task.cancel()
            if tasks:
                self._run(asyncio.wait(tasks, timeout=_CLEANUP_S))
            raise

    def _scope(self, request: Request) -> dict[str, Any]:
        if isinstance(request, _CustomRequest):
            return {"state": self._state.copy(), **request.scope}
        scope = super()._scope(request)
        root = request.root_path
        if root and not self._keeps_root:
            scope["path"] = scope["path"][len(root) :] or "/"
            if scope["path"] == root or scope["path"].startswith(f"{root}/"):
                scope["root_path"] = ""  # a framework would remove it again
        return scope
