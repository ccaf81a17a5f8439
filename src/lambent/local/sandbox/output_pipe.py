"""What a sandbox writes: one pipe for standard output and standard error, so that their order is kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_CHUNK = 1 << 16


class Output:
    """The reading end of the pipe. `writer` is the other end, to be handed to the process and closed here."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.writer, True)
        self._heard: Callable[[bytes], None] | None = None
        self._loop = asyncio.get_running_loop()

    def listen(self, heard: Callable[[bytes], None]) -> None:
        """Starts reading, so that a function that writes much does not block."""
        self._heard = heard
        self._loop.add_reader(self._reader, self._read)

    def drain(self) -> None:
        """Passes on all that is in the pipe. What a process wrote before it sent its answer is there before the answer is."""
        while self._read() == _CHUNK:
            pass

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        self.close_writer()
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1

    def _read(self) -> int:
        if self._reader < 0 or self._heard is None:
            return 0
        try:
            chunk = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return 0
        if not chunk:  # every writer is gone
            self._loop.remove_reader(self._reader)
        else:
            self._heard(chunk)
        return len(chunk)
