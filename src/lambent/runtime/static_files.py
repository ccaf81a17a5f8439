"""Serves files of the zip below some paths, before the app sees the request.

LAMBENT_STATIC says which: "/static=staticfiles /=dist" are paths with the folders of their files. What isn't there, or is asked
for with another method than GET and HEAD, goes to the app. Folders aren't listed; "/" at the end means index.html.
"""

from __future__ import annotations

import posix

from .environment import variable
from .host import Host
from .request import unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from .request import Request
    from .response import Response

_TASK = __file__.rpartition("/")[0].rpartition("/")[0]
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "htm": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "csv": "text/csv",
    "xml": "text/xml",
    "ics": "text/calendar",
    "json": "application/json",
    "map": "application/json",
    "webmanifest": "application/manifest+json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "wasm": "application/wasm",
    "zip": "application/zip",
    "gz": "application/gzip",
}
_FOREVER = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=60"
_HASH_LENGTH = 8
"""Of bundlers; those in hex may be longer (Django: 12)."""


class _File:
    """A file to serve: an ETag from its content, and the encodings of the compressed copies next to it."""

    def __init__(self, path: str) -> None:
        from hashlib import sha256  # takes 3 ms, which a start doesn't need

        self.path = path
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib would cost 10 ms
            self.tag = sha256(file.read()).hexdigest()[:20]
        self.encodings = [(name, ending) for name, ending in _ENCODINGS if _size(path + ending) is not None]
        self.type = _content_type(path)
        self.cache_control = _FOREVER if _has_hash(path) else _BRIEFLY


class StaticFilesHost(Host):
    """Serves the files that `setting` names, and leaves everything else to another host."""

    def __init__(self, host: Host, setting: str) -> None:
        self._host = host
        task = variable("LAMBDA_TASK_ROOT") or _TASK
        pairs = [pair.partition("=") for pair in setting.split()]
        mounts = [(prefix.rstrip("/"), f"{task}/{folder.strip('/')}") for prefix, _, folder in pairs]
        self._mounts = sorted(mounts, key=lambda mount: -len(mount[0]))
        self._files: dict[str, _File] = {}

    def start(self) -> None:
        self._host.start()

    def close(self) -> None:
        self._host.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._host.run(work)

    def handle(self, request: Request, response: Response) -> None:
        """Answer with a file if there is one, otherwise with the app."""
        file = self._find(request) if request.method in ("GET", "HEAD") else None
        if file is None:
            self._host.handle(request, response)
        else:
            _send(file, request, response)

    def _find(self, request: Request) -> _File | None:
        path = unquote(request.path).decode("utf-8", "surrogateescape")
        path = path[len(request.root_path) :] if path.startswith(request.root_path) else path
        for prefix, folder in self._mounts:
            if path.startswith(f"{prefix}/"):
                name = path[len(prefix) + 1 :]
                name += "index.html" if not name or name.endswith("/") else ""
                file = self._open(f"{folder}/{name}") if _is_plain(name) else None
                if file is not None:
                    return file
        return None

    def _open(self, path: str) -> _File | None:
        if path not in self._files:
            if _size(path) is None:
                return None
            self._files[path] = _File(path)
        return self._files[path]


def _is_plain(name: str) -> bool:
    """Return whether a path stays in its folder and names no hidden file."""
    parts = name.split("/")
    return "\0" not in name and all(part and (part[0] != "." or part == ".well-known") for part in parts)


def _size(path: str) -> int | None:
    """Return the size of a regular file in bytes, or None."""
    try:
        status = posix.stat(path)
    except OSError:
        return None
    return status.st_size if status.st_mode & 0o170000 == 0o100000 else None


def _content_type(path: str) -> str:
    media_type = _TYPES.get(path.rpartition(".")[2].lower(), "application/octet-stream")
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _has_hash(path: str) -> bool:
    """Return whether the name holds a hash of the content: "app.55e7cbb9ba48.css" (Django), "index-BxYz12k3.js" (Vite)."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    for part in stem.replace("-", ".").split(".")[1:]:
        is_hex = len(part) >= _HASH_LENGTH and all(char in "0123456789abcdef" for char in part)
        if (is_hex and _has_digit(part) and not part.isdigit()) or _is_mixed_hash(part):
            return True
    return False


def _is_mixed_hash(part: str) -> bool:
    """Return whether a part of a name is a hash in base64. "Chapter1" and "2024Plan" are words: their digits are at an end."""
    is_base64 = len(part) == _HASH_LENGTH and part.replace("_", "a").isalnum()
    return is_base64 and _has_digit(part.strip("0123456789")) and not part.islower() and not part.isupper()


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _send(file: _File, request: Request, response: Response) -> None:
    names = dict(request.headers)
    byte_range = names.get("range", "")
    encoding, ending = ("", "") if byte_range else _encoding(file, names.get("accept-encoding", ""))
    tag = f'"{file.tag}{ending}"'
    headers = [("cache-control", file.cache_control), ("etag", tag), ("content-type", file.type)]
    if file.encodings:
        headers.append(("vary", "accept-encoding"))
    if _matches(names.get("if-none-match", ""), tag):
        response.start(304, headers)
        response.end()
        return
    headers.append(("accept-ranges", "bytes"))
    if encoding:
        headers.append(("content-encoding", encoding))
    size = _size(file.path + ending) or 0
    bounds = _range(byte_range, size) if byte_range and names.get("if-range", tag) == tag else None
    first, end = bounds or (0, size)
    if bounds is not None:
        headers.append(("content-range", f"bytes {first}-{end - 1}/{size}" if first < end else f"bytes */{size}"))
    headers.append(("content-length", str(max(0, end - first))))
    response.start(200 if bounds is None else 206 if first < end else 416, headers)
    if request.method == "GET" and first < end:
        with open(file.path + ending, "rb", 0) as content:  # noqa: PTH123 - as above
            content.seek(first)
            response.write(content.read(end - first))
    response.end()


def _encoding(file: _File, accepted: str) -> tuple[str, str]:
    """Return the best encoding that the client accepts, and the ending of its file."""
    names = {}
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        names[name.strip()] = quality.strip().replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next(((name, ending) for name, ending in file.encodings if names.get(name)), ("", ""))


def _matches(header: str, tag: str) -> bool:
    """Return whether an If-None-Match names this ETag. A proxy may have made it weak."""
    tags = [each.strip() for each in header.split(",")]
    return tag in tags or f"W/{tag}" in tags or "*" in tags


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last of a single range; None for several, or what isn't a range of bytes.

    An empty range can't be satisfied.
    """
    unit, _, bounds = header.partition("=")
    first, dash, last = bounds.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or not (first or last) or not (first + last).isdecimal():
        return None
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size
