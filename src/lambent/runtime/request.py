"""From an event to one small request: Function URL and HTTP API (payload 2.0), REST API (1.0), load balancer.

Facts: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads and captures of real events. What differs
between the senders is settled here, so that asgi.py and wsgi.py see one shape. Any field may be missing or null: a test typed
by hand is an event too.
"""

from __future__ import annotations

from binascii import a2b_base64, unhexlify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Headers = list[tuple[str, str]]

# Characters that stay as they are in a query made of pairs, as urllib.parse.quote_plus has it ...
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# ... and in a path: RFC 3986 pchar and "/".
_PLAIN = _UNRESERVED | frozenset(b"!$&'()*+,;=:@/")
_MOST_NAMES = 500  # a client may send headers of any names it likes
_folded: set[str] = set()
"""Header names as they are in lower case, of those seen so far."""


class NotHttp(Exception):
    """The event is no HTTP request: a schedule, a queue, a console test ..."""


class Request:
    """One HTTP request. `ascii`: are all header values ASCII?

    `path` is percent-encoded ASCII, as a client would send it, and includes `root_path` (the stage and the base path, decoded).
    `query` is encoded, without "?". Header names are in lower case. `client` is an address without a port, "" if unknown.
    `form` says how the answer must look: "2.0", "1.0", "elb" or "elb-multi".
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
    """The request an event stands for; what of its path is `base_path` ("/shop") becomes root_path. Raises NotHttp."""
    # The methodArn or routeArn is an authorizer's: its event has the looks of the request it is asked about.
    if not isinstance(event, dict) or "methodArn" in event or "routeArn" in event:
        raise NotHttp(_complaint(event))
    request = Request()
    request.event, request.context = event, context
    sent = _dict(event, "requestContext")
    names = _fill(request, event, sent)
    body = event.get("body")
    request.body = _body(body, event.get("isBase64Encoded")) if body else b""
    if "cookie" not in names and request.form == "2.0" and event.get("cookies"):
        # Function URLs send cookies twice, HTTP APIs only here: one place is enough.
        request.headers.append(("cookie", "; ".join(map(_text, event["cookies"]))))
        request.ascii = False  # not known
    if body or "content-length" in names:
        _settle_length(request, names.get("content-length"))
    scheme = names.get("x-forwarded-proto") or "https"
    request.scheme = scheme if scheme == "https" else scheme.partition(",")[0].strip()
    host, port = names.get("host") or sent.get("domainName") or "", names.get("x-forwarded-port")
    # Most are the first: a Function URL's, an API's.
    request.server = (host, 443) if port == "443" and host and ":" not in host else _server(host, port, request.scheme)
    if base_path:
        mount(request, base_path)
    return request


def _fill(request: Request, event: dict[str, Any], sent: dict[str, Any]) -> dict[str, str]:
    """Fills in what each sender says in its own way; the headers by name."""
    http = sent.get("http")
    if isinstance(http, dict) and "httpMethod" not in event:
        return _read_two(request, event, sent, http)
    if "elb" in sent:
        return _read_one(request, event, sent, balancer=True)
    if "httpMethod" in event:
        return _read_one(request, event, sent, balancer=False)
    if event.get("version") == "2.0" and "rawPath" in event:
        return _read_two(request, event, sent, {})
    raise NotHttp(_complaint(event))


def unquote(path: str) -> bytes:
    """The bytes a percent-encoded path stands for; malformed escapes stay as they are."""
    data = path.encode("utf-8", "surrogatepass")
    if b"%" not in data:
        return data
    first, *rest = data.split(b"%")
    parts = [first]
    for part in rest:
        digits = part[:2]
        try:
            parts.append((unhexlify(digits) or b"%") + part[2:])
        except ValueError:
            parts.append(b"%" + part)
    return b"".join(parts)


def quote(path: str) -> str:
    """A decoded path, percent-encoded."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogatepass"))


def _read_two(request: Request, event: dict[str, Any], sent: dict[str, Any], http: dict[str, Any]) -> dict[str, str]:
    domain = sent.get("domainName") or ""
    path = event.get("rawPath") or http.get("path") or "/"
    request.root_path = ""
    if not domain or ".lambda-url." in domain:
        request.path = path if path.isascii() and " " not in path else _ascii(path)
    else:
        # An HTTP API hands over the path decoded, and with its stage in front where its own domain is used.
        request.path = quote(path)
        stage = sent.get("stage") or "$default"
        if stage != "$default" and ".execute-api." in domain and _below(path, f"/{stage}"):
            request.root_path = f"/{stage}"
    request.form = "2.0"
    request.method = http.get("method") or "GET"
    query = event.get("rawQueryString") or ""
    request.query = query if query.isascii() and " " not in query else _ascii(query)
    request.client = http.get("sourceIp") or ""
    protocol = http.get("protocol")
    request.http_version = "1.1" if protocol == "HTTP/1.1" else _version(protocol)
    return _take_headers(request, event)


