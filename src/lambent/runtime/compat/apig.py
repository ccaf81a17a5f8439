"""A stand-in for apig-wsgi 2.20 (https://github.com/adamchainz/apig-wsgi): the same arguments, dicts in, dicts out."""

from __future__ import annotations

from ..request import NotHttp, read
from ..wsgi import WsgiHost
from .answer import Collected, compressed, group, in_json, join, spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..request import Headers, Request

_TEXT = ("text/", "application/json", "application/problem+json", "application/vnd.api+json")


def make_lambda_handler(
    wsgi_app: Any, binary_support: bool | None = None, non_binary_content_type_prefixes: Iterable[str] | None = None
) -> Callable[[Any, Any], dict[str, Any]]:
    """A Lambda handler for a WSGI app.

    `binary_support` says whether a REST API (no, unless told) or a load balancer (yes) takes base64; with payload 2.0 it always
    does. Types that begin with one of `non_binary_content_type_prefixes` go as text. What the app raises goes on; an event that
    is no HTTP request is a ValueError.
    """
    texts = _TEXT if non_binary_content_type_prefixes is None else tuple(non_binary_content_type_prefixes)
    app = _App(wsgi_app)
    host = WsgiHost(app)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        request = _read(event, context)
        answer = Collected(request)
        host.handle(request, answer)
        headers, body = answer.settled()
        binary = request.form != "1.0" if binary_support is None else binary_support or request.form == "2.0"
        text = not binary or (dict(headers).get("content-type", "").lower().startswith(texts) and not compressed(headers))
        content, encoded = in_json(body, text=text)
        shaped = _headers(request, headers, app.spelled)
        return {"statusCode": answer.status, **shaped, "isBase64Encoded": encoded, "body": content}

    return handler


def _read(event: Any, context: Any) -> Request:
    version = event.get("version", "1.0") if isinstance(event, dict) else "1.0"
    if version not in ("1.0", "2.0"):
        raise ValueError(f"Unknown version {version!r}")
    try:
        request = read(event, context)
    except NotHttp as error:
        raise ValueError(str(error)) from None
    if request.form == "2.0":
        request.root_path = ""  # the stage stays in PATH_INFO, as apps that came to live with that expect it
    return request


def _headers(request: Request, headers: Headers, spelled: dict[str, str]) -> dict[str, Any]:
    if request.form == "2.0":
        cookies = [value for name, value in headers if name == "set-cookie"]
        return {"cookies": cookies, "headers": join([pair for pair in headers if pair[0] != "set-cookie"])}
    headers = [(spelled[name], value) for name, value in headers]
    if "multiValueHeaders" in request.event:
        return {"multiValueHeaders": group(headers)}
    return {"headers": spread(headers)}


class _App:
    """Gives an app the environ keys of apig-wsgi, and remembers how it spelled the names of its headers."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.spelled: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.spelled = {name.lower(): name for name, _ in headers}
            return start_response(status, headers, exc_info if exc_info and exc_info[0] else None)

        self.spelled = {}
        _add(environ)
        return self._app(environ, start)


def _add(environ: dict[str, Any]) -> None:
    event = environ["aws.event"]
    environ["apig_wsgi.full_event"] = event
    environ["apig_wsgi.context"] = environ["aws.context"]
    environ["apig_wsgi.multi_value_headers"] = "multiValueHeaders" in event
    if "requestContext" in event:
        environ["apig_wsgi.request_context"] = event["requestContext"]
    environ["HTTP"] = "on"
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if name in environ:
            environ[f"HTTP_{name}"] = environ[name]
    environ.setdefault("CONTENT_LENGTH", "0")
    cookies = event.get("cookies")
    if cookies:  # a Function URL sends each twice: here, and in the header
        sent = [cookie.strip() for cookie in environ.get("HTTP_COOKIE", "").split(";")]
        environ["HTTP_COOKIE"] = ";".join(dict.fromkeys([*map(str, cookies), *filter(None, sent)]))
