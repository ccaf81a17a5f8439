"""A proxy between a deploy and AWS (or the local Lambda) that knows each call by name and may intercept it."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import IPPROTO_TCP, TCP_NODELAY
from urllib.parse import urlsplit

from support.faults.aws_errors import Refusal
from support.faults.calls import Call, identify

Forward = Callable[[], None]
"""Lets the call take effect, and keeps its answer."""

CUT, TRUNCATED = "cut", "torn"
"""What an interceptor returns to cut the connection instead of the answer, or in the middle of it."""

Interceptor = Callable[[Call, Forward], "Refusal | str | None"]
"""Decides about a call: None lets it pass. It may have forwarded the call already."""

OnAnswer = Callable[[Call, Refusal], None]
"""Is called with every true answer before the deploy gets it."""

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Proxy:
    """`calls` are the calls of a run in order, each once; `sent` is the number of requests, repetitions included."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.host, self.port = str(parts.hostname), parts.port or 80
        self.on_answer: OnAnswer = lambda call, answer: None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.begin(None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def begin(self, interceptor: Interceptor | None) -> None:
        """Begin a new run: calls are counted from the start."""
        with self._lock:
            self.interceptor = interceptor
            self.calls: list[Call] = []
            self.sent = 0
            self._counts: Counter[str] = Counter()
            self._by_id: dict[str, Call] = {}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def identify_call(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Call:
        """Return the call of this request. botocore's repetitions of a call have the same ID."""
        service, operation, detail = identify(method, target, headers, body)
        attempt = headers.get("amz-sdk-request", "attempt=1").partition("attempt=")[2].partition(";")[0]
        with self._lock:
            self.sent += 1
            key = headers.get("amz-sdk-invocation-id", "")
            if key not in self._by_id:
                base = operation + (f"({detail})" if detail and not detail.isdigit() else "")
                self._counts[base] += 1
                count = self._counts[base]
                self._by_id[key] = Call(service, operation, base + (f"#{count}" if count > 1 else ""), 1)
                self.calls.append(self._by_id[key])
            first = self._by_id[key]
        return Call(service, operation, first.label, int(attempt or 1))


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    proxy = Proxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def pass_on(self) -> None:
            body = self.body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = proxy.identify_call(self.command, self.path, headers, body)
            answers: list[Refusal] = []

            def forward() -> None:
                answers.append(upstream(proxy, self.command, self.path, headers, body))
                proxy.on_answer(call, answers[-1])

            action = proxy.interceptor(call, forward) if proxy.interceptor else None
            if action == CUT:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            if action in (None, TRUNCATED) and not answers:
                forward()
            self.answer(action if isinstance(action, tuple) else answers[-1], torn=action == TRUNCATED)

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                pieces = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)
            return self.rfile.read(int(self.headers.get("content-length") or 0))

        def answer(self, refusal: Refusal, torn: bool) -> None:
            status, headers, body = refusal
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if torn else body)
            if torn:
                self.close_connection = True
                self.connection.shutdown(2)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on

    return Handler


def upstream(proxy: Proxy, method: str, target: str, headers: dict[str, str], body: bytes) -> Refusal:
    """Return the true answer."""
    connection = http.client.HTTPConnection(proxy.host, proxy.port, timeout=120)
    sent_headers = {name: value for name, value in headers.items() if name not in {*_HOP, "expect", "host"}}
    sent_headers["host"] = f"{proxy.host}:{proxy.port}"
    try:
        connection.request(method, target, body or None, {**sent_headers, "content-length": str(len(body))})
        answer = connection.getresponse()
        answer_headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        return answer.status, answer_headers, answer.read()
    finally:
        connection.close()
