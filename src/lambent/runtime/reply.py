"""From an app's answer to the JSON Lambda turns into HTTP.

The body is put into the JSON by hand: base64 and one scan for JSON's own encoder cost four times as much for a large answer.
"""

from __future__ import annotations

from binascii import b2a_base64

from .json_text import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .request import Headers, Request

# Of one connection only: the sender of the answer makes its own.
_HOP_BY_HOP = frozenset(("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"))
_ROOMY = 4_000_000
"""Characters of JSON up to which it does not matter how a body is written: Lambda takes 6,291,556 bytes."""
SORRY = b"Internal Server Error"
SORRY_HEADERS = [("content-type", "text/plain; charset=utf-8"), ("content-length", "21")]
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
_MOST_KINDS = 200  # a multipart type holds a boundary, each time another
_kinds: dict[str, bool] = {}
"""Content-Type -> is it text? An app has few."""


class Gone(OSError):
    """Nobody takes the answer any more. ASGI 2.4 has `send` raise an OSError of the server's own for it."""


class Answer:
    """Collects one answer and delivers it, as the bytes the Runtime API takes, when it is complete.

    `start` may be called again as long as nothing was written (WSGI's exc_info); `end` delivers. Header names are lower-case,
    and values without the blanks around them, which are not part of them (RFC 9110 5.5; Django's cookies come with one).
    """

    streamed = False
    gone = False
    """Did who asked hang up in the middle? Never known of an answer that goes as a whole."""
    started = False
    ended = False

    def __init__(self, request: Request, deliver: Callable[[bytes], None]) -> None:
        self._request = request
        self._deliver = deliver
        self._parts: list[bytes] = []

    def start(self, status: int, headers: Headers) -> None:
        """Raises ValueError, as servers do, for a header that would break out of its line and a status that ends no request."""
        if not 200 <= status <= 999:
            raise ValueError(f"the status of an answer is between 200 and 999, not {status}")
        values = "".join([value for _, value in headers])
        if "\n" in values or "\r" in values or "\0" in values:
            name, value = next(pair for pair in headers if any(char in pair[1] for char in "\n\r\0"))
            raise ValueError(f"the header {name!r} of the answer holds a line break: {value!r}")
        self._status, self._headers = status, headers
        self.started = True

    def write(self, chunk: bytes) -> None:
        if chunk:
            self._parts.append(chunk)

    @property
    def size(self) -> int:
        """Bytes of body written so far."""
        return sum(map(len, self._parts))

    def end(self) -> None:
        self.ended = True
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._deliver(encode(self._request, self._status, self._headers, body))

    def fail(self, error: dict[str, Any] | None = None) -> None:
        """Answers 500 in place of what was collected, as an app server does for an app that raised (`error` says what)."""
        self._parts = [SORRY]
        self.start(500, SORRY_HEADERS)
        self.end()

    def explains(self, error: BaseException) -> bool:
        """Did the app raise it only because who asked has gone?"""
        return False

    def close(self) -> None:
        """The app is done with it."""


def encode(request: Request, status: int, headers: Headers, body: bytes) -> bytes:
    """The answer to a request in the form its sender reads."""
    head = request.method == "HEAD"
    bare = head or status in (204, 304)
    names, length = dict(headers), str(len(body))
    if bare or len(names) < len(headers) or names.get("content-length", length) != length or not _HOP_BY_HOP.isdisjoint(names):
        headers = settle(headers, len(body), bare=bare, recount=not head and status != 304)
        names = dict(headers)
    if bare:
        body = b""
    start = f'{{"statusCode":{status},{headers_json(request.form, status, headers)}'
    text = _as_text(names, body)
    if text is not None:
        quoted = quote(text)
        # Near the limit: quotes grow twofold and control characters sixfold, base64 by a third. (A REST API decodes base64 only
        # for types it was told of.)
        if len(quoted) < _ROOMY or len(quoted) - len(text) <= len(body) // 3 or request.form == "1.0":
            return f'{start},"body":{quoted},"isBase64Encoded":false}}'.encode("utf-8", "surrogatepass")
    encoded = b2a_base64(body, newline=False)
    return b"".join((start.encode("utf-8", "surrogatepass"), b',"body":"', encoded, b'","isBase64Encoded":true}'))


def settle(headers: Headers, length: int, *, bare: bool, recount: bool) -> Headers:
    """Without what belongs to one connection, and with a Content-Length, if there is one, that is true."""
    kept = []
    for name, value in headers:
        if name in _HOP_BY_HOP:
            continue
        if name == "content-length" and recount:
            if bare:  # RFC 9110 8.6: none in a 204
                continue
            value = str(length)
        kept.append((name, value))
    return kept


def _as_text(headers: dict[str, str], body: bytes) -> str | None:
    """The body as text if its type says so and it is valid UTF-8; None if it must go as base64."""
    if not body:
        return ""
    if "content-encoding" in headers and headers["content-encoding"].strip().lower() != "identity":
        return None
    kind = headers.get("content-type", "")
    if not (_kinds[kind] if kind in _kinds else _is_text(kind)):
        return None
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError:
        return None


def _is_text(value: str) -> bool:
    kind = value.partition(";")[0].strip().lower()
    known = kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
    if len(_kinds) < _MOST_KINDS:
        _kinds[value] = known
    return known


def headers_json(form: str, status: int, headers: Headers) -> str:
    if form == "2.0":
        names = dict(headers)
        if "set-cookie" not in names and len(names) == len(headers):
            return '"headers":{' + ",".join([f"{quote(name)}:{quote(value)}" for name, value in headers]) + "}"
        cookies = ",".join([quote(value) for name, value in headers if name == "set-cookie"])
        listed = f',"cookies":[{cookies}]' if cookies else ""
        return f'"headers":{_single([pair for pair in headers if pair[0] != "set-cookie"])}{listed}'
    if form == "elb":
        return f'{_described(status)}"headers":{_single(_spell_cookies(headers))}'
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(quote(value))
    pairs = ",".join(f"{quote(name)}:[{','.join(values)}]" for name, values in several.items())
    described = _described(status) if form == "elb-multi" else ""
    return f'{described}"multiValueHeaders":{{{pairs}}}'


def _single(headers: Headers) -> str:
    """Repeated headers become one, as RFC 9110 5.3 allows."""
    joined = dict(headers)
    if len(joined) < len(headers):
        joined = {}
        for name, value in headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return "{" + ",".join([f"{quote(name)}:{quote(value)}" for name, value in joined.items()]) + "}"


def _spell_cookies(headers: Headers) -> Headers:
    """A load balancer without multi-value headers takes one value per name, but tells names apart by case."""
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
