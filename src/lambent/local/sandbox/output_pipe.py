"""The output of a sandbox: one pipe for standard output and standard error, which keeps their order.

A function may write faster than anything can store it. It may do so for a while; then its pipe is read slowly, and the full
pipe slows the function down. Nothing is lost by that, and the other functions don't notice.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import ClassVar

_CHUNK = 1 << 16
_FRAME_MAGIC = b"\xa5\x5a\x00"  # a record of AWS's runtime client, which becomes one log event like a line
_LINE_COST = 100
"""The work for a line, in bytes that could be copied instead."""

_BURST = 8_000_000
_RATE = 8_000_000
"""Bytes (and lines, at their cost) that a pipe may deliver at once, and that all pipes beyond that may deliver in a second."""


class OutputPipe:
    """The read end of the pipe. Pass `writer`, the other end, to the process and call `close_writer`."""

    _throttled: ClassVar[set[OutputPipe]] = set()

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.writer, True)
        self._on_output: Callable[[bytes], object] | None = None
        self._loop = asyncio.get_running_loop()
        self._credit, self._credit_at = float(_BURST), self._loop.time()
        self._pause: asyncio.TimerHandle | None = None

    def listen(self, on_output: Callable[[bytes], object]) -> None:
        """Start reading, so that a function that writes a lot does not block."""
        self._on_output = on_output
        self._loop.add_reader(self._reader, self._on_readable)

    def drain(self) -> None:
        """Pass on what is in the pipe now. What a process wrote before its response is in the pipe when the response comes.

        What a process goes on writing meanwhile is not waited for.
        """
        size = self._available()
        while size > 0 and (count := self._read(size)) > 0:
            size -= count

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        self.close_writer()
        if self._reader >= 0:
            self._stop_reading()
            os.close(self._reader)
            self._reader = -1

    def _on_readable(self) -> None:
        if self._read(_CHUNK) == 0:  # every writer has closed it
            self._stop_reading()
        elif self._credit < 0:
            self._loop.remove_reader(self._reader)
            self._throttled.add(self)
            self._pause = self._loop.call_later(-self._credit / _RATE * len(self._throttled), self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._throttled.discard(self)
        self._loop.add_reader(self._reader, self._on_readable)

    def _stop_reading(self) -> None:
        self._loop.remove_reader(self._reader)
        self._throttled.discard(self)
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _available(self) -> int:
        if self._reader < 0:
            return 0
        return int(struct.unpack("i", fcntl.ioctl(self._reader, termios.FIONREAD, b"\0" * 4))[0])

    def _read(self, size: int) -> int:
        """Pass on at most `size` bytes, and return how many. -1: the pipe is empty."""
        if self._reader < 0 or self._on_output is None:
            return -1
        try:
            chunk = os.read(self._reader, min(size, _CHUNK))
        except BlockingIOError:
            return -1
        if chunk:
            self._spend(len(chunk) + _LINE_COST * (chunk.count(b"\n") + chunk.count(_FRAME_MAGIC)))
            self._on_output(chunk)
        return len(chunk)

    def _spend(self, cost: int) -> None:
        now = self._loop.time()
        self._credit = min(self._credit + (now - self._credit_at) * _RATE / max(len(self._throttled), 1), _BURST) - cost
        self._credit_at = now
