"""The console: a page of the local Lambda for its owner, at a host name of its own.

Nothing else is served under that name, so no page of a function or of S3 has the console's origin, and browsers count it as
another site than all others. A browser gets a session for a token that only those have who can read the state folder.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, unquote

from msgspec.structs import replace

from lambent.limits import PAYLOAD_MAX
from lambent.local.console.console_api import ConsoleApi, ConsoleParts, Refused, as_json
from lambent.local.console.sessions import Sessions
from lambent.local.http import Request, Response

HOST = "lambent-console.localhost"
BODY_MAX = 2 * PAYLOAD_MAX
"""Of a request: an event as a string in JSON."""

_COOKIE = "lambent-console"
_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", _POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)


class Console:
    """Answers requests to the console's host."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._api = ConsoleApi(parts)
        self._sessions = Sessions()
        self._files = {path.name: path for path in _STATIC.iterdir() if path.suffix in _TYPES}
        self._origin = f"http://{HOST}" + (f":{parts.port}" if parts.port != 80 else "")

    def address(self) -> str:
        """Return an address of the page that works once, for some minutes."""
        return f"{self._origin}/?token={self._sessions.create_token()}"

    async def answer(self, request: Request) -> Response:
        try:
            response = await self._answer(request)
        except Refused as refused:
            response = as_json({"message": str(refused)}, refused.status)
        return replace(response, headers=(*response.headers, *_HEADERS))

    async def _answer(self, request: Request) -> Response:
        if not request.path.startswith("/api/"):
            return self._page(request)
        if not self._sessions.is_open(_session(request)):
            raise Refused(401, "this browser has no session: run lambent open --console")
        if not self._is_own(request):
            raise Refused(403, "only the console's own page may use this")
        return await self._api.answer(request, unquote(request.path.removeprefix("/api/")))

    def _page(self, request: Request) -> Response:
        """Return the page or one of its files. Everyone may have them: there is nothing of the owner's in them."""
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "only GET")
        if request.path != "/":
            return self._file(request.path.removeprefix("/"))
        token = parse_qs(request.query).get("token", [""])[0]
        if token:
            session = self._sessions.exchange(token)
            cookie = f"{_COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict"
            return Response(303, (("location", "/"), *((("set-cookie", cookie),) if session else ())), b"")
        return self._file("console.html" if self._sessions.is_open(_session(request)) else "locked.html")

    def _file(self, name: str) -> Response:
        path = self._files.get(name)
        if path is None:
            raise Refused(404, "there is no such file")
        return Response(200, (("content-type", f"{_TYPES[path.suffix]}; charset=utf-8"),), path.read_bytes())

    def _is_own(self, request: Request) -> bool:
        """Whether the console's page made the request. Browsers say so in one of these headers, and in both for a POST."""
        origin, site = request.header("origin"), request.header("sec-fetch-site")
        if origin not in (None, self._origin) or site not in (None, "same-origin"):
            return False
        return request.method == "GET" or (origin is not None and request.header("content-type") == "application/json")


def _session(request: Request) -> str:
    try:
        morsel = SimpleCookie(request.header("cookie") or "").get(_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
