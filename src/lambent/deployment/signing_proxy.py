"""A server on this machine that signs the requests of one client, and passes them on to a URL that takes only signed ones.

curl can sign on its own, but up to at least 7.88 its signature is wrong for a query, an encoded path or an uploaded file. And
here the credentials stay in this process: a client knows only a token, and no one can use the server without it.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.deployment.fetch import connection_pool
from lambent.errors import AwsError
from lambent.lazy import LazyModule
from lambent.limits import TIMEOUT_MAX_S

if TYPE_CHECKING:
    import urllib3
else:
    urllib3 = LazyModule("urllib3")

TOKEN_HEADER = "x-lambent-token"
_NOT_PASSED_ON = frozenset(
    (
        *(TOKEN_HEADER, "host", "connection", "expect", "keep-alive", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    )
)
_ESCAPE = re.compile("%[0-9a-fA-F]{2}")
_CHUNK = 64 * 1024


class Proxy(Struct, frozen=True):
    """Where the server listens, and the value of the header TOKEN_HEADER that a client sends."""

    port: int
    token: str


@contextmanager
def signing_proxy(aws: Aws, url: str) -> Iterator[Proxy]:
    """Serve until the end of the context."""
    server = _Server(aws, url.rstrip("/"))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Proxy(server.server_address[1], server.token)
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, aws: Aws, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.aws, self.url, self.token = aws, url, secrets.token_urlsafe(32)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """Answer any method: the base class has one method for each."""
        self.raw_requestline = self.rfile.readline(65537)
        self.close_connection = True
        if self.raw_requestline and self.parse_request():
            self._pass_on()

    def _pass_on(self) -> None:
        self.close_connection = True
        if not hmac.compare_digest(self.headers.get(TOKEN_HEADER, "").encode("latin-1"), self.server.token.encode()):
            self._refuse(403, "this server is for the command that started it")
            return
        body = self._body()
        path = quote(self.path.encode("latin-1"), safe=string.punctuation)
        path = _ESCAPE.sub(lambda escape: escape[0].upper(), path)  # urllib3 sends it like that, so it must be signed like that
        address = self.server.url + path
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
        try:
            headers |= dict(self.server.aws.signed(address, self.command, body))
            self._forward(address, headers, body)
        except AwsError as error:
            self._refuse(502, f"{error.what} ({error.hint})" if error.hint else error.what)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            self._refuse(502, f"no answer from {urlsplit(self.server.url).netloc}: {error}")

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return b"".join(chunks)

    def _forward(self, address: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(address)
        pool, target = connection_pool(parts)
        with pool.urlopen(
            self.command, target, body or None, {**headers, "Host": parts.netloc}, timeout=TIMEOUT_MAX_S, retries=False,
            redirect=False, assert_same_host=False, preload_content=False, decode_content=False,
        ) as response:  # fmt: skip
            self.send_response_only(response.status, response.reason)
            for name, value in response.headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            while chunk := response.read1(_CHUNK):
                self.wfile.write(chunk)
                self.wfile.flush()

    def _refuse(self, status: int, text: str) -> None:
        data = f"{text}\n".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing: curl shows what happens."""
