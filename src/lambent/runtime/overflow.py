"""Downloads the packages that did not fit into the zip from the user's bucket to /tmp when an environment starts.

LAMBENT_OVERFLOW is the archive's location, "s3://bucket/key"; `overflow.json` next to this module describes its contents. The
parts of the archive are downloaded over several connections and unpacked as they arrive. Each part is checked against its
SHA-256; once all are correct, the folder gets the name that goes on the import path. AWS stops an init after 10 s and starts it
again with the same /tmp, so complete parts are not downloaded twice. This module is imported only if the variable is set.
"""

from __future__ import annotations

import sys
from fcntl import LOCK_EX, flock
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from struct import Struct
from threading import Thread
from time import monotonic, sleep
from zlib import decompressobj
from zlib import error as BadDeflate

from .aws_api import RequestFailed, TemporaryFailure
from .environment import set_variable, variable
from .fault import Fault
from .json_text import parse
from .s3 import WRONG_ARCHIVE, S3Object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from typing import Any

    from .log import Log

    Part = tuple[int, int, str]  # offset in the archive, size in bytes, SHA-256

_CONNECTIONS = 4  # saturates a function's network; more would leave more parts incomplete if the init is stopped
_PART_TIMEOUT_S = 8.0
"""For one part with its retries. A new permission of a role takes some seconds to reach all of S3."""

_CHUNK = 256 * 1024
_LOCAL_HEADER = Struct("<4s5H3I2H")


def load(log: Log) -> None:
    """Make the packages importable. Raise Fault with the archive's location."""
    location = variable("LAMBENT_OVERFLOW")
    try:
        manifest = parse(Path(__file__).with_name("overflow.json").read_bytes())
    except OSError:
        raise _fault(location, "the zip has no overflow.json: it was built without --overflow") from None
    folder = Path(variable("TMPDIR", "/tmp"), "lambent", manifest["sha256"][:32])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("wb") as lock:
            flock(lock, LOCK_EX)  # elsewhere than on AWS several environments may share /tmp
            if not folder.is_dir():
                _download(location, manifest, folder, log)
    except OSError as error:
        size = f"; it needs {manifest['raw'] // 2**20} MB" if error.errno else ""
        raise _fault(location, f"it cannot be unpacked into {folder.parent}: {error.strerror or error}{size}") from None
    _add_to_import_path(str(folder))


def _add_to_import_path(folder: str) -> None:
    """Add the folder after the app's own, also for the processes that the app starts."""
    if folder not in sys.path:
        task = variable("LAMBDA_TASK_ROOT")
        sys.path.insert(sys.path.index(task) + 1 if task in sys.path else 0, folder)
    entries = [entry for entry in variable("PYTHONPATH").split(":") if entry]
    if folder not in entries:
        set_variable("PYTHONPATH", ":".join([folder, *entries]))


def _download(location: str, manifest: dict[str, Any], folder: Path, log: Log) -> None:
    start, part_count = monotonic(), len(manifest["parts"])
    download = _Download(location, manifest, folder)
    existing = part_count - len(download.pending)
    size = sum(part[1] for _, part in download.pending)
    download.run()
    download.folder.rename(folder)
    for index in range(part_count):
        download.marker(index).unlink()
    resumed = f" ({existing} of {part_count} parts were already there)" if existing else ""
    log.line(
        "INFO",
        f"lambent: downloaded {', '.join(manifest['packages'])}: {size:,} bytes from {location}{resumed}, "
        f"{manifest['raw']:,} bytes unpacked into {folder}, in {monotonic() - start:.2f} s",
    )


