"""Several files at once, and how far they are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from lambent.errors import PackagingError
from lambent.events import Emit, Fetched, Fetching
from lambent.package.wheels import fetch_errors
from lambent.package.wheels.download import Transfer
from lambent.package.wheels.download_request import Wanted
from lambent.package.wheels.partial_file import Stopped
from lambent.package.wheels.registry_client import Http
from lambent.package.wheels.wheel_store import Store

_AT_ONCE = 8
_RETRIES = 5
_TOLD_EVERY_S = 0.1
_LAST_WORDS_S = 1.0


class Downloads:
    """The threads that fetch. They are daemons: Ctrl-C does not wait for a registry that is silent."""

    def __init__(self, wanted: Sequence[Wanted], store: Store, http: Http, retries: int) -> None:
        self._wanted = sorted(wanted, key=lambda each: -(each.file.size or 0))  # the long ones first
        self._store = store
        self._http = http
        self._retries = retries
        self._stop = Event()
        self._todo: SimpleQueue[int] = SimpleQueue()
        self._ended: SimpleQueue[tuple[int, BaseException | None]] = SimpleQueue()
        self._there = [0] * len(wanted)
        self._sizes = [each.file.size or 0 for each in self._wanted]

    def run(self, emit: Emit) -> None:
        """Returns when all files are in the store. Raises the first failure, after telling the others to stop."""
        for number in range(len(self._wanted)):
            self._todo.put(number)
        threads = [Thread(target=self._work, daemon=True) for _ in range(min(_AT_ONCE, len(self._wanted)))]
        for thread in threads:
            thread.start()
        try:
            self._watch(emit)
        except Exception:
            self._stop.set()
            for thread in threads:
                thread.join(_LAST_WORDS_S)
            raise
        finally:
            self._stop.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                number = self._todo.get_nowait()
            except Empty:
                return
            try:
                self._one(number)
            except BaseException as error:  # raised again by the thread that waits
                self._ended.put((number, error))
                return
            self._ended.put((number, None))

    def _one(self, number: int) -> None:
        def progress(done: int, total: int) -> None:
            self._there[number], self._sizes[number] = done, total

        Transfer(self._wanted[number], self._store, self._http, self._stop, progress, self._retries).run()

    def _watch(self, emit: Emit) -> None:
        done: set[int] = set()
        told = None
        while len(done) < len(self._wanted):
            if (state := self._state(done)) != told:
                emit(state)
                told = state
            try:
                number, error = self._ended.get(timeout=_TOLD_EVERY_S)
            except Empty:
                continue
            if error is not None and not isinstance(error, Stopped):
                raise error
            done.add(number)

    def _state(self, done: set[int]) -> Fetching:
        under_way = [each.name for number, each in enumerate(self._wanted) if self._there[number] and number not in done]
        return Fetching(len(done), len(self._wanted), sum(self._there), sum(self._sizes), tuple(under_way[:_AT_ONCE]))


def download(wanted: Sequence[Wanted], store: Store, http: Http, environ: Mapping[str, str], emit: Emit) -> None:
    """Gets the files into the store. Raises PackagingError, OSError."""
    if environ.get("UV_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        lacking = [each for each in wanted if not each.file.url.startswith("file:")]
        if lacking:
            raise fetch_errors.offline(lacking)
    started = time.monotonic()
    Downloads(wanted, store, http, _retries(environ)).run(emit)
    sizes = [stored.path.stat().st_size for each in wanted if (stored := store.find(each.file))]
    emit(Fetched(len(wanted), sum(sizes), time.monotonic() - started))


def _retries(environ: Mapping[str, str]) -> int:
    said = environ.get("UV_HTTP_RETRIES") or str(_RETRIES)
    if not said.isdecimal():
        raise PackagingError(f"not a number of attempts: {said}", where="UV_HTTP_RETRIES", hint=str(_RETRIES))
    return int(said)
