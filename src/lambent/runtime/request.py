"""From an event to a request: Function URL and HTTP API (payload 2.0), REST API (1.0), load balancer.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads and captures of real events. The
differences between the senders end here: asgi.py and wsgi.py see one shape. Any field may be missing or null, since people also
type test events by hand.
"""

from __future__ import annotations

from binascii import a2b_base64, unhexlify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Headers = list[tuple[str, str]]

# Characters that urllib.parse.quote_plus leaves unquoted in a query ...
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# ... and those left unquoted in a path: RFC 3986 pchar and "/".
_UNQUOTED = _UNRESERVED | frozenset(b"!$&'()*+,;=:@/")
_CACHE_MAX = 500  # clients can send any header name
_lower_names: set[str] = set()
"""Header names that are already in lower case: a cache of those seen so far."""


class NotHttp(Exception):
    """The event is not an HTTP request but a schedule's, a queue's, a console test ..."""


class Request:
    """One HTTP request.

    `path` is percent-encoded ASCII, as a client sends it, and includes `root_path` (stage and base path, decoded). `query` is
    encoded, without "?". Header names are in lower case; `ascii` says whether all values are ASCII. `client` is an address
    without a port, or "". `form` says which form the response must have: "2.0", "1.0", "elb" or "elb-multi".
    """

    __slots__ = (
        "ascii",
        "body",
        "client",
        "context",
        "event",
        "form",
        "headers",
        "http_version",
        "method",
        "path",
        "query",
        "root_path",
        "scheme",
        "server",
    )

    method: str
    path: str
    query: str
    headers: Headers
    ascii: bool
    body: bytes
    client: str
    scheme: str
    server: tuple[str, int]
    http_version: str
    root_path: str
    form: str
    event: dict[str, Any]
    context: Any


def read(event: Any, context: Any, base_path: str = "") -> Request:
    """Return the request in an event. A `base_path` ("/shop") in front of its path becomes root_path. Raise NotHttp."""
    # A methodArn or routeArn means an authorizer, whose event resembles the request that it authorizes.
    if not isinstance(event, dict) or "methodArn" in event or "routeArn" in event:
        raise NotHttp(_complaint(event))
    request = Request()
    request.event, request.context = event, context
    context_fields = _dict(event, "requestContext")
    names = _fill(request, event, context_fields)
    body = event.get("body")
    request.body = _body(body, event.get("isBase64Encoded")) if body else b""
    if "cookie" not in names and request.form == "2.0" and event.get("cookies"):
        # Function URLs send cookies twice, HTTP APIs only here.
        request.headers.append(("cookie", "; ".join(map(_text, event["cookies"]))))
        request.ascii = False  # unknown
    if body or "content-length" in names:
        _correct_length(request, names.get("content-length"))
    scheme = names.get("x-forwarded-proto") or "https"
    request.scheme = scheme if scheme == "https" else scheme.partition(",")[0].strip()
    host, port = names.get("host") or context_fields.get("domainName") or "", names.get("x-forwarded-port")
    # The first is the usual case: a Function URL, an API.
    request.server = (host, 443) if port == "443" and host and ":" not in host else _server(host, port, request.scheme)
    if base_path:
        mount(request, base_path)
    return request


def _fill(request: Request, event: dict[str, Any], context_fields: dict[str, Any]) -> dict[str, str]:
    """Fill in the fields that each sender spells differently. Return the headers by name."""
    http = context_fields.get("http")
    if isinstance(http, dict) and "httpMethod" not in event:
        return _read_payload_2(request, event, context_fields, http)
    if "elb" in context_fields:
        return _read_payload_1(request, event, context_fields, balancer=True)
    if "httpMethod" in event:
        return _read_payload_1(request, event, context_fields, balancer=False)
    if event.get("version") == "2.0" and "rawPath" in event:
        return _read_payload_2(request, event, context_fields, {})
    raise NotHttp(_complaint(event))


def unquote(path: str) -> bytes:
    """Decode a percent-encoded path to bytes. Malformed escapes stay unchanged."""
    data = path.encode("utf-8", "surrogatepass")
    if b"%" not in data:
        return data
    prefix, *escapes = data.split(b"%")
    parts = [prefix]
    for part in escapes:
        digits = part[:2]
        try:
            parts.append((unhexlify(digits) or b"%") + part[2:])
        except ValueError:
            parts.append(b"%" + part)
    return b"".join(parts)


