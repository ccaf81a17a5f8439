"""Asks a URL over HTTP as anybody would, and reads from the answer who gave it: AWS or the app."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct

from lambent.aws.values import Pairs

_BODY_MOST = 64 * 1024


class Answer(Struct, frozen=True):
    """An HTTP answer, or none at all: `status` 0 with the reason in `failure`. `body` holds at most its first 64 KB."""

    status: int
    body: bytes = b""
    error_type: str = ""
    failure: str = ""

    @property
    def forbidden(self) -> bool:
        """AWS itself refused, for want of a permission statement; an app's own 403 is an answer like any other."""
        return self.status == 403 and self.error_type == "AccessDeniedException" and not self.unknown

    @property
    def unknown(self) -> bool:
        """AWS does not know this URL (yet): it says 403 with a null message, not 404."""
        return self.status == 403 and self.error_type == "AccessDeniedException" and _message_is_null(self.body)

    @property
    def missigned(self) -> bool:
        """AWS does not take the signature of the request: another key, another region, a clock that is wrong."""
        return self.status == 403 and self.error_type == "InvalidSignatureException"

    @property
    def crashed(self) -> bool:
        """Lambda's own 502: the function failed."""
        return self.status == 502 and self.body.strip() == b"Internal Server Error"

    @property
    def raw(self) -> bool:
        """The whole JSON that a function answers to a BUFFERED URL, shown as the page by one that streams."""
        try:
            parsed = json.loads(self.body) if self.status == 200 else None
        except ValueError:
            return False
        return isinstance(parsed, dict) and {"statusCode", "isBase64Encoded"} <= set(parsed)

    @property
    def worth_retrying(self) -> bool:
        """Whether time may mend it: permissions and names spread through AWS, throttling passes."""
        return self.status in (0, 429) or self.forbidden or self.unknown


Ask = Callable[[str, float, Pairs], Answer]
"""Asks a URL with GET and these headers beside the usual ones, waiting at most so many seconds."""


def ask(url: str, within_s: float, headers: Pairs = ()) -> Answer:
    """One GET. Never raises for what the network does: no answer is an `Answer` with status 0."""
    parts = urlsplit(url)
    connection, path = _connection(parts, within_s)
    told = {"Host": parts.netloc, "User-Agent": "lambent", "Accept": "*/*", **dict(headers)}
    try:
        connection.request("GET", path, headers=told)
        response = connection.getresponse()
        return Answer(response.status, _body(response), response.getheader("x-amzn-ErrorType", "").split(":")[0])
    except socket.gaierror:
        return Answer(0, failure=f"the name {connection.host} is not known (yet)")
    except TimeoutError:
        return Answer(0, failure=f"no answer within {within_s:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, failure=str(error) or type(error).__name__)
    finally:
        connection.close()


def _connection(parts: SplitResult, within_s: float) -> tuple[http.client.HTTPConnection, str]:
    """Where to connect, and the path to ask there: straight, or through the proxy that HTTP(S)_PROXY and NO_PROXY name."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # RFC 6761: every name under .localhost is loopback, but the C library's resolver need not know it.
    here = host == "localhost" or host.endswith(".localhost")
    proxy = None if here or host.startswith("127.") or host == "::1" or proxy_bypass(host) else getproxies().get(parts.scheme)
    if proxy is None:
        address = "127.0.0.1" if here else host
        if secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(address, port, timeout=within_s, context=context), path
        return http.client.HTTPConnection(address, port, timeout=within_s), path
    via = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    towards = (via.hostname or "", via.port or 80)
    if not secure:  # the proxy reads the whole address
        return http.client.HTTPConnection(*towards, timeout=within_s), f"http://{parts.netloc}{path}"
    tunnel = http.client.HTTPSConnection(*towards, timeout=within_s, context=ssl.create_default_context())
    tunnel.set_tunnel(host, port, headers=_proxy_login(via))
    return tunnel, path


def _proxy_login(via: SplitResult) -> dict[str, str]:
    if via.username is None:
        return {}
    login = f"{unquote(via.username)}:{unquote(via.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _body(response: http.client.HTTPResponse) -> bytes:
    """Of a good answer that is streamed its beginning is enough: the rest may take as long as the function may."""
    if not 200 <= response.status < 300 or response.getheader("Transfer-Encoding") is None:
        return response.read(_BODY_MOST)
    try:
        return response.read1(_BODY_MOST)
    except TimeoutError:
        return b""  # its head is an answer


def _message_is_null(body: bytes) -> bool:
    try:
        parsed = json.loads(body)
    except ValueError:
        return False
    return isinstance(parsed, dict) and "Message" in parsed and parsed["Message"] is None
