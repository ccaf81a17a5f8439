"""Download one file into the store: resume it where it was cut, retry, and verify it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Event

from urllib3 import BaseHTTPResponse, Retry, exceptions

from lambent.errors import PackagingError
from lambent.package.urls import local_path
from lambent.package.wheels import fetch_errors
from lambent.package.wheels.download_request import DownloadRequest
from lambent.package.wheels.partial_file import PartialFile, Stopped
from lambent.package.wheels.registry_client import RegistryClient, content_length
from lambent.package.wheels.verify import HashCheck, verify_wheel
from lambent.package.wheels.wheel_store import StoredFile, WheelStore, file_key, is_intact

_CONNECT_RETRIES = 2  # most likely there is no network, and waiting longer doesn't help
_BACKOFF_S = 0.25
_RETRY_AFTER_MAX_S = 60.0  # if a registry asks for a longer pause, give up
_CHUNK = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_CONNECTION_ERRORS = (
    (exceptions.NameResolutionError, "its host name cannot be resolved"),
    (exceptions.ProxyError, "the proxy refuses the connection"),
    (exceptions.NewConnectionError, "it cannot be reached"),
    (exceptions.ConnectTimeoutError, "it cannot be reached in time"),
    (exceptions.ReadTimeoutError, "it stopped sending"),
    (exceptions.ProtocolError, "the connection was cut"),
)


class _TransientError(Exception):
    """An error after which another attempt is worthwhile. `retry_after` in seconds, if the server named it."""

    def __init__(self, reason: str, retry_after: float | None = None, error: exceptions.HTTPError | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.error = error


class Download:
    """The download of one file. `progress` is called with the bytes so far and in total (0: unknown)."""

    def __init__(
        self,
        request: DownloadRequest,
        store: WheelStore,
        client: RegistryClient,
        stop: Event,
        progress: Callable[[int, int], None],
        retries: int,
    ) -> None:
        self._request = request
        self._file = request.file
        self._store = store
        self._client = client
        self._stop = stop
        self._progress = progress
        self._retry = Retry(total=retries, connect=_CONNECT_RETRIES, backoff_factor=_BACKOFF_S, backoff_jitter=_BACKOFF_S)
        self._hashes = HashCheck(request.file)
        self._trusts_ranges = True

    def run(self) -> StoredFile:
        """Return the file in the store. Raises PackagingError, Stopped, and OSError if the disk refuses."""
        with PartialFile(self._store.partial_path(self._file), self._stop) as part:
            stored = self._store.find(self._file)
            if stored and is_intact(stored):  # another process was faster
                return stored
            self._resume(part)
            self._complete(part)
            if self._mismatch(part):  # the registry, or a proxy in between, may do better the second time
                self._start_over(part)
                self._complete(part)
            try:
                if mismatch := self._mismatch(part):
                    raise fetch_errors.hash_mismatch(self._request, *mismatch)
                verify_wheel(part.path, self._file.filename, self._request.name, self._request.version)
            except PackagingError:
                part.discard()
                raise
            stored = self._store.add(part.finish(), self._hashes.sha256, self._file.filename)
        if "sha256" not in dict(self._file.hashes):
            self._store.write_record(file_key(self._file), stored)
        return stored

    def _mismatch(self, part: PartialFile) -> tuple[str, str] | None:
        """Return (expected, actual) if the size or a hash differs."""
        if self._file.size is not None and part.size != self._file.size:
            return f"{self._file.size} bytes", f"{part.size} bytes"
        return self._hashes.mismatch()

    def _resume(self, part: PartialFile) -> None:
        """Continue from the bytes of an earlier run, if a hash or validator can show that they are of the same file."""
        is_verifiable = self._hashes.has_expected or part.validator
        if not part.size or not is_verifiable or (self._file.size is not None and part.size > self._file.size):
            part.restart()
            return
        part.rewind()
        while data := part.read():
            self._hashes.update(data)

    def _restart(self, part: PartialFile, validator: str = "") -> None:
        part.restart(validator)
        self._hashes.restart()

    def _start_over(self, part: PartialFile) -> None:
        self._restart(part)
        self._trusts_ranges = False

    def _complete(self, part: PartialFile) -> None:
        """Download the missing bytes. The retries count from the beginning again whenever there is progress."""
        retry, largest = self._retry, part.size
        while True:
            try:
                return self._attempt(part)
            except _TransientError as failure:
                if part.size > largest:
                    retry, largest = self._retry, part.size
                else:
                    try:
                        retry = retry.increment("GET", error=failure.error)
                    except exceptions.MaxRetryError:
                        raise fetch_errors.gave_up(self._request, str(failure)) from failure
                self._pause(retry.get_backoff_time() if failure.retry_after is None else failure.retry_after, failure)

    def _pause(self, seconds: float, failure: _TransientError) -> None:
        if seconds > _RETRY_AFTER_MAX_S:
            raise fetch_errors.gave_up(self._request, f"{failure}, and asks us to retry in {seconds:.0f} s")
        if self._stop.wait(seconds):
            raise Stopped

    def _attempt(self, part: PartialFile) -> None:
        is_verified = self._hashes.has_expected and self._hashes.mismatch() is None
        if part.size and (is_verified or part.size == self._file.size):
            return
        if self._file.url.startswith("file:"):
            self._copy(part)
            return
        try:
            self._get(part)
        except exceptions.HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise fetch_errors.untrusted_certificate(self._request, error) from error
            raise _TransientError(_describe(error), error=error) from error

    def _copy(self, part: PartialFile) -> None:
        try:
            source = local_path(self._file.url).open("rb")
        except OSError as error:
            raise fetch_errors.unreadable(self._request, error) from error
        self._restart(part)
        with source:
            while data := source.read(_CHUNK):
                self._append(part, data, 0)

    def _get(self, part: PartialFile) -> None:
        start = part.size if self._trusts_ranges else 0
        headers = {"Accept-Encoding": "identity", "User-Agent": "lambent"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if part.validator:
                headers["If-Range"] = part.validator
        response = self._client.get(self._file.url, headers, self._request.index)
        try:
            self._accept(response, part, start)
            length = content_length(response.headers)
            total = part.size + length if length >= 0 else 0
            while data := response.read1(_CHUNK):
                self._append(part, data, total)
            if total and part.size < total:
                raise _TransientError("the connection was cut")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        if self._file.size is not None and part.size < self._file.size and length < 0:
            raise _TransientError("the connection was cut")  # without a length, a cut looks like the end

    def _accept(self, response: BaseHTTPResponse, part: PartialFile, start: int) -> None:
        """Accept a response whose body continues the bytes we have, or starts from the beginning."""
        status = response.status
        if status == 206 and start and _range_start(response.headers) == start:
            return
        if status == 200:
            self._restart(part, _validator(response.headers))
            return
        if status in (206, 416):  # the server is wrong about ranges, or the file has changed
            self._start_over(part)
            raise _TransientError("the registry sent another part of the file than requested")
        if status in _TRANSIENT:
            raise _TransientError(f"the registry answers {status}", self._retry_after(response))
        raise fetch_errors.rejected(self._request, status)

    def _retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            return self._retry.get_retry_after(response)
        except exceptions.InvalidHeader:
            return None

    def _append(self, part: PartialFile, data: bytes, total: int) -> None:
        if self._stop.is_set():
            raise Stopped
        part.append(data)
        self._hashes.update(data)
        size = part.size
        if self._file.size is not None and size > self._file.size:
            part.discard()
            raise fetch_errors.hash_mismatch(self._request, f"{self._file.size} bytes", f"more than {self._file.size} bytes")
        self._progress(size, self._file.size or total)


def _range_start(headers: Mapping[str, str]) -> int:
    """Return the offset at which the part in a 206 response starts, or -1 if it isn't given."""
    match = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
    return int(match[1]) if match else -1


def _validator(headers: Mapping[str, str]) -> str:
    """Return a value for If-Range: a strong ETag, or the file's date (RFC 9110, 13.1.5)."""
    tag = headers.get("etag", "")
    return tag if tag.startswith('"') else headers.get("last-modified", "")


def _describe(error: exceptions.HTTPError) -> str:
    """Return what went wrong, without urllib3's nested messages and without the URL."""
    if isinstance(error, exceptions.SSLError):
        return f"the secure connection failed: {error}"
    reasons = (reason for kind, reason in _CONNECTION_ERRORS if isinstance(error, kind))
    return next(reasons, f"the request failed ({type(error).__name__})")
