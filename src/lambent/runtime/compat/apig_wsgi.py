"""A drop-in replacement for apig-wsgi 2.20 (https://github.com/adamchainz/apig-wsgi) with the same arguments and results."""

from __future__ import annotations

from ..request import NotHttp, read
from ..wsgi import WsgiHost
from .collected import CollectedResponse, encode_body, group, is_compressed, join, vary_cookies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..request import Headers, Request

_TEXT = ("text/", "application/json", "application/problem+json", "application/vnd.api+json")


def make_lambda_handler(
    wsgi_app: Any, binary_support: bool | None = None, non_binary_content_type_prefixes: Iterable[str] | None = None
) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a Lambda handler for a WSGI app.

    `binary_support` says whether the sender takes base64; the default is no for a REST API and yes for a load balancer, and
    payload 2.0 always does. Types with one of `non_binary_content_type_prefixes` are sent as text. The handler raises whatever
    the app raises, and ValueError for an event that isn't an HTTP request.
    """
    texts = _TEXT if non_binary_content_type_prefixes is None else tuple(non_binary_content_type_prefixes)
    app = _App(wsgi_app)
    host = WsgiHost(app)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        request = _read(event, context)
        response = CollectedResponse(request)
        host.handle(request, response)
        headers, body = response.content()
        binary = request.form != "1.0" if binary_support is None else binary_support or request.form == "2.0"
        text = not binary or (dict(headers).get("content-type", "").lower().startswith(texts) and not is_compressed(headers))
        content, encoded = encode_body(body, text=text)
        fields = _headers(request, headers, app.spellings)
        return {"statusCode": response.status, **fields, "isBase64Encoded": encoded, "body": content}

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
        request.root_path = ""  # the stage stays in PATH_INFO: existing apps expect it there
    return request


def _headers(request: Request, headers: Headers, spellings: dict[str, str]) -> dict[str, Any]:
    if request.form == "2.0":
        cookies = [value for name, value in headers if name == "set-cookie"]
        return {"cookies": cookies, "headers": join([pair for pair in headers if pair[0] != "set-cookie"])}
    headers = [(spellings[name], value) for name, value in headers]
    if "multiValueHeaders" in request.event:
        return {"multiValueHeaders": group(headers)}
    return {"headers": vary_cookies(headers)}


class _App:
    """Gives the app the environ keys of apig-wsgi, and records how it spells its header names."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.spellings: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.spellings = {name.lower(): name for name, _ in headers}
            return start_response(status, headers, exc_info if exc_info and exc_info[0] else None)

        self.spellings = {}
        _add_keys(environ)
        return self._app(environ, start)


def _add_keys(environ: dict[str, Any]) -> None:
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
    if cookies:  # a Function URL sends each twice: here and in the header
        header_cookies = [cookie.strip() for cookie in environ.get("HTTP_COOKIE", "").split(";")]
        environ["HTTP_COOKIE"] = ";".join(dict.fromkeys([*map(str, cookies), *filter(None, header_cookies)]))
