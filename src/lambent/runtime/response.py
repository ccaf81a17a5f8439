"""From an app's response to the JSON that Lambda turns into HTTP.

The body is written into the JSON by hand: json's encoder takes four times as long for a large response.
"""

from __future__ import annotations

import sys
from binascii import b2a_base64

from .json_text import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from .request import Headers, Request

# Headers of a single connection: the sender of the response adds its own.
_HOP_BY_HOP = frozenset(("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"))
_SAFE_LENGTH = 4_000_000
"""Characters of JSON below which the encoding of the body doesn't matter: Lambda's limit is 6,291,556 bytes."""
ERROR_BODY = b"Internal Server Error"
ERROR_HEADERS = [("content-type", "text/plain; charset=utf-8"), ("content-length", "21")]
_TEXT_TYPES = frozenset(
    (
        "application/json",
        "application/javascript",
        "application/ecmascript",
        "application/x-javascript",
        "application/xml",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
    )
)
_CACHE_MAX = 200  # a multipart type holds a different boundary each time
_text_types: dict[str, bool] = {}
"""Whether a Content-Type is text: a cache, since an app uses few."""
_NAME_CHARS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")  # a token of RFC 9110 5.6.2, in lower case
_valid_names: set[str] = set()
"""Header names that were checked."""


class ClientDisconnected(OSError):
    """The client no longer takes the response. ASGI 2.4 wants `send` to raise a server-specific OSError."""


class Response:
    """Collects a response and delivers it, in the bytes that the Runtime API takes, when it is complete.

    `start` may be called again until something is written (WSGI's exc_info); `end` delivers. Header names are in lower case;
    values have no surrounding blanks, which are not part of them (RFC 9110 5.5; Django's cookies have one).
    """

    streamed = False
    disconnected = False
    """Whether the client hung up early. Never known for a response that is sent whole."""
    started = False
    ended = False
    awaits_close = False
    """Whether the response is complete, but delivered only by `close` or `release`."""
    holds_all = False
    """Whether each response, not only a 500, is kept until `close` or `release`."""
    explain: Callable[[Response, BaseException], None] | None = None
    """Logs the exception behind a response."""
    _error: BaseException | None = None
    _trace: TracebackType | None = None

    def __init__(
        self, request: Request, deliver: Callable[[bytes], None], log_status: Callable[[int], None] | None = None
    ) -> None:
        self._request = request
        self._deliver = deliver
        self._log_status = log_status
        self._parts: list[bytes] = []

    def start(self, status: int, headers: Headers) -> None:
        """Raise ValueError, as servers do, for a bad header name, a value with a line break, and a status that isn't final."""
        if not 200 <= status <= 999:
            raise ValueError(f"the status of a response is between 200 and 999, not {status}")
        values = "".join([value for _, value in headers])
        if "\n" in values or "\r" in values or "\0" in values:
            name, value = next(pair for pair in headers if any(char in pair[1] for char in "\n\r\0"))
            raise ValueError(f"the header {name!r} of the response holds a line break: {value!r}")
        if not _valid_names.issuperset([name for name, _ in headers]):
            _check_names(headers)
        self._status, self._headers = status, headers
        self.started = True
        if status >= 500:
            _, self._error, self._trace = sys.exc_info()

    def write(self, chunk: bytes) -> None:
        if chunk:
            self._parts.append(chunk)

    @property
    def size(self) -> int:
        """The bytes of body written so far."""
        return sum(map(len, self._parts))

    def end(self) -> None:
        self.ended = True
        if self.holds_all:
            self.hold()
            return
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self.log_status()
        self._deliver(encode(self._request, self._status, self._headers, body))

    def log_status(self) -> None:
        """Log the status that the response will certainly have. The log must have it before the response is complete."""
        if self._log_status is not None:
            self._log_status(self._status)

    def hold(self) -> bool:
        """Keep a complete response until `close` if it is a 500, or with `holds_all`. Return whether it is kept.

        Starlette raises the exception after its response, and its traceback belongs into the log of the invocation.
        """
        if self._status == 500 or self.holds_all:
            self.awaits_close = self.ended = True
        return self.awaits_close

    @property
    def is_check(self) -> bool:
        """Whether lambent's own check gets the response.

        Anyone can send its user agent, but AWS says where a request through a URL is from. The check invokes the function.
        """
        http = (self._request.event.get("requestContext") or {}).get("http") or {}
        return bool(http.get("userAgent") == "lambent" and http.get("sourceIp") == "127.0.0.1")

    @property
    def is_server_error(self) -> bool:
        """Whether the app has begun a response of 5xx."""
        return self.started and self._status >= 500

    @property
    def error(self) -> BaseException | None:
        """The exception that the app was handling when it began a response of 5xx. Some frameworks remove its traceback."""
        if self._error is not None and self._error.__traceback__ is None:
            return self._error.with_traceback(self._trace)
        return self._error

    def fail(self, error: dict[str, Any] | None = None) -> None:
        """Respond with 500 instead, as app servers do when an app raises `error`."""
        self._parts = [ERROR_BODY]
        self.start(500, ERROR_HEADERS)
        self.end()

    def is_disconnect(self, error: BaseException) -> bool:
        """Return whether the app raised `error` only because the client hung up."""
        return False

    def release(self) -> None:
        """Deliver a response that was held, although the app still works, as a server would have by now."""
        error = self.error
        if self.awaits_close and error is not None and self.explain is not None:
            self.explain(self, error)
            self._error = None  # it is in the log
        self._end_held()

    def close(self) -> None:
        """Deliver a response that was held; the app has finished."""
        self._end_held()

    def _end_held(self) -> None:
        if self.awaits_close:
            self.awaits_close = self.holds_all = False
            self.end()


