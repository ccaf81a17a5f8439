"""The log of a local Lambda that runs in this terminal: the requests of all functions as they come, as in `lambent logs -f`."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections.abc import Callable, Sequence

from lambent.aws.interface import Aws
from lambent.aws.values import LogEvent
from lambent.deployment.logs import SHOWN_AFTER_S, AppLog, LogQuery, show
from lambent.deployment.request_log import RequestLog
from lambent.deployment.secret_values import Mask
from lambent.errors import LambentError
from lambent.events import Emit
from lambent.local.engine.log_sink import LogLine
from lambent.log_events import LoggedRequest

_Entry = tuple[str, str, str, Sequence[LogLine]]
_LOOK_S = 0.25
_PREFIX = "/aws/lambda/"
_INIT = re.compile('^INIT_START|"platform.initStart"')


class ForegroundLog:
    """Takes lines from the service's threads, and shows them in a thread of its own.

    `connect` returns the API of a region; it is asked for a function's variables, so that secrets in them are masked.
    """

    def __init__(self, connect: Callable[[str], Aws], emit: Emit) -> None:
        self._connect = connect
        self._emit = emit
        self._entries: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._requests: dict[tuple[str, str], RequestLog] = {}
        self._masks: dict[tuple[str, str], Mask] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="foreground-log", daemon=True).start()

    def take(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        self._entries.put((region, group, stream, lines))

    def _run(self) -> None:
        while True:
            with contextlib.suppress(queue.Empty):
                self._add(self._entries.get(timeout=_LOOK_S))
            for key, requests in self._requests.items():
                for request in requests.overdue(time.monotonic() - SHOWN_AFTER_S):
                    self._show(key, request)

    def _add(self, entry: _Entry) -> None:
        region, group, stream, lines = entry
        key = (region, group)
        if key not in self._requests or any(_INIT.search(line.message) for line in lines):
            self._masks[key] = self._mask(region, group.removeprefix(_PREFIX))  # a new environment may have new variables
        events = [LogEvent("", stream, line.timestamp_ms, line.message) for line in lines]
        requests = self._requests.setdefault(key, RequestLog())
        for request in requests.add(events, time.monotonic()):
            self._show(key, request)

    def _show(self, key: tuple[str, str], request: LoggedRequest) -> None:
        app = key[1].removeprefix(_PREFIX)
        show(request, AppLog(app, None, self._masks[key]), LogQuery(0), self._emit, app=app)

    def _mask(self, region: str, function: str) -> Mask:
        try:
            aws = self._connect(region)
            latest = aws.function(function)
            versions = (latest, *aws.versions(function)) if latest else ()
        except LambentError:
            versions = ()
        return Mask(dict(version.settings.environment) for version in versions)
