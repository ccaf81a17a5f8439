"""Hosts a WSGI app as PEP 3333 says. It doesn't import asyncio, which takes 60 ms."""

from __future__ import annotations

import sys
from _io import BytesIO

from .host import Host
from .request import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .request import Headers, Request
    from .response import Response


_BLOCK = 65536
_CACHE_MAX = 500  # clients can send any header name
_keys: dict[str, str] = {}
"""Header name -> its key in the environ, "" if it has none: a cache, since most requests have the same names."""


class WsgiHost(Host):
    """Calls a WSGI app, one request after the other."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle(self, request: Request, response: Response) -> None:
        """Answer one request. Raise whatever the app raises."""
        writer = _BodyWriter(response)
        result = self._app(environ(request), writer.start)
        try:
            for chunk in result:
                if chunk:
                    writer.write(chunk)
            if not response.started:
                raise AssertionError("the WSGI app never called start_response")
            response.end()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()


class FileWrapper:
    """PEP 3333's `wsgi.file_wrapper`: reads a file in blocks that suit the server; the app's block size is only a hint.

    It can seek, which Werkzeug needs to send a range of a file.
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


class _BodyWriter:
    """The server's side of start_response. Headers count as sent with the first byte of the body, as in the PEP."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._sent = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self._sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # avoids a reference cycle through the traceback
        elif self._response.started:
            raise AssertionError("start_response was called twice without exc_info")
        self._response.start(int(status[:3]), [(name.lower(), value.strip(" \t")) for name, value in headers])
        return self.write

    def write(self, chunk: bytes) -> None:
        if not self._response.started:
            raise AssertionError("the WSGI app returned a body before it called start_response")
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"the body of a WSGI response must be bytes, not {type(chunk).__name__}")
        if chunk:
            self._sent = True
            self._response.write(bytes(chunk))


def environ(request: Request) -> dict[str, Any]:
    """Return the environ of a request: PEP 3333's keys, those that servers add, and Lambda's event and context."""
    values = _request_variables(request)
    headers = request.headers
    try:
        variables = {_keys[name]: value for name, value in headers}
    except KeyError:
        variables = {}
    if len(variables) == len(headers) and request.ascii and "" not in variables:  # the usual case: each name once
        values.update(variables)
    else:
        values.update(_header_variables(headers))
    return values


def _request_variables(request: Request) -> dict[str, Any]:
    path, script, query = request.path, request.root_path, request.query
    uri = f"{path}?{query}" if query else path
    if "%" in path:
        path = unquote(path).decode("latin-1")
    if script:
        script = script.encode("utf-8", "surrogatepass").decode("latin-1")
    host, port = request.server
    return {
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


def _header_variables(headers: Headers) -> dict[str, str]:
    """Return the headers by environ key. Repeated ones are joined; those without a key are dropped."""
    variables: dict[str, str] = {}
    for name, value in headers:
        key = _keys[name] if name in _keys else _key(name)
        if not value.isascii():
            value = native_string(value)
        variables[key] = f"{variables[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}" if key in variables else value
    variables.pop("", None)
    return variables


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    if "_" in name:
        key = ""  # would be mistaken for the header with "-", a way past checks; servers drop it too
    elif key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_keys) < _CACHE_MAX:
        _keys[name] = key
    return key


def native_string(value: str) -> str:
    """Return a header value as WSGI wants it: its bytes decoded as latin-1."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    return value
