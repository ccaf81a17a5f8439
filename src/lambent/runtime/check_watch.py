"""Watches the request with which lambent checks a version, for what the app doesn't log itself.

That is an exception which the app answers with a 5xx and nothing else, and where the code is when the request times out.
"""

from __future__ import annotations

import sys

from . import stack_dump, waiting_tasks
from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from types import CodeType
    from typing import Any

_TOOL = 4  # 0 to 3 and 5 are those of debuggers, coverage, profilers and optimizers
_MAX = 50
_OWN_FOLDER = __file__.rpartition("/")[0] + "/"


class CheckWatch:
    """Notes exceptions that pass through files of the app or its packages: from Python 3.12 on, which has PEP 669."""

    def __init__(self, context: Any, loop: AbstractEventLoop | None) -> None:
        self._context, self._loop = context, loop
        self._errors: list[BaseException] = []
        copy = f"{variable('TMPDIR', '/tmp')}/app/"  # see writable.py
        self._folders = (f"{variable('LAMBDA_TASK_ROOT') or sys.path[0]}/", copy)
        self._monitoring: Any = getattr(sys, "monitoring", None)

    def start(self) -> None:
        loop = self._loop
        stack_dump.watch_request(self._context, lambda: waiting_tasks.describe(loop) if loop is not None else "")
        monitoring = self._monitoring
        if monitoring is None or monitoring.get_tool(_TOOL) is not None:
            self._monitoring = None
            return
        monitoring.use_tool_id(_TOOL, "lambent")
        monitoring.register_callback(_TOOL, monitoring.events.RAISE, self._note)
        monitoring.set_events(_TOOL, monitoring.events.RAISE)

    def stop(self) -> None:
        stack_dump.unwatch()
        if self._monitoring is not None:
            self._monitoring.set_events(_TOOL, 0)
            self._monitoring.free_tool_id(_TOOL)

    def last(self, logged: BaseException | str | None = None) -> BaseException | None:
        """Return the exception that was logged, or else the last one that passed through a file of the app itself.

        None if there was none, or if the log has its text. What was logged may have gone to another place than the log.
        """
        if logged is not None:
            return logged if isinstance(logged, BaseException) else None
        packages = _packages() if self._errors else frozenset()
        for error in reversed(self._errors):
            trace = error.__traceback__
            while trace is not None:
                if self._is_own(trace.tb_frame.f_code.co_filename, packages):
                    return error
                trace = trace.tb_next
        return None

    def _note(self, code: CodeType, offset: int, error: BaseException) -> None:
        """Take an exception. It passes through several frames, and is noted again if another was raised in between."""
        file = code.co_filename
        errors = self._errors
        if file.startswith(self._folders) and not file.startswith(_OWN_FOLDER) and not (errors and errors[-1] is error):
            errors.append(error)
            del errors[:-_MAX]

    def _is_own(self, file: str, packages: frozenset[str]) -> bool:
        folder = next((folder for folder in self._folders if file.startswith(folder)), "")
        top = file[len(folder) :].partition("/")[0].partition(".")[0]
        return bool(folder) and not file.startswith(_OWN_FOLDER) and top not in packages


def _packages() -> frozenset[str]:
    """Return the top-level modules of installed packages, without those of the app's own distribution."""
    from importlib.metadata import packages_distributions

    handler = variable("_HANDLER").replace("/", ".").partition(".")[0].partition(":")[0]
    return frozenset(packages_distributions()) - {handler}
