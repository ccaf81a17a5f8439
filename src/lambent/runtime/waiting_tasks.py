"""Describes where the tasks of an event loop wait, in the form of a dump of Python's faulthandler, which doesn't know tasks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from typing import Any

HEADING = "lambent: the event loop waits\n"


def describe(loop: AbstractEventLoop) -> str:
    """Return the calls of each task that waits; "" if one is running, whose thread has a stack. May run in another thread."""
    import asyncio

    coroutines = [task.get_coro() for task in asyncio.all_tasks(loop)]
    if any(getattr(coroutine, "cr_running", False) for coroutine in coroutines):
        return ""
    return HEADING + "".join(f"Task (most recent call first):\n{_calls(coroutine)}" for coroutine in coroutines)


def _calls(waiting: Any) -> str:
    """Return the calls of what waits: a coroutine, a generator, an asynchronous generator."""
    lines: list[str] = []
    while waiting is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(waiting, f"{kind}_frame")), "")
        frame = getattr(waiting, f"{kind}_frame", None)
        if frame is None:
            break
        code = frame.f_code
        lines.append(f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}\n')
        waiting = getattr(waiting, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return "".join(reversed(lines))