def quote(path: str) -> str:
    """Percent-encode a decoded path."""
    return "".join(chr(byte) if byte in _UNQUOTED else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogatepass"))


def _read_payload_2(
    request: Request, event: dict[str, Any], context_fields: dict[str, Any], http: dict[str, Any]
) -> dict[str, str]:
    domain = context_fields.get("domainName") or ""
    path = event.get("rawPath") or http.get("path") or "/"
    request.root_path = ""
    if not domain or ".lambda-url." in domain:
        request.path = path if path.isascii() and " " not in path else _ascii(path)
    else:
        # An HTTP API decodes the path, and on its own domain puts the stage in front.
        request.path = quote(path)
        stage = context_fields.get("stage") or "$default"
        if stage != "$default" and ".execute-api." in domain and _is_below(path, f"/{stage}"):
            request.root_path = f"/{stage}"
    request.form = "2.0"
    request.method = http.get("method") or "GET"
    query = event.get("rawQueryString") or ""
    request.query = query if query.isascii() and " " not in query else _ascii(query)
    request.client = http.get("sourceIp") or ""
    protocol = http.get("protocol")
    request.http_version = "1.1" if protocol == "HTTP/1.1" else _version(protocol)
    return _set_headers(request, event)


def _read_payload_1(
    request: Request, event: dict[str, Any], context_fields: dict[str, Any], *, balancer: bool
) -> dict[str, str]:
    path = event.get("path") or "/"
    request.root_path = ""
    # A load balancer and a REST API pass the path on as sent; an HTTP API with this payload decodes it.
    request.path = quote(path) if event.get("version") == "1.0" and context_fields.get("apiId") else _ascii(path)
    if not balancer:
        full = context_fields.get("path") or ""
        if full != path and full.endswith(path):
            request.root_path = full[: -len(path)].rstrip("/")
            request.path = quote(request.root_path) + request.path
    request.method = event.get("httpMethod") or "GET"
    request.query = _query(event, encoded=balancer)
    multi_value = event.get("multiValueHeaders")
    if multi_value:
        request.headers, request.ascii = _all_headers(event, multi_value), False
        names = dict(request.headers)
    else:
        names = _set_headers(request, event)
    forwarded = names.get("x-forwarded-for") or ""
    if balancer:
        request.form = "elb-multi" if multi_value is not None else "elb"
        request.client = forwarded.rpartition(",")[2].strip()  # the balancer adds the last one; clients can send the others
    else:
        request.form = "1.0"
        request.client = _dict(context_fields, "identity").get("sourceIp") or forwarded.partition(",")[0].strip()
    request.http_version = _version(context_fields.get("protocol"))
    return names


def _set_headers(request: Request, event: dict[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = event.get("headers") or {}
    try:
        request.ascii = "".join(headers.values()).isascii()
    except TypeError:  # a test event typed by hand: null, a number
        headers, request.ascii = {name: _text(value) for name, value in headers.items()}, False
    if _lower_names.issuperset(headers):  # one check that succeeds for most senders
        request.headers = list(headers.items())
        return headers
    request.headers = [(name.lower(), value) for name, value in headers.items()]
    names = dict(request.headers)
    if len(_lower_names) < _CACHE_MAX:
        _lower_names.update(names)
    return names


def _headers(event: dict[str, Any]) -> Headers:
    headers = event.get("headers") or {}
    return [(name.lower(), _text(value)) for name, value in headers.items()]


def _all_headers(event: dict[str, Any], multi_value: dict[str, Any]) -> Headers:
    """Return the headers with all their values, and those that are only in the single-value field."""
    headers = [(name.lower(), _text(value)) for name, values in multi_value.items() for value in _list(values)]
    names = dict(headers)
    return headers + [pair for pair in _headers(event) if pair[0] not in names]


def _query(event: dict[str, Any], *, encoded: bool) -> str:
    parameters = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    pairs = [(name, _text(value)) for name, values in parameters.items() for value in _list(values)]
    if encoded:
        return "&".join([f"{_ascii(name)}={_ascii(value)}" for name, value in pairs])
    return "&".join([f"{_quote_plus(name)}={_quote_plus(value)}" for name, value in pairs])


def _quote_plus(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return "".join([chr(byte) if byte in _UNRESERVED else "+" if byte == 32 else f"%{byte:02X}" for byte in data])


def _body(body: Any, encoded: Any) -> bytes:
    if encoded:
        return a2b_base64(body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes):  # called from Python
        return body
    from .json_text import dump  # a test event typed by hand: a JSON value instead of its text

    return dump(body)


def mount(request: Request, base_path: str) -> None:
    """Move the base path from the path to root_path if the path begins with it, at a segment boundary."""
    prefix = quote(request.root_path) + quote(base_path)
    if _is_below(request.path, prefix):
        request.root_path += base_path
        if request.path == prefix:
            request.path += "/"


def _correct_length(request: Request, declared: str | None) -> None:
    """Make Content-Length that of the body as the app reads it, and add it if there is a body."""
    length = str(len(request.body))
    if declared is None:
        if request.body:
            request.headers.append(("content-length", length))
    elif declared != length:
        request.headers = [pair for pair in request.headers if pair[0] != "content-length"]
        request.headers.append(("content-length", length))


def _server(host: str, forwarded_port: str | None, scheme: str) -> tuple[str, int]:
    """Return name and port of a Host header, however odd: "[::1]:3000", "example.org", "x:y"."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and not name.endswith(":"):
        return name.strip("[]"), int(port)
    host = host.strip("[]") or "localhost"  # a load balancer's health check sends none, and PEP 3333 requires one
    for candidate in (forwarded_port or "").split(","):
        if candidate.strip().isdecimal():
            return host, int(candidate)
    return host, 80 if scheme == "http" else 443


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _ascii(text: str) -> str:
    """Percent-encode blanks and non-ASCII characters, and nothing else."""
    if text.isascii() and " " not in text:
        return text
    return "".join(chr(byte) if 32 < byte < 127 else f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [] if values is None else [values]


def _dict(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _version(protocol: str | None) -> str:
    return protocol.rpartition("/")[2] if protocol and protocol.startswith("HTTP/") else "1.1"


def _complaint(event: Any) -> str:
    shape = f"its keys are {sorted(map(str, event))}" if isinstance(event, dict) else f"it is a {type(event).__name__}"
    return (
        f"this event is not an HTTP request ({shape}), and this function runs a web app: it answers Function URLs, API Gateway"
        ' and load balancers. To handle other events, name a function: [tool.lambent] events = "module:function"'
    )
