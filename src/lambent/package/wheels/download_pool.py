"""Download several files at once, and report the progress."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from lambent.errors import PackagingError
from lambent.events import Emit, Fetched, Fetching
from lambent.package.wheels import fetch_errors
from lambent.package.wheels.download import Download
from lambent.package.wheels.download_request import DownloadRequest
from lambent.package.wheels.partial_file import Stopped
from lambent.package.wheels.registry_client import RegistryClient
from lambent.package.wheels.wheel_store import WheelStore

_THREADS = 8
_RETRIES = 5
_REPORT_INTERVAL_S = 0.1
_JOIN_TIMEOUT_S = 1.0


class DownloadPool:
    """The threads that download. They are daemons, so Ctrl-C doesn't wait for a silent registry."""

    def __init__(self, requests: Sequence[DownloadRequest], store: WheelStore, client: RegistryClient, retries: int) -> None:
        self._requests = sorted(requests, key=lambda request: -(request.file.size or 0))  # largest first
        self._store = store
        self._client = client
        self._retries = retries
        self._stop = Event()
        self._pending: SimpleQueue[int] = SimpleQueue()
        self._finished: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()
        self._received = [0] * len(requests)
        self._sizes = [request.file.size or 0 for request in self._requests]

    def run(self, emit: Emit) -> None:
        """Return when all files are in the store. On the first failure, stop the other downloads and raise it."""
        for number in range(len(self._requests)):
            self._pending.put(number)
        threads = [Thread(target=self._work, daemon=True) for _ in range(min(_THREADS, len(self._requests)))]
        for thread in threads:
            thread.start()
        try:
            self._wait(emit)
        except Exception:
            self._stop.set()
            for thread in threads:
                thread.join(_JOIN_TIMEOUT_S)
            raise
        finally:
            self._stop.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                number = self._pending.get_nowait()
            except Empty:
                return
            try:
                self._download(number)
            except BaseException as error:  # raised again in `_wait`
                self._finished.put((number, error))
                return
            self._finished.put((number, None))

    def _download(self, number: int) -> None:
        def progress(received: int, size: int) -> None:
            self._received[number], self._sizes[number] = received, size

        Download(self._requests[number], self._store, self._client, self._stop, progress, self._retries).run()

    def _wait(self, emit: Emit) -> None:
        done: set[int] = set()
        reported = None
        while len(done) < len(self._requests):
            if (progress := self._progress(done)) != reported:
                emit(progress)
                reported = progress
            try:
                number, error = self._finished.get(timeout=_REPORT_INTERVAL_S)
            except Empty:
                continue
            if error is not None and not isinstance(error, Stopped):
                raise error
            done.add(number)

    def _progress(self, done: set[int]) -> Fetching:
        active = [
            request.name for number, request in enumerate(self._requests) if self._received[number] and number not in done
        ]
        return Fetching(len(done), len(self._requests), sum(self._received), sum(self._sizes), tuple(active[:_THREADS]))


def download_all(
    requests: Sequence[DownloadRequest], store: WheelStore, client: RegistryClient, environ: Mapping[str, str], emit: Emit
) -> None:
    """Download the files into the store. Raises PackagingError, OSError."""
    if environ.get("UV_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        remote = [request for request in requests if not request.file.url.startswith("file:")]
        if remote:
            raise fetch_errors.offline(remote)
    started = time.monotonic()
    DownloadPool(requests, store, client, _retries(environ)).run(emit)
    sizes = [stored.path.stat().st_size for request in requests if (stored := store.find(request.file))]
    emit(Fetched(len(requests), sum(sizes), time.monotonic() - started))


def _retries(environ: Mapping[str, str]) -> int:
    value = environ.get("UV_HTTP_RETRIES")
    if value and not value.isdecimal():
        raise PackagingError(
            f"the number of retries must be a whole number, got {value}",
            where="UV_HTTP_RETRIES",
            hint=f"UV_HTTP_RETRIES={_RETRIES}",
        )
    return int(value) if value else _RETRIES
