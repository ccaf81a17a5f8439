"""Packages that did not fit into the zip: fetched into /tmp from the user's own bucket, when an environment starts.

LAMBENT_OVERFLOW is where the archive is, "s3://bucket/key"; `overflow.json` beside this module says what must be in it. It is
fetched part by part over several connections, and unpacked as it comes. Each part is compared with its SHA-256, and only when
all of them are right does the folder get the name that is put on the import path. Init has 10 s on AWS and is then begun
again, with /tmp as it was: parts that are done are not fetched twice. This module is imported only where the variable is set.
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

from .ask import Again, Refused
from .environment import set_variable, variable
from .fault import Fault
from .json_text import parse
from .s3 import OTHER, Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from typing import Any

    from .log import Log

    Part = tuple[int, int, str]  # where it begins in the archive, its bytes, and their SHA-256

_CONNECTIONS = 4  # enough for the network of a function; more would leave more parts half done where a start is ended
_PATIENCE_S = 8.0
"""For one part, its retries included. What a role was just allowed takes some seconds to be known everywhere."""

_CHUNK = 256 * 1024
_LOCAL = Struct("<4s5H3I2H")


def load(log: Log) -> None:
    """Makes the packages importable. Raises Fault that names the archive's place."""
    place = variable("LAMBENT_OVERFLOW")
    try:
        told = parse(Path(__file__).with_name("overflow.json").read_bytes())
    except OSError:
        raise _fault(place, "the zip does not say what must be in it: it was built without --overflow") from None
    folder = Path(variable("TMPDIR", "/tmp"), "lambent", told["sha256"][:32])
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("wb") as lock:
            flock(lock, LOCK_EX)  # on AWS an environment is alone in its /tmp; elsewhere it may not be
            if not folder.is_dir():
                _fetch(place, told, folder, log)
    except OSError as error:
        room = f"; it takes {told['raw'] // 2**20} MB" if error.errno else ""
        raise _fault(place, f"it cannot be unpacked into {folder.parent}: {error.strerror or error}{room}") from None
    _put_on_path(str(folder))


def _put_on_path(folder: str) -> None:
    """After the app's own folder; for the processes that it starts too."""
    if folder not in sys.path:
        task = variable("LAMBDA_TASK_ROOT")
        sys.path.insert(sys.path.index(task) + 1 if task in sys.path else 0, folder)
    named = [entry for entry in variable("PYTHONPATH").split(":") if entry]
    if folder not in named:
        set_variable("PYTHONPATH", ":".join([folder, *named]))


def _fetch(place: str, told: dict[str, Any], folder: Path, log: Log) -> None:
    began, sizes = monotonic(), [size for _, size, _ in told["parts"]]
    download = _Download(place, told, folder)
    had = len(sizes) - len(download.todo)
    fetched = sum(part[1] for _, part in download.todo)
    download.run()
    download.folder.rename(folder)
    for index in range(len(sizes)):
        download.mark(index).unlink()
    again = f" ({had} of {len(sizes)} parts were there already)" if had else ""
    log.line(
        "INFO",
        f"lambent: fetched {', '.join(told['packages'])}: {fetched:,} bytes from {place}{again}, "
        f"{told['raw']:,} bytes unpacked into {folder}, in {monotonic() - began:.2f} s",
    )


class _Download:
    """The parts that are still to be fetched, and the threads that do it."""

    def __init__(self, place: str, told: dict[str, Any], folder: Path) -> None:
        self._place = place
        self.folder = folder.with_suffix(".new")
        self._mark = folder
        self._executable = frozenset(told["executable"])
        self.todo: list[tuple[int, Part]] = [
            (index, part) for index, part in enumerate(told["parts"]) if not self.mark(index).exists()
        ]
        self.todo.sort(key=lambda each: each[1][1])  # the largest is taken first: nothing is left waiting for it at the end
        self._failure: BaseException | None = None
        self._server = Server(place)

    def mark(self, index: int) -> Path:
        """The empty file that says that a part is done."""
        return self._mark.with_suffix(f".{index}")

    def run(self) -> None:
        """Raises Fault, or OSError when /tmp does not take it."""
        self.folder.mkdir(exist_ok=True)
        threads = [Thread(target=self._work, daemon=True) for _ in range(min(_CONNECTIONS, len(self.todo)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        connection = self._server.connection()
        try:
            while self._failure is None:
                try:
                    index, part = self.todo.pop()
                except IndexError:
                    break
                self._have(connection, part)
                self.mark(index).touch()
        except Exception as error:
            self._failure = self._failure or error
        finally:
            connection.close()

    def _have(self, connection: HTTPConnection, part: Part) -> None:
        pause, until = 0.1, monotonic() + _PATIENCE_S
        while True:
            try:
                self._once(connection, part)
                return
            except Refused as refused:
                raise _fault(self._place, str(refused)) from None
            except Again as again:
                connection.close()  # the next request opens it again
                if monotonic() + pause > until or self._failure is not None:
                    raise _fault(self._place, str(again)) from None
            sleep(pause)
            pause = min(2 * pause, 1.0)

    def _once(self, connection: HTTPConnection, part: Part) -> None:
        start, size, digest = part
        stream = _Stream(self._server.ask(connection, start, size), size)
        try:
            while stream.left:
                self._unpack(stream)
            right = stream.digest() == digest
        except (BadDeflate, ValueError):
            stream.drain()
            right = False
        if not right:
            raise Refused(f"{OTHER}: its SHA-256 differs")

    def _unpack(self, stream: _Stream) -> None:
        """One member: its local header, its name, its data. Raises ValueError for what is none."""
        magic, _, _, method, _, _, _, packed, _, length, extra = _LOCAL.unpack(stream.exactly(_LOCAL.size))
        name = stream.exactly(length).decode()
        if magic != b"PK\3\4" or extra or method not in (0, 8) or not _stays_inside(name):
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


def _stays_inside(name: str) -> bool:
    return not {"", ".", ".."} & set(name.split("/")) and "\0" not in name


class _Stream:
    """The bytes of one part as they come, and their digest."""

    def __init__(self, answer: HTTPResponse, size: int) -> None:
        self._answer = answer
        self._unread = size
        self._buffer = memoryview(b"")
        self._digest = sha256()

    @property
    def left(self) -> int:
        return self._unread + len(self._buffer)

    def some(self, most: int) -> memoryview:
        """At least one byte. Raises Again when the connection breaks, ValueError at the end of the part."""
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
            raise ValueError("the part ends within a member")
        try:
            data = self._answer.read(min(_CHUNK, self._unread))
        except (OSError, HTTPException) as error:
            raise Again(f"the connection broke ({error or type(error).__name__})") from None
        if not data:
            raise Again("the connection ended early")
        self._digest.update(data)
        self._unread -= len(data)
        self._buffer = memoryview(data)


def _fault(place: str, why: str) -> Fault:
    return Fault("Function.PackagesUnavailable", f"the packages in {place} could not be had: {why}")
