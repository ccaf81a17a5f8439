"""Processes whose parent has ended, where no namespace keeps them together. Linux only.

The service is their subreaper (prctl(2)): they become its children, and it has to reap them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from . import process_tree

_ROUNDS = 50  # each kills the processes that were forked during the previous one
_END_ATTEMPTS = 100
_PAUSE_S = 0.01


class Orphans:
    """The orphans of one sandbox.

    They are recognized by the TMPDIR that they inherited, or because they were descendants when they were last looked for.
    """

    _own: ClassVar[set[int]] = set()  # children of this process that aren't orphans

    def __init__(self, main: int, tmp: str) -> None:
        """`main` is the first process of the sandbox, a child of this process. `tmp` is its TMPDIR."""
        self._main = main
        self._own.add(main)
        self._marker = f"TMPDIR={tmp}".encode()
        self._known: set[int] = set()

    @classmethod
    def begin(cls) -> None:
        """What is a child of this process by now isn't an orphan, and is left alone."""
        cls._own.update(process_tree.adopted_children())

    def find(self, descendants: Iterable[int]) -> list[int]:
        """Return the orphans with their descendants, given the processes that aren't orphans yet. Reaps those that ended."""
        roots = [
            pid
            for pid in process_tree.adopted_children()
            if pid not in self._own and not _reap(pid) and (pid in self._known or self._is_marked(pid))
        ]
        pids = [pid for root in roots for pid in (root, *process_tree.descendants(root))]
        self._known = {*descendants, *pids}
        return pids

    async def end(self) -> None:
        """Kill them, and wait for their end. Call it when the first process has ended."""
        self._own.discard(self._main)
        for _ in range(_END_ATTEMPTS):
            for _ in range(_ROUNDS):
                pids = self.find(())
                process_tree.signal_all(pids, signal.SIGKILL)
                if not pids:
                    break
            if not self.find(()):
                return
            await asyncio.sleep(_PAUSE_S)

    def _is_marked(self, pid: int) -> bool:
        return self._marker in process_tree.environment_variables(pid)


def end_abandoned(scratch: Path) -> None:
    """Kill the processes of sandboxes with a `tmp` in this folder. Only those that left their parent outlive a service."""
    marker = f"TMPDIR={scratch}/".encode()
    for pid in [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]:
        if any(variable.startswith(marker) for variable in process_tree.environment_variables(pid)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> bool:
    """Return whether a child has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