class _Download:
    """The parts that are not there yet, and the threads that download them."""

    def __init__(self, location: str, manifest: dict[str, Any], folder: Path) -> None:
        self._location = location
        self.folder = folder.with_suffix(".new")
        self._final_folder = folder
        self._executable = frozenset(manifest["executable"])
        self.pending: list[tuple[int, Part]] = [
            (index, part) for index, part in enumerate(manifest["parts"]) if not self.marker(index).exists()
        ]
        self.pending.sort(key=lambda entry: entry[1][1])  # popped from the end: the largest first
        self._failure: BaseException | None = None
        self._object = S3Object(location)

    def marker(self, index: int) -> Path:
        """Return the path of the empty file that marks a part as complete."""
        return self._final_folder.with_suffix(f".{index}")

    def run(self) -> None:
        """Download and unpack all pending parts. Raise Fault, or OSError if /tmp can't hold them."""
        self.folder.mkdir(exist_ok=True)
        threads = [Thread(target=self._work, daemon=True) for _ in range(min(_CONNECTIONS, len(self.pending)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        connection = self._object.connection()
        try:
            while self._failure is None:
                try:
                    index, part = self.pending.pop()
                except IndexError:
                    break
                self._fetch_part(connection, part)
                self.marker(index).touch()
        except Exception as error:
            self._failure = self._failure or error
        finally:
            connection.close()

    def _fetch_part(self, connection: HTTPConnection, part: Part) -> None:
        pause, until = 0.1, monotonic() + _PART_TIMEOUT_S
        while True:
            try:
                self._attempt(connection, part)
                return
            except RequestFailed as error:
                raise _fault(self._location, str(error)) from None
            except TemporaryFailure as failure:
                connection.close()  # the next request opens it again
                if monotonic() + pause > until or self._failure is not None:
                    raise _fault(self._location, str(failure)) from None
            sleep(pause)
            pause = min(2 * pause, 1.0)

    def _attempt(self, connection: HTTPConnection, part: Part) -> None:
        start, size, digest = part
        stream = _Stream(self._object.get_range(connection, start, size), size)
        try:
            while stream.remaining:
                self._unpack(stream)
            matches = stream.digest() == digest
        except (BadDeflate, ValueError):
            stream.drain()
            matches = False
        if not matches:
            raise RequestFailed(f"{WRONG_ARCHIVE}: its SHA-256 differs")

    def _unpack(self, stream: _Stream) -> None:
        """Unpack one zip member: its local header, its name, its data. Raise ValueError if it isn't one."""
        magic, _, _, method, _, _, _, packed, _, length, extra = _LOCAL_HEADER.unpack(stream.exactly(_LOCAL_HEADER.size))
        name = stream.exactly(length).decode()
        if magic != b"PK\3\4" or extra or method not in (0, 8) or not _is_safe(name):
            raise ValueError(name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        inflate = decompressobj(-15) if method else None
        with path.open("wb") as file:
            while packed:
                data = stream.some(packed)
                packed -= len(data)
                file.write(inflate.decompress(data) if inflate else data)
            if inflate:
                file.write(inflate.flush())
        if name in self._executable:
            path.chmod(0o755)


def _is_safe(name: str) -> bool:
    return not {"", ".", ".."} & set(name.split("/")) and "\0" not in name


class _Stream:
    """The bytes of one part as they arrive, and their digest."""

    def __init__(self, response: HTTPResponse, size: int) -> None:
        self._response = response
        self._unread = size
        self._buffer = memoryview(b"")
        self._digest = sha256()

    @property
    def remaining(self) -> int:
        return self._unread + len(self._buffer)

    def some(self, most: int) -> memoryview:
        """Return at least one byte. Raise TemporaryFailure if the connection breaks, ValueError at the end of the part."""
        if not self._buffer:
            self._fill()
        data, self._buffer = self._buffer[:most], self._buffer[most:]
        return data

    def exactly(self, count: int) -> bytes:
        data = bytes(self.some(count))
        while len(data) < count:
            data += self.some(count - len(data))
        return data

    def drain(self) -> None:
        while self._unread:
            self._fill()

    def digest(self) -> str:
        return self._digest.hexdigest()

    def _fill(self) -> None:
        if not self._unread:
            raise ValueError("the part ends inside a member")
        try:
            data = self._response.read(min(_CHUNK, self._unread))
        except (OSError, HTTPException) as error:
            raise TemporaryFailure(f"the connection broke ({error or type(error).__name__})") from None
        if not data:
            raise TemporaryFailure("the connection ended early")
        self._digest.update(data)
        self._unread -= len(data)
        self._buffer = memoryview(data)


def _fault(location: str, reason: str) -> Fault:
    return Fault("Function.PackagesUnavailable", f"the packages in {location} could not be downloaded: {reason}")
