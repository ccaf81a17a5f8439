"""What both adapters do with a response before they put it into a dict."""

from __future__ import annotations

from binascii import b2a_base64

from ..response import Response, normalize_headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..request import Headers, Request


class CollectedResponse(Response):
    """A response that isn't sent anywhere: read `status` and `content()` once it has ended."""

    def __init__(self, request: Request) -> None:
        super().__init__(request, lambda body: None)

    @property
    def status(self) -> int:
        return self._status

    def end(self) -> None:
        self.ended = True

    def content(self) -> tuple[Headers, bytes]:
        """Return headers and body as a server sends them: no body where none is allowed, a correct Content-Length."""
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        head = self._request.method == "HEAD"
        bodiless = head or self._status in (204, 304)
        recount = not head and self._status != 304
        headers = normalize_headers(self._headers, len(body), bodiless=bodiless, recount=recount)
        return headers, b"" if bodiless else body


def is_compressed(headers: Headers) -> bool:
    """Return whether the body has a content coding, such as gzip."""
    return dict(headers).get("content-encoding", "identity").lower() != "identity"


def encode_body(body: bytes, *, text: bool) -> tuple[str, bool]:
    """Return the body as a string, and whether that is base64 because it isn't text or isn't valid UTF-8."""
    if text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b2a_base64(body, newline=False).decode(), True


def join(headers: Headers) -> dict[str, str]:
    """Return one value per name. Repeated headers are joined, as RFC 9110 5.3 allows."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def group(headers: Headers) -> dict[str, list[str]]:
    """Return all values of each name."""
    multi: dict[str, list[str]] = {}
    for name, value in headers:
        multi.setdefault(name, []).append(value)
    return multi


def vary_cookies(headers: Headers) -> dict[str, str]:
    """Return one value per name. Cookies can't be joined, so their names differ in case."""
    cookies = [(name, value) for name, value in headers if name.lower() == "set-cookie"]
    spelled = join([pair for pair in headers if pair not in cookies])
    for count, (name, value) in enumerate(cookies):
        spelled[_vary(name, count)] = value
    return spelled


def _vary(name: str, count: int) -> str:
    """Return the count-th spelling of a name: "set-cookie", "Set-cookie", "sEt-cookie" ..."""
    letters = iter(range(len(name)))
    return "".join(char if not char.isalpha() else char.swapcase() if count >> next(letters) & 1 else char for char in name)
