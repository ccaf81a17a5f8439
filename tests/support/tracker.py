"""What an app's trackers send their reports to: a server that answers when the test says so."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Receiver:
    """A context manager. `received` are the path and the unpacked body of each POST or PUT whose answer was sent.

    While `open` is cleared, requests wait for their answer.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self.open = threading.Event()
        self.open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.dsn = f"http://key@127.0.0.1:{self.port}/1"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def errors(self) -> list[str]:
        """Return the texts of the exceptions that Sentry's SDK has sent."""
        parts = [body.split(b"\n") for _, body in self.received]
        events = [json.loads(lines[2]) for lines in parts if json.loads(lines[1])["type"] == "event"]
        return [event["exception"]["values"][-1]["value"] for event in events]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.open.wait(60)
            receiver.received.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PUT = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
