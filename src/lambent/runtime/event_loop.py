"""The event loop that serves an ASGI app, and the import of an app that needs it to run already."""

from __future__ import annotations

import asyncio
import sys
from asyncio import Task, _set_running_loop
from selectors import DefaultSelector

from .app_loader import load_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from selectors import SelectorKey
    from typing import Any

_SKIP_MAX = 20  # rounds of the loop
_ROUNDS_MAX = 10
_EAGER = sys.version_info >= (3, 12)


class _Selector(DefaultSelector):
    """A selector that skips the system call while there is work to do and only the loop's own wake-up socket to watch.

    An app that waits for a thread goes through the loop four times and would make the call each time. After `_SKIP_MAX` rounds
    the wake-up is noticed in any case, for signal handlers.
    """

    _skipped = 0

    def __init__(self) -> None:
        super().__init__()
        self._watched = self.get_map()

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout == 0 and self._skipped < _SKIP_MAX and len(self._watched) == 1:
            self._skipped += 1
            return []
        self._skipped = 0
        return super().select(timeout)


class EagerLoop(asyncio.SelectorEventLoop):
    """An event loop that takes the first step of a task at once. Most requests need no second step, and so no selector.

    It uses what asyncio offers to authors of event loops: `_set_running_loop` (documented as such in asyncio's source) and
    tasks with `eager_start` (3.12), which ask the loop whether it is running. Before 3.12 a new task passes its first step to
    `call_soon`, which is intercepted here.
    """

    _stepping = False

    def __init__(self) -> None:
        selector = _Selector()
        super().__init__(selector)
        self._watched = selector.get_map()

    def is_running(self) -> bool:
        return self._stepping or super().is_running()

    def adopt_generators(self) -> None:
        """Let the loop close this thread's unfinished asynchronous generators, those of first steps too. Call it once."""
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)  # type: ignore[attr-defined]

    def step(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Return a task for `work`, in its own copy of the context, that has taken its first step."""
        _set_running_loop(self)
        self._stepping = True
        try:
            if _EAGER:
                return Task(work, loop=self, eager_start=True)  # type: ignore[call-arg,unused-ignore]
            return self._step_by_hand(work)
        finally:
            self._stepping = False
            _set_running_loop(None)

    def _step_by_hand(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        steps: list[tuple[Context, Callable[[], object]]] = []

        def catch(step: Callable[[], object], *, context: Context) -> None:
            steps.append((context, step))

        self.call_soon = catch  # type: ignore[method-assign,assignment]
        try:
            task = Task(work, loop=self)
        finally:
            del self.call_soon
        task_context, step = steps[0]  # the task's own copy of the context, in which it takes later steps too
        task_context.run(step)
        return task

    def finish(self) -> None:
        """Stop the loop in this round. Call it in the last step of what `step` began."""
        if not self._stepping:
            self.stop()

    def has_waited(self) -> bool:
        """Return whether the app's own tasks may wait for this round: for a timer that is due, or for a connection."""
        timers = self._scheduled  # type: ignore[attr-defined]
        return len(self._watched) > 1 or (bool(timers) and timers[0].when() <= self.time())

    def is_busy(self) -> bool:
        """Return whether callbacks are pending, such as the first step of a task that the app created."""
        return bool(self._ready)  # type: ignore[attr-defined]

    def catch_up(self) -> None:
        """Let the app's own tasks take their next steps, but not for ever: only a request runs the loop."""
        for _ in range(_ROUNDS_MAX):
            self.stop()
            self.run_forever()
            if not self.is_busy():
                break


def load_in_loop(handler: str) -> Any:
    """Import an app while the loop that will serve it runs, as uvicorn does."""
    loop = EagerLoop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(_load(handler))


def drop_coroutines(error: RuntimeError) -> None:
    """Forget the coroutines that were to become tasks when there was no loop, without Python's warning for each."""
    import traceback
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traceback.clear_frames(error.__traceback__)


async def _load(handler: str) -> Any:
    return load_app(handler)


def app_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that the app got while it was imported, since what it created then belongs to it, or else a new one."""
    return _current_loop() or EagerLoop()


def _current_loop() -> asyncio.AbstractEventLoop | None:
    if sys.version_info >= (3, 14):
        try:
            return asyncio.get_event_loop()  # never creates one
        except RuntimeError:
            return None
    local = getattr(asyncio.get_event_loop_policy(), "_local", None)
    loop = getattr(local, "_loop", None)
    return loop if loop is not None and not loop.is_closed() else None
