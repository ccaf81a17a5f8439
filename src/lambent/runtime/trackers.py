"""Lets the app's trackers (Sentry, OpenTelemetry, Datadog) send what they have before Lambda freezes the process.

Their SDKs send in threads of their own, which stand still as soon as the process asks for its next event. So they are flushed
before that, and after the response, so that no client waits for it. Only SDKs that the app itself has imported are used.
"""

from __future__ import annotations

import sys
from threading import Thread  # every SDK has imported it
from time import monotonic, time

from .environment import variable
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .log import Log

_LIMIT_S = 2.0
"""How long the trackers may take, as Sentry itself waits at the end of a process. LAMBENT_FLUSH changes it."""
_AFTER_LATE_S = 0.1
"""The limit once they were late, so that a tracker that is down doesn't slow every request down."""
_MARGIN_S = 0.2
"""How long before the function's timeout the wait for them ends: a timeout would end the process."""
_GRACE_S = 0.5
"""How much longer than the limit an SDK may try, so that it is seen to be late."""


class Trackers:
    """The trackers of the app, found again at each call: an app may import them late."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._limit_s = _limit(variable("LAMBENT_FLUSH"))
        self._running: dict[str, Thread] = {}
        self._late = False

    def flush(self, deadline_ms: int = 0) -> None:
        """Flush all of them at the same time, and wait until they are done or their limit is reached.

        `deadline_ms` is when the function's timeout ends the process, in milliseconds of Unix time; 0 means never.
        """
        limit_s = _AFTER_LATE_S if self._late else self._limit_s
        if deadline_ms:
            limit_s = min(limit_s, deadline_ms / 1000 - time() - _MARGIN_S)
        if limit_s <= 0:
            return
        began = monotonic()
        for name, (module, flush) in _TRACKERS.items():
            if module in sys.modules and name not in self._running:
                thread = self._running[name] = Thread(target=_quietly, args=(flush, limit_s + _GRACE_S), daemon=True)
                thread.start()
        for thread in self._running.values():
            thread.join(max(0, began + limit_s - monotonic()))
        self._running = {name: thread for name, thread in self._running.items() if thread.is_alive()}
        if self._running and not self._late:
            waited = f"lambent: waited {monotonic() - began:.1f} s for {' and '.join(self._running)} after the response"
            self._log.line("WARNING", f"{waited}; what isn't sent yet may be lost")
        self._late = bool(self._running)


def capture(error: BaseException) -> None:
    """Report an error to Sentry unless one of its integrations has. Call it only if the app has imported `sentry_sdk`."""
    original = (error.__context__ if isinstance(error, Fault) else None) or error
    trace = original.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("sentry_sdk."):  # it went through an integration
            return
        trace = trace.tb_next
    _quietly(sys.modules["sentry_sdk"].capture_exception, original)


def _limit(text: str) -> float:
    """Return the seconds in LAMBENT_FLUSH, 0 for "off"."""
    try:
        return float(text or _LIMIT_S)
    except ValueError:
        return 0 if text.lower() == "off" else _LIMIT_S


def _quietly(function: Callable[[Any], object], argument: Any) -> None:
    """Call a function of an SDK, whose failure must not become the app's. SDKs log their failures themselves."""
    try:
        function(argument)
    except Exception:
        return


def _flush_sentry(seconds: float) -> None:
    sys.modules["sentry_sdk"].flush(timeout=seconds)


def _flush_opentelemetry(seconds: float) -> None:
    """Flush the providers that the app has set. What the API returns without an SDK behind it has nothing to flush."""
    deadline = monotonic() + seconds
    for module, getter in _PROVIDERS.items():
        api = sys.modules.get(module)
        flush = getattr(getattr(api, getter)(), "force_flush", None) if api is not None else None
        if flush is not None:
            _quietly(flush, max(1, int((deadline - monotonic()) * 1000)))


def _flush_datadog(seconds: float) -> None:
    """Flush the tracer's writer. On Lambda it only buffers if it sends to an agent elsewhere (DD_TRACE_AGENT_URL)."""
    sys.modules["ddtrace"].tracer.flush()


_PROVIDERS = {
    "opentelemetry.trace": "get_tracer_provider",
    "opentelemetry._logs": "get_logger_provider",
    "opentelemetry.metrics": "get_meter_provider",
}
_TRACKERS: dict[str, tuple[str, Callable[[float], None]]] = {
    "Sentry": ("sentry_sdk", _flush_sentry),
    "OpenTelemetry": ("opentelemetry.sdk", _flush_opentelemetry),
    "Datadog": ("ddtrace", _flush_datadog),
}
"""For each tracker, the module of its SDK, and what flushes it."""
