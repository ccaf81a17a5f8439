"""What both stand-ins do with an answer before they put it into a dict."""

from __future__ import annotations

from binascii import b2a_base64

from ..reply import Answer, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..request import Headers, Request


class Collected(Answer):
    """An answer that stays here: `status`, and `settled()`, once it has ended."""

    def __init__(self, request: Request) -> None:
        super().__init__(request, lambda body: None)

    @property
    def status(self) -> int:
        return self._status

    def end(self) -> None:
        self.ended = True

    def settled(self) -> tuple[Headers, bytes]:
        """Headers and body as a server would send them: no body where there may be none, a Content-Length that is true."""
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        head = self._request.method == "HEAD"
        bare = head or self._status in (204, 304)
        headers = settle(self._headers, len(body), bare=bare, recount=not head and self._status != 304)
        return headers, b"" if bare else body


def compressed(headers: Headers) -> bool:
    """Does the body go through a content coding, such as gzip?"""
    return dict(headers).get("content-encoding", "identity").lower() != "identity"


def in_json(body: bytes, *, text: bool) -> tuple[str, bool]:
    """The body as a string, and whether that is base64: if it is no text, or not valid UTF-8."""
    if text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b2a_base64(body, newline=False).decode(), True


def join(headers: Headers) -> dict[str, str]:
    """One value per name: repeated headers are joined, as RFC 9110 5.3 allows."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def group(headers: Headers) -> dict[str, list[str]]:
    """All values per name."""
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name, []).append(value)
    return several


def spread(headers: Headers) -> dict[str, str]:
    """One value per name, where cookies, which cannot be joined, go by names that differ in case."""
    cookies = [(name, value) for name, value in headers if name.lower() == "set-cookie"]
    spelled = join([pair for pair in headers if pair not in cookies])
    for count, (name, value) in enumerate(cookies):
        spelled[_vary(name, count)] = value
    return spelled


def _vary(name: str, count: int) -> str:
    """The count-th spelling of a name: "set-cookie", "Set-cookie", "sEt-cookie" ..."""
    letters = iter(range(len(name)))
    return "".join(char if not char.isalpha() else char.swapcase() if count >> next(letters) & 1 else char for char in name)
