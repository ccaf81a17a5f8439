"""Hosts a WSGI app, by PEP 3333. Does not import asyncio (60 ms)."""

from __future__ import annotations

import sys
from _io import BytesIO

from .request import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .reply import Answer
    from .request import Headers, Request


_BLOCK = 65536
_MOST_KEYS = 500  # a client may send headers of any names it likes
_keys: dict[str, str] = {}
"""Header name -> its key in the environ, "" if it has none. Clients and proxies send the same names again and again."""


class WsgiHost:
    """Calls a WSGI app, one request after the other."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def start(self) -> None:
        """Nothing: a WSGI app is ready once it is imported."""

    def close(self) -> None:
        """Nothing either."""

    def handle(self, request: Request, answer: Answer) -> None:
        """Answers one request. Whatever the app raises goes on to the caller."""
        response = _Response(answer)
        result = self._app(environ(request), response.start)
        try:
            for chunk in result:
                if chunk:
                    response.write(chunk)
            if not answer.started:
                raise AssertionError("the WSGI app never called start_response")
            answer.end()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()


class FileWrapper:
    """PEP 3333's `wsgi.file_wrapper`: a file in blocks of a size that suits the server (the one asked for is a hint).

    Can be sought in, as Werkzeug asks of it for a range of a file.
    """

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self._file = file
        self._size = max(block_size, _BLOCK)
        for name in ("close", "seek", "seekable", "tell"):
            if hasattr(file, name):
                setattr(self, name, getattr(file, name))

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        data: bytes = self._file.read(self._size)
        if not data:
            raise StopIteration
        return data


class _Response:
    """The server's side of start_response. Headers count as sent with the first byte of body, as the PEP has it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._sent = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self._sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle through the traceback
        elif self._answer.started:
            raise AssertionError("start_response was called twice without exc_info")
        self._answer.start(int(status[:3]), [(name.lower(), value.strip(" \t")) for name, value in headers])
        return self.write

    def write(self, chunk: bytes) -> None:
        if not self._answer.started:
            raise AssertionError("the WSGI app gave a body before it called start_response")
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"the body of a WSGI answer is made of bytes, not {type(chunk).__name__}")
        if chunk:
            self._sent = True
            self._answer.write(bytes(chunk))


def environ(request: Request) -> dict[str, Any]:
    """The environ of a request: PEP 3333's keys, what servers add to them, and Lambda's event and context."""
    path, script, query = request.path, request.root_path, request.query
    uri = f"{path}?{query}" if query else path
    if "%" in path:
        path = unquote(path).decode("latin-1")
    if script:
        script = script.encode("utf-8", "surrogatepass").decode("latin-1")
    host, port = request.server
    values: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script,
        "PATH_INFO": path[len(script) :],
        "QUERY_STRING": query,
        "REQUEST_URI": uri,
        "RAW_URI": uri,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
        "REMOTE_ADDR": request.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,  # other environments serve the same app at the same time
        "wsgi.run_once": False,
        "aws.event": request.event,
        "aws.context": request.context,
    }
    headers = request.headers
    try:
        sent = {_keys[name]: value for name, value in headers}
    except KeyError:
        sent = {}
    if len(sent) == len(headers) and request.ascii and "" not in sent:  # names as usual, and each once
        values.update(sent)
    else:
        values.update(_settled(headers))
    return values


def _settled(headers: Headers) -> dict[str, str]:
    """The headers by key. Repeated ones become one; those without a key are left out."""
    sent: dict[str, str] = {}
    for name, value in headers:
        key = _keys[name] if name in _keys else _key(name)
        if not value.isascii():
            value = native(value)
        sent[key] = f"{sent[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}" if key in sent else value
    sent.pop("", None)
    return sent


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    if "_" in name:
        key = ""  # would be taken for the header with "-": a way past checks, so servers drop it
    elif key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_keys) < _MOST_KEYS:
        _keys[name] = key
    return key


def native(value: str) -> str:
    """A header value as WSGI wants it: bytes in the guise of latin-1."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    return value
