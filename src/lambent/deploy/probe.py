"""Asks a URL over HTTP as anybody would, and reads from the answer who gave it: AWS or the app."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_BODY_MOST = 64 * 1024


@dataclass(frozen=True)
class Answer:
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


Ask = Callable[[str, float], Answer]
"""Asks a URL with GET, waiting at most so many seconds."""


def ask(url: str, within_s: float) -> Answer:
    """One GET. Never raises for what the network does: no answer is an `Answer` with status 0."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    # RFC 6761: every name under .localhost is loopback, but the C library's resolver need not know it.
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(address, port, timeout=within_s)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(address, port, timeout=within_s, context=ssl.create_default_context())
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Host": parts.netloc, "User-Agent": "lambent", "Accept": "*/*"})
        response = connection.getresponse()
        return Answer(response.status, _body(response), response.getheader("x-amzn-ErrorType", "").split(":")[0])
    except socket.gaierror:
        return Answer(0, failure=f"the name {host} is not known (yet)")
    except TimeoutError:
        return Answer(0, failure=f"no answer within {within_s:.0f} s")
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, failure=str(error) or type(error).__name__)
    finally:
        connection.close()


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