def _read_one(request: Request, event: dict[str, Any], sent: dict[str, Any], *, balancer: bool) -> dict[str, str]:
    path = event.get("path") or "/"
    request.root_path = ""
    # A load balancer and a REST API hand over the path as it was sent; an HTTP API that uses this payload decodes it.
    request.path = quote(path) if event.get("version") == "1.0" and sent.get("apiId") else _ascii(path)
    if not balancer:
        full = sent.get("path") or ""
        if full != path and full.endswith(path):
            request.root_path = full[: -len(path)].rstrip("/")
            request.path = quote(request.root_path) + request.path
    request.method = event.get("httpMethod") or "GET"
    request.query = _query(event, encoded=balancer)
    several = event.get("multiValueHeaders")
    if several:
        request.headers, request.ascii = _all_headers(event, several), False
        names = dict(request.headers)
    else:
        names = _take_headers(request, event)
    forwarded = names.get("x-forwarded-for") or ""
    if balancer:
        request.form = "elb-multi" if several is not None else "elb"
        request.client = forwarded.rpartition(",")[2].strip()  # the last is the balancer's own; a client can send the others
    else:
        request.form = "1.0"
        request.client = _dict(sent, "identity").get("sourceIp") or forwarded.partition(",")[0].strip()
    request.http_version = _version(sent.get("protocol"))
    return names


def _take_headers(request: Request, event: dict[str, Any]) -> dict[str, str]:
    sent: dict[str, str] = event.get("headers") or {}
    try:
        request.ascii = "".join(sent.values()).isascii()
    except TypeError:  # a test typed by hand: null, a number
        sent, request.ascii = {name: _text(value) for name, value in sent.items()}, False
    if _folded.issuperset(sent):  # as most senders have them: seen at one glance
        request.headers = list(sent.items())
        return sent
    request.headers = [(name.lower(), value) for name, value in sent.items()]
    names = dict(request.headers)
    if len(_folded) < _MOST_NAMES:
        _folded.update(names)
    return names


def _headers(event: dict[str, Any]) -> Headers:
    sent = event.get("headers") or {}
    return [(name.lower(), _text(value)) for name, value in sent.items()]


def _all_headers(event: dict[str, Any], several: dict[str, Any]) -> Headers:
    """The headers with all their values, and those that only the other field has."""
    headers = [(name.lower(), _text(value)) for name, values in several.items() for value in _list(values)]
    names = dict(headers)
    return headers + [pair for pair in _headers(event) if pair[0] not in names]


def _query(event: dict[str, Any], *, encoded: bool) -> str:
    several = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    pairs = [(name, _text(value)) for name, values in several.items() for value in _list(values)]
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
    from .json_text import dump  # a test typed by hand: a JSON value in place of its text

    return dump(body)


def mount(request: Request, base_path: str) -> None:
    """Moves the base path from the front of the path to root_path, if it is there and ends where a segment does."""
    before = quote(request.root_path)
    prefix = before + quote(base_path)
    if _below(request.path, prefix):
        request.root_path += base_path
        if request.path == prefix:
            request.path += "/"


def _settle_length(request: Request, said: str | None) -> None:
    """Content-Length must be that of the body as the app reads it, and must be there if there is one."""
    length = str(len(request.body))
    if said is None:
        if request.body:
            request.headers.append(("content-length", length))
    elif said != length:
        request.headers = [pair for pair in request.headers if pair[0] != "content-length"]
        request.headers.append(("content-length", length))


def _server(host: str, forwarded_port: str | None, scheme: str) -> tuple[str, int]:
    """Name and port from a Host header, however odd: "[::1]:3000", "example.org", "x:y"."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and not name.endswith(":"):
        return name.strip("[]"), int(port)
    host = host.strip("[]") or "localhost"  # a health check of a load balancer has none, and PEP 3333 wants one
    for candidate in (forwarded_port or "").split(","):
        if candidate.strip().isdecimal():
            return host, int(candidate)
    return host, 80 if scheme == "http" else 443


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _ascii(text: str) -> str:
    """Percent-encodes what is not ASCII (or a blank), and nothing else."""
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
        f"this event is not an HTTP request ({shape}), and this function hosts a web app: it answers Function URLs, API Gateway"
        ' and load balancers. A function of your own can take such events: [tool.lambent] events = "module:function".'
    )
