"""A stand-in for Mangum 0.22 (https://github.com/Kludex/mangum): the same arguments, dicts in, dicts out.

One loop and one lifespan for the life of the process, where Mangum starts the app up and shuts it down in every request.
"""

from __future__ import annotations

import asyncio
import logging

from ..asgi import AsgiHost
from ..request import NotHttp, Request, mount, read
from .answer import Collected, compressed, group, in_json, join, spread
from .edge import is_edge, read_edge
from .farewell import at_exit

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
_PATIENCE = 2.0
"""Seconds a failed start-up has to end what it began."""
_log = logging.getLogger("mangum.http")


class ConfigurationError(Exception):
    """An argument that cannot be."""


class LifespanFailure(Exception):
    """The app's start-up failed; what it raised is the cause."""


class Mangum:
    """A Lambda handler for an ASGI app.

    `lifespan` is "auto", "on" or "off". `api_gateway_base_path` is taken off the path and becomes root_path. `custom_handlers`
    are classes as Mangum has them: infer(event, context, config), then body, scope and a call with the response.
    Answers whose type contains one of `text_mime_types` go as text. `exclude_headers` are left out of the answer.
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
        """Answers one event. Raises RuntimeError for one that is no HTTP request, LifespanFailure if the app does not start."""
        custom = next((each for each in self.custom_handlers if each.infer(event, context, self.config)), None)
        if custom is not None:
            handler = custom(event, context, self.config)
            answer = self._ask(_Foreign(handler.scope, handler.body))
            headers, body = answer.settled()
            pairs = [[name.encode("latin-1"), value.encode("latin-1", "replace")] for name, value in headers]
            response: dict[str, Any] = handler({"status": answer.status, "headers": pairs, "body": body})
            return response
        request = self._read(event, context)
        return self._as_dict(request, self._ask(request))

    def _read(self, event: Any, context: Any) -> Request:
        if is_edge(event):
            return read_edge(event, context)
        try:
            request = read(event, context)
        except NotHttp as error:
            raise RuntimeError(_UNKNOWN + str(error)) from None
        if request.form == "2.0":
            request.root_path = ""  # the stage stays in the path, as routes that came to live with that expect it
        base_path = "/" + self.config["api_gateway_base_path"].strip("/")
        if base_path != "/" and request.form in ("1.0", "2.0"):
            mount(request, base_path)
        return request

    def _ask(self, request: Request) -> Collected:
        """What the app answers; 500 if it raises, with the error in the log."""
        if not self._started:
            self._start()
        answer = Collected(request)
        try:
            self._host.handle(request, answer)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException:  # a cancelled task's, for one, is no Exception
            _log.exception("An error occurred running the application.")
            if not answer.ended:
                answer = Collected(request)
                answer.start(500, [("content-type", "text/plain; charset=utf-8")])
                answer.write(b"Internal Server Error")
                answer.end()
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s %s %s", request.method, request.path, answer.status)
        return answer

    def _start(self) -> None:
        try:
            self._host.begin()
        except Exception as error:
            self._host = _Host(self.app, self.lifespan)  # the next event may have better luck
            raise LifespanFailure(f"Lifespan startup failure. {error}") from error
        self._started = True
        at_exit(self._host.close)

    def _as_dict(self, request: Request, answer: Collected) -> dict[str, Any]:
        headers, body = answer.settled()
        kind = next((value for name, value in headers if name == "content-type"), None)
        if kind is None and request.form == "2.0" and answer.status not in (204, 304):
            kind = "application/json"  # what Lambda would say itself
            headers.append(("content-type", kind))
        text = not body or (not compressed(headers) and self._is_text((kind or "").lower()))
        content, encoded = in_json(body, text=text)
        headers = [(name, value) for name, value in headers if name not in self.config["exclude_headers"]]
        status = "status" if request.form == "edge" else "statusCode"
        return {status: answer.status, **_shape(request.form, headers), "body": content, "isBase64Encoded": encoded}

    def _is_text(self, kind: str) -> bool:
        return any(text in kind for text in (*self.config["text_mime_types"], *self._more_text))


def _shape(form: str, headers: Headers) -> dict[str, Any]:
    """The headers in the fields that Mangum puts them in."""
    if form == "edge":
        return {
            "headers": {name: [{"key": name, "value": value} for value in values] for name, values in group(headers).items()}
        }
    if form == "elb-multi":
        return {"multiValueHeaders": group(headers)}
    if form == "elb":
        return {"headers": spread(headers)}
    if form == "2.0":
        cookies = [value for name, value in headers if name == "set-cookie"]
        joined = join([pair for pair in headers if pair[0] != "set-cookie"])
        return ({"headers": joined} if joined else {}) | ({"cookies": cookies} if cookies else {})
    several = group(headers)
    return {
        "headers": {name: values[0] for name, values in several.items() if len(values) == 1},
        "multiValueHeaders": {name: values for name, values in several.items() if len(values) > 1},
    }


class _Foreign(Request):
    """A request that a custom handler made: its scope is taken as it is."""

    __slots__ = ("scope",)

    def __init__(self, scope: dict[str, Any], body: bytes) -> None:
        self.scope = scope
        self.body = body
        self.method, self.path = scope.get("method", "GET"), scope.get("path", "/")


class _Host(AsgiHost):
    """Gives the app the path without root_path in front, as Mangum does."""

    def __init__(self, app: Any, lifespan: str) -> None:
        # "on" is not more than "auto": Mangum, too, serves an app that knows of no lifespan
        super().__init__(app, "off" if lifespan == "off" else "auto")
        asyncio.set_event_loop(self._loop)
        self._whole_path = hasattr(app, "asgi_app")  # Quart takes root_path off by itself, and finds nothing if it is not there

    def begin(self) -> None:
        """Starts the app up. If that fails nothing of it is left on the loop, which other apps may share."""
        before = asyncio.all_tasks(self._loop)
        try:
            self.start()
        except BaseException:
            left = asyncio.all_tasks(self._loop) - before
            for task in left:
                task.cancel()
            if left:
                self._run(asyncio.wait(left, timeout=_PATIENCE))
            raise

    def _scope(self, request: Request) -> dict[str, Any]:
        if isinstance(request, _Foreign):
            return {"state": self._state.copy(), **request.scope}
        scope = super()._scope(request)
        root = request.root_path
        if root and not self._whole_path:
            scope["path"] = scope["path"][len(root) :] or "/"
            if scope["path"] == root or scope["path"].startswith(f"{root}/"):
                scope["root_path"] = ""  # a framework would take it off once more
        return scope
