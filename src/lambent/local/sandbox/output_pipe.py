"""The output of a sandbox: one pipe for standard output and standard error, which keeps their order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_CHUNK = 1 << 16


class OutputPipe:
    """The read end of the pipe. Pass `writer`, the other end, to the process and call `close_writer`."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.writer, True)
        self._on_output: Callable[[bytes], None] | None = None
        self._loop = asyncio.get_running_loop()

    def listen(self, on_output: Callable[[bytes], None]) -> None:
        """Start reading, so that a function that writes a lot does not block."""
        self._on_output = on_output
        self._loop.add_reader(self._reader, self._read)

    def drain(self) -> None:
        """Pass on everything in the pipe. What a process wrote before its response is in the pipe when the response comes."""
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
        if self._reader < 0 or self._on_output is None:
            return 0
        try:
            chunk = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return 0
        if not chunk:  # every writer has closed it
            self._loop.remove_reader(self._reader)
        else:
            self._on_output(chunk)
        return len(chunk)
