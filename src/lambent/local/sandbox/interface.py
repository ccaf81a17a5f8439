"""A sandbox: one process, and everything below it, that runs one execution environment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Spec:
    """What a sandbox is made of. Paths are the host's; inside they are /var/task, /var/runtime, /opt and /tmp.

    `command` is what is started, with `{task}` and `{runtime}` standing for those folders as the process will see them.
    `tmp` is a folder of this environment's own that outlives a restarted process (as /tmp does on AWS after a time-out).
    """

    interpreter: Path
    task: Path
    runtime: Path
    tmp: Path
    tmp_mb: int
    memory_mb: int
    environment: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    layers: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Exit:
    """How the process ended: an exit status, or the signal that killed it; `out_of_memory` when the limit was enforced."""

    status: int | None
    signal: int | None
    out_of_memory: bool = False


class Sandbox(Protocol):
    stdout: asyncio.StreamReader
    """Standard output and standard error, in the order they were written."""

    async def wait(self) -> Exit: ...

    async def kill(self) -> None:
        """Ends every process in it. Awaits their end."""
        ...

    def peak_memory_mb(self) -> int: ...


class Maker(Protocol):
    """Starts sandboxes. `kind` is "namespaces" or "process", for `lambent local status`."""

    kind: str

    async def start(self, spec: Spec) -> Sandbox: ...
