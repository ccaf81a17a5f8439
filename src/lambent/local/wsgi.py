"""One complete HTTP request into a WSGI application, one complete answer out of it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from lambent.local.persistence import Call

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_META = "x-amz-meta-"


class Answer(Struct, frozen=True):
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def respond(application: Application, call: Call) -> Answer:
    """Runs the application in the calling thread. Whatever it raises goes through."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return lambda data: None

    result = application(_environ(call), start_response)
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close:
            close()
    status, headers = started[-1]
    return Answer(int(status.split()[0]), tuple(headers), body)


def _environ(call: Call) -> dict[str, Any]:
    host, _, port = call.header("host").rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(call.path).decode("latin-1"),
        "RAW_URI": f"{call.path}?{call.query}" if call.query else call.path,
        "QUERY_STRING": call.query,
        "SERVER_NAME": host or "127.0.0.1",
        "SERVER_PORT": port if port.isdigit() else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    spelled: dict[str, str] = {}  # moto's own key: WSGI cannot tell x-amz-meta-a_b from x-amz-meta-a-b, and S3 does
    for name, value in call.headers:
        if "_" in name and not name.startswith(_META):
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if "_" in name:
            spelled[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if spelled:
        environ["moto.preserved_header_names"] = spelled
    environ["CONTENT_LENGTH"] = str(len(call.body))
    return environ
