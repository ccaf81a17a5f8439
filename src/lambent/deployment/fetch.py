"""One GET request to a URL, and who answered it: AWS or the app."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

from lambent.aws.values import Pairs
from lambent.lazy import LazyModule
from lambent.loopback import is_loopback

if TYPE_CHECKING:
    import urllib3
else:
    urllib3 = LazyModule("urllib3")

_BODY_MAX = 64 * 1024


class Response(Struct, frozen=True):
    """An HTTP response. Without one, `status` is 0 and `failure` says why. `body` holds at most the first 64 KB."""

    status: int
    body: bytes = b""
    error_type: str = ""
    failure: str = ""

    @property
    def forbidden(self) -> bool:
        """Whether AWS itself refused, because a permission is missing. An app's own 403 is an ordinary response."""
        return self.status == 403 and self.error_type == "AccessDeniedException" and not self.unknown_url

    @property
    def unknown_url(self) -> bool:
        """Whether AWS doesn't know the URL (yet): it says so with 403 and a null message, not with 404."""
        return self.status == 403 and self.error_type == "AccessDeniedException" and _message_is_null(self.body)

    @property
    def bad_signature(self) -> bool:
        """Whether AWS rejected the request's signature: another key, another region, or a wrong clock."""
        return self.status == 403 and self.error_type == "InvalidSignatureException"

    @property
    def crashed(self) -> bool:
        """Whether this is Lambda's own 502: the function failed."""
        return self.status == 502 and self.body.strip() == b"Internal Server Error"

    @property
    def raw(self) -> bool:
        """Whether a URL that streams shows, as the page, the JSON that a function returns to a BUFFERED URL."""
        try:
            document = json.loads(self.body) if self.status == 200 else None
        except ValueError:
            return False
        return isinstance(document, dict) and {"statusCode", "isBase64Encoded"} <= set(document)

    @property
    def worth_retrying(self) -> bool:
        """Whether time may fix it: permissions and host names take a while to spread through AWS, and throttling passes."""
        return self.status in (0, 429) or self.forbidden or self.unknown_url


Fetch = Callable[[str, float, Pairs], Response]
"""Sends a GET to a URL with extra headers, and waits at most so many seconds."""


def fetch(url: str, timeout_s: float, headers: Pairs = ()) -> Response:
    """Send one GET. Network failures never raise: they return a `Response` with status 0.

    There is no retry here: what is worth another request depends on who answered, which `url_check` decides.
    """
    parts = urlsplit(url)
    all_headers = {"Host": parts.netloc, "User-Agent": "lambent", "Accept": "*/*", **dict(headers)}
    try:
        pool, target = connection_pool(parts)
        with pool.urlopen(
            "GET", target, headers=all_headers, timeout=timeout_s, retries=False, redirect=False,
            assert_same_host=False, preload_content=False, decode_content=False,
        ) as response:  # fmt: skip
            body = _body(response)
            return Response(response.status, body, response.headers.get("x-amzn-ErrorType", "").split(":")[0])
    except urllib3.exceptions.NameResolutionError:
        return Response(0, failure=f"the host name {parts.hostname} can't be resolved (yet)")
    except urllib3.exceptions.TimeoutError:
        return Response(0, failure=f"no response within {timeout_s:.0f} s")
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
        return Response(0, failure=str(error) or type(error).__name__)


def connection_pool(parts: SplitResult) -> tuple[urllib3.HTTPConnectionPool, str]:
    """Return a connection pool and what to request from it: directly, or through the proxy that the environment names."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # RFC 6761: every name under .localhost is loopback, but the C library's resolver need not know it.
    proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
    if proxy is None:
        address = "127.0.0.1" if host.endswith("localhost") else host
        return urllib3.PoolManager().connection_from_host(address, port, parts.scheme), path
    proxy_parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    login = f"{unquote(proxy_parts.username)}:{unquote(proxy_parts.password or '')}" if proxy_parts.username else None
    manager = urllib3.ProxyManager(
        f"http://{proxy_parts.hostname}:{proxy_parts.port or 80}", proxy_headers=urllib3.make_headers(proxy_basic_auth=login)
    )
    pool = manager.connection_from_host(host, port, parts.scheme)
    return pool, path if secure else f"http://{parts.netloc}{path}"  # the proxy reads the whole address of plain HTTP


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read the body. Of a successful stream the first bytes are enough: the rest may take as long as the function may."""
    if not 200 <= response.status < 300 or "Transfer-Encoding" not in response.headers:
        return response.read(_BODY_MAX)
    try:
        return response.read1(_BODY_MAX)
    except urllib3.exceptions.ReadTimeoutError:
        return b""  # the status and headers arrived


def _message_is_null(body: bytes) -> bool:
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and "Message" in document and document["Message"] is None
