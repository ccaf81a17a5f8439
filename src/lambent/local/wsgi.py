"""Call a WSGI application with one complete HTTP request."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from lambent.local.http import Request, Response

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_META = "x-amz-meta-"


def respond(application: Application, request: Request) -> Response:
    """Run the application in the calling thread and return its response. Lets its exceptions through."""
    starts: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        starts.append((status, headers))
        return lambda data: None

    chunks = application(_environ(request), start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()
    status, headers = starts[-1]
    return Response(int(status.split()[0]), tuple(headers), body)


def _environ(request: Request) -> dict[str, Any]:
    host, _, port = (request.header("host") or "").rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "RAW_URI": f"{request.path}?{request.query}" if request.query else request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": host or "127.0.0.1",
        "SERVER_PORT": port if port.isdigit() else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    # WSGI can't distinguish x-amz-meta-a_b from x-amz-meta-a-b, but S3 does. moto reads the real names from a key of its own.
    original_names: dict[str, str] = {}
    for name, value in request.headers:
        if "_" in name and not name.startswith(_META):
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if "_" in name:
            original_names[key] = name
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if original_names:
        environ["moto.preserved_header_names"] = original_names
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ
