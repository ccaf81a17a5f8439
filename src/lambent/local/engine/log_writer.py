"""Takes log lines off the hot path: collects them, and gives them to the sink from a thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from .invocation import LogLine, LogSink

_log = logging.getLogger(__name__)

_GATHER_S = 0.1
"""How long lines are gathered before they are written: one call of the sink for many invocations."""

_Stream = tuple[str, str, str]


class LogWriter:
    """Lines of one stream are written in the order they came."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._pending: dict[_Stream, list[LogLine]] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def write(self, region: str, group: str, stream: str, lines: Sequence[LogLine]) -> None:
        """Returns at once."""
        if not lines:
            return
        self._pending.setdefault((region, group, stream), []).extend(lines)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush_later())

    async def close(self) -> None:
        """Writes what is left."""
        if self._task is not None:
            await self._task
        await self.flush()

    async def _flush_later(self) -> None:
        while self._pending:
            await asyncio.sleep(_GATHER_S)
            await self.flush()

    async def flush(self) -> None:
        """Writes what there is now, for somebody who is about to read logs."""
        async with self._writing:
            taken, self._pending = self._pending, {}
            if taken:
                await asyncio.to_thread(self._write_all, taken)

    def _write_all(self, taken: dict[_Stream, list[LogLine]]) -> None:
        for (region, group, stream), lines in taken.items():
            try:
                self._sink.write(region, group, stream, lines)
            except Exception:
                # The border to somebody else's service: a log that cannot be written must not stop a function.
                _log.exception("could not write %d lines to the log group %s", len(lines), group)