def _check_names(headers: Headers) -> None:
    for name, _ in headers:
        if not name or not _NAME_CHARS.issuperset(name):
            raise ValueError(f"not the name of a header: {name!r} in the response")
        if len(_valid_names) < _CACHE_MAX:
            _valid_names.add(name)


def encode(request: Request, status: int, headers: Headers, body: bytes) -> bytes:
    """Return the response in the form that the sender of the event reads."""
    head = request.method == "HEAD"
    bodiless = head or status in (204, 304)
    names, length = dict(headers), str(len(body))
    if (
        bodiless
        or len(names) < len(headers)
        or names.get("content-length", length) != length
        or not _HOP_BY_HOP.isdisjoint(names)
    ):
        headers = normalize_headers(headers, len(body), bodiless=bodiless, recount=not head and status != 304)
        names = dict(headers)
    if bodiless:
        body = b""
    start = f'{{"statusCode":{status},{headers_json(request.form, status, headers)}'
    text = _as_text(names, body)
    if text is not None:
        quoted = quote(text)
        # Near the limit the shorter form matters: quotes double, control characters grow sixfold, base64 adds a third. (A REST
        # API decodes base64 only for configured types.)
        if len(quoted) < _SAFE_LENGTH or len(quoted) - len(text) <= len(body) // 3 or request.form == "1.0":
            return f'{start},"body":{quoted},"isBase64Encoded":false}}'.encode("utf-8", "surrogatepass")
    encoded = b2a_base64(body, newline=False)
    return b"".join((start.encode("utf-8", "surrogatepass"), b',"body":"', encoded, b'","isBase64Encoded":true}'))


def normalize_headers(headers: Headers, length: int, *, bodiless: bool, recount: bool) -> Headers:
    """Return the headers without hop-by-hop ones; with `recount` an existing Content-Length becomes `length`."""
    normalized = []
    for name, value in headers:
        if name in _HOP_BY_HOP:
            continue
        if name == "content-length" and recount:
            if bodiless:  # RFC 9110 8.6: none in a 204
                continue
            value = str(length)
        normalized.append((name, value))
    return normalized


def _as_text(headers: dict[str, str], body: bytes) -> str | None:
    """Return the body as text if its type is text and it is valid UTF-8, or None if it must be base64."""
    if not body:
        return ""
    if "content-encoding" in headers and headers["content-encoding"].strip().lower() != "identity":
        return None
    content_type = headers.get("content-type", "")
    if not (_text_types[content_type] if content_type in _text_types else _is_text(content_type)):
        return None
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError:
        return None


def _is_text(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    is_text = media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+json", "+xml"))
    if len(_text_types) < _CACHE_MAX:
        _text_types[content_type] = is_text
    return is_text


def headers_json(form: str, status: int, headers: Headers) -> str:
    """Return the members of the response that hold the headers, as JSON without the outer braces."""
    if form == "2.0":
        names = dict(headers)
        if "set-cookie" not in names and len(names) == len(headers):
            return '"headers":{' + ",".join([f"{quote(name)}:{quote(value)}" for name, value in headers]) + "}"
        cookies = ",".join([quote(value) for name, value in headers if name == "set-cookie"])
        listed = f',"cookies":[{cookies}]' if cookies else ""
        return f'"headers":{_single([pair for pair in headers if pair[0] != "set-cookie"])}{listed}'
    if form == "elb":
        return f'{_described(status)}"headers":{_single(_spell_cookies(headers))}'
    multi: dict[str, list[str]] = {}
    for name, value in headers:
        multi.setdefault(name, []).append(quote(value))
    pairs = ",".join(f"{quote(name)}:[{','.join(values)}]" for name, values in multi.items())
    described = _described(status) if form == "elb-multi" else ""
    return f'{described}"multiValueHeaders":{{{pairs}}}'


def _single(headers: Headers) -> str:
    """Join repeated headers, as RFC 9110 5.3 allows."""
    joined = dict(headers)
    if len(joined) < len(headers):
        joined = {}
        for name, value in headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return "{" + ",".join([f"{quote(name)}:{quote(value)}" for name, value in joined.items()]) + "}"


def _spell_cookies(headers: Headers) -> Headers:
    """Vary the case of "set-cookie": a load balancer without multi-value headers takes one value per spelling."""
    spelled, count = [], 0
    for name, value in headers:
        if name == "set-cookie":
            letters = [char.upper() if count >> bit & 1 else char for bit, char in enumerate("setcookie")]
            name = "".join(letters[:3]) + "-" + "".join(letters[3:])
            count += 1
        spelled.append((name, value))
    return spelled


def _described(status: int) -> str:
    from http import HTTPStatus

    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f'"statusDescription":{quote(f"{status} {phrase}")},'
