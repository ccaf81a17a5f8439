"""What every sandbox does alike: its output, its memory watch, and the freeze between two events."""

from __future__ import annotations

import signal
from collections.abc import Callable

from . import process_tree
from .memory_limit import MemoryWatch
from .output_pipe import Output


class Watched:
    """The part of `interface.Sandbox` that needs only the output, the watch and the list of process_tree."""

    output: Output
    _watch: MemoryWatch
    _frozen: list[int]

    def _pids(self) -> list[int]:
        raise NotImplementedError

    def listen(self, heard: Callable[[bytes], None]) -> None:
        self.output.listen(heard)

    def drain(self) -> None:
        self.output.drain()

    def freeze(self) -> None:
        self._watch.stop()
        self._frozen = self._pids()
        process_tree.signal_all(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        process_tree.signal_all(self._frozen, signal.SIGCONT)
        self._frozen = []
        self._watch.start()

    def within_memory(self) -> bool:
        return self._watch.look_at_end()

    def peak_memory_mb(self) -> int:
        return self._watch.peak_mb()
