"""One file from its address into the store: resumed where it was cut, asked for again, and compared with its hashes."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import TYPE_CHECKING

from lambent.errors import PackagingError
from lambent.package.urls import local_path
from lambent.package.wheels import fetch_errors
from lambent.package.wheels.contents import check_wheel
from lambent.package.wheels.download_request import Wanted
from lambent.package.wheels.partial_file import Partial, Stopped
from lambent.package.wheels.registry_client import Http, length_of
from lambent.package.wheels.verify import Digests
from lambent.package.wheels.wheel_store import Store, Stored, is_whole, key

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_TRIES_UNREACHED = 2  # nobody is there: most likely there is no network, and waiting longer brings none
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 60.0  # a registry that asks for more patience than this is said to be closed
_CHUNK = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


class _Again(Exception):
    """Worth another attempt, and at most so many. `pause` in seconds if the server said how long."""

    def __init__(self, why: str, pause: float | None = None, tries: int = 1000) -> None:
        super().__init__(why)
        self.why = why
        self.pause = pause
        self.tries = tries


class Transfer:
    """The way of one file. `progress` is told how many of its bytes are there, and of how many (0: not known)."""

    def __init__(
        self, wanted: Wanted, store: Store, http: Http, stop: Event, progress: Callable[[int, int], None], retries: int
    ) -> None:
        self._wanted = wanted
        self._file = wanted.file
        self._store = store
        self._http = http
        self._stop = stop
        self._progress = progress
        self._retries = retries
        self._digests = Digests(wanted.file)
        self._resumed = False  # whether the bytes are of more than one answer
        self._whole_only = False  # whether the server cannot be trusted with ranges

    def run(self) -> Stored:
        """The file in the store. Raises PackagingError; Stopped; OSError for what the disk refuses."""
        with Partial(self._store.partial(self._file), self._stop) as part:
            stored = self._store.find(self._file)
            if stored and is_whole(stored):  # another process was faster
                return stored
            self._take_up(part)
            self._bring(part)
            if self._wrong(part):
                self._start_over(part)  # the registry, or what stands between, may do better the second time
                self._bring(part)
            if wrong := self._wrong(part):
                part.discard()
                raise fetch_errors.mismatch(self._wanted, *wrong)
            try:
                check_wheel(part.path, self._file.filename, self._wanted.name, self._wanted.version)
            except PackagingError:
                part.discard()
                raise
            stored = self._store.keep(part.finish(), self._digests.sha256, self._file.filename)
        if "sha256" not in dict(self._file.hashes):
            self._store.record(key(self._file), stored)
        return stored

    def _wrong(self, part: Partial) -> tuple[str, str] | None:
        """What was expected and what came, where they differ."""
        if self._file.size is not None and part.size != self._file.size:
            return f"{self._file.size} bytes", f"{part.size} bytes"
        return self._digests.wrong()

    def _take_up(self, part: Partial) -> None:
        """Goes on from an earlier run's bytes, if they can be told to be of the same file."""
        trusted = self._digests.promised or part.validator
        if not part.size or not trusted or (self._file.size is not None and part.size > self._file.size):
            part.restart()
            return
        self._resumed = True
        part.rewind()
        while data := part.read():
            self._digests.update(data)

    def _start_over(self, part: Partial) -> None:
        part.restart()
        self._digests.restart()
        self._resumed = False
        self._whole_only = True

    def _bring(self, part: Partial) -> None:
        """Gets all bytes there, in as many attempts as it takes while there is progress."""
        failures, furthest = 0, part.size
        while True:
            try:
                return self._attempt(part)
            except _Again as again:
                failures = 0 if part.size > furthest else failures + 1
                furthest = max(furthest, part.size)
                if failures > min(self._retries, again.tries):
                    raise fetch_errors.gave_up(self._wanted, again.why) from again
                self._pause(again, failures)

    def _pause(self, again: _Again, failures: int) -> None:
        if again.pause is not None and again.pause > _LONGEST_PAUSE_S:
            raise fetch_errors.gave_up(self._wanted, f"{again.why}, and asks to come back in {again.pause:.0f} s")
        backoff = _FIRST_PAUSE_S * 2 ** max(0, failures - 1) * random.uniform(0.8, 1.2) if failures else 0
        if self._stop.wait(backoff if again.pause is None else again.pause):
            raise Stopped

    def _attempt(self, part: Partial) -> None:
        complete = self._digests.promised and self._digests.wrong() is None
        if part.size and (complete or part.size == self._file.size):
            return
        if self._file.url.startswith("file:"):
            self._copy(part)
            return
        from urllib3.exceptions import HTTPError

        try:
            self._request(part)
        except HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise fetch_errors.untrusted(self._wanted, error) from error
            raise _Again(_in_words(error), tries=_TRIES_UNREACHED if _unreached(error) else 1000) from error

    def _copy(self, part: Partial) -> None:
        try:
            source = local_path(self._file.url).open("rb")
        except OSError as error:
            raise fetch_errors.missing(self._wanted, error) from error
        self._restart(part)
        with source:
            while data := source.read(_CHUNK):
                self._add(part, data, 0)

    def _request(self, part: Partial) -> None:
        start = 0 if self._whole_only else part.size
        headers = {"Accept-Encoding": "identity", "User-Agent": "lambent"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if part.validator:
                headers["If-Range"] = part.validator
        response = self._http.get(self._file.url, headers, self._wanted.index)
        try:
            self._accept(response, part, start)
            length = length_of(response.headers)
            total = part.size + length if length >= 0 else 0
            while data := response.read1(_CHUNK):
                self._add(part, data, total)
            if total and part.size < total:
                raise _Again("the connection was cut")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        if self._file.size is not None and part.size < self._file.size and length < 0:
            raise _Again("the connection was cut")  # such an answer's end looks like its middle

    def _accept(self, response: BaseHTTPResponse, part: Partial, start: int) -> None:
        """Lets an answer pass whose body goes on where the bytes end, or starts from nothing."""
        status = response.status
        if status == 206 and _range_start(response.headers) == start and start:
            self._resumed = True
            return
        if status == 200:
            self._restart(part, _validator(response.headers))
            return
        if status in (206, 416):  # it lies about ranges, or the file is another by now
            self._start_over(part)
            raise _Again("the registry answers with another part of the file than was asked for")
        if status in _TRANSIENT:
            raise _Again(f"the registry says {status}", _retry_after(response.headers))
        raise fetch_errors.refused(self._wanted, status)

    def _restart(self, part: Partial, validator: str = "") -> None:
        part.restart(validator)
        self._digests.restart()
        self._resumed = False

    def _add(self, part: Partial, data: bytes, total: int) -> None:
        if self._stop.is_set():
            raise Stopped
        part.append(data)
        self._digests.update(data)
        size = part.size
        if self._file.size is not None and size > self._file.size:
            part.discard()
            raise fetch_errors.mismatch(self._wanted, f"{self._file.size} bytes", f"more than {self._file.size} bytes")
        self._progress(size, self._file.size or total)


def _range_start(headers: Mapping[str, str]) -> int:
    """Where the part of the file begins that an answer 206 holds; -1 when it does not say."""
    found = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
    return int(found[1]) if found else -1


def _validator(headers: Mapping[str, str]) -> str:
    """What If-Range may be given: a strong entity tag, or the date of the file (RFC 9110, 13.1.5)."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified", "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    said = headers.get("retry-after", "")
    if said.isdecimal():
        return float(said)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _unreached(error: Exception) -> bool:
    from urllib3.exceptions import NewConnectionError

    return isinstance(error, NewConnectionError)  # a name that is not known is one of these


def _in_words(error: Exception) -> str:
    """What broke, without urllib3's nesting and without the URL."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.SSLError):
        return f"the secure connection failed: {error}"
    known = (
        (exceptions.NameResolutionError, "its name is not known"),
        (exceptions.ProxyError, "the proxy does not let through"),
        (exceptions.NewConnectionError, "it cannot be reached"),
        (exceptions.ConnectTimeoutError, "it cannot be reached in time"),
        (exceptions.ReadTimeoutError, "it went silent"),
        (exceptions.ProtocolError, "the connection was cut"),
    )
    return next((words for kind, words in known if isinstance(error, kind)), f"the request failed ({type(error).__name__})")
