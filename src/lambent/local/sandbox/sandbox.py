"""A sandbox: one process, and everything below it, that runs one execution environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct


class Spec(Struct, frozen=True):
    """What a sandbox is made of. Paths are the host's; inside they are /var/task, /var/runtime, /opt and /tmp.

    `command` is what is started, with `{python}`, `{task}` and `{runtime}` standing for the interpreter and those folders
    as the process will see them. `tmp` is this environment's own: it names the environment, and what was in its /tmp
    outlives a restarted process (as /tmp does on AWS after a time-out), until `close`.
    """

    interpreter: Path
    task: Path
    runtime: Path
    tmp: Path
    tmp_mb: int
    memory_mb: int
    environment: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    opt: Path | None = None


class Exit(Struct, frozen=True):
    """How the process ended: an exit status, or the signal that killed it; `out_of_memory` when the limit was enforced."""

    status: int | None
    signal: int | None
    out_of_memory: bool = False


class Sandbox(Protocol):
    async def wait(self) -> Exit: ...

    async def kill(self) -> None:
        """Ends every process in it. Awaits their end. What is in /tmp stays for the next `Maker.start` with the same `tmp`."""
        ...

    async def close(self) -> None:
        """Ends every process and gives up /tmp."""
        ...

    def listen(self, heard: Callable[[bytes], None]) -> None:
        """From now on calls `heard` with standard output and standard error, in the order they were written."""
        ...

    def drain(self) -> None:
        """Passes on at once, without waiting, all that was written up to now."""
        ...

    def freeze(self) -> None:
        """Stops every process in it until `thaw`."""
        ...

    def thaw(self) -> None: ...

    def within_memory(self) -> bool:
        """Looks at the memory now, peaks since the last look included. False: too much, and everything has been killed."""
        ...

    def peak_memory_mb(self) -> int: ...


class Maker(Protocol):
    """Starts sandboxes. `kind` is "namespaces" or "process", for `lambent local status`."""

    kind: str

    async def start(self, spec: Spec) -> Sandbox:
        """Raises OSError when the process cannot be made."""
        ...

    async def stop(self) -> None:
        """Ends every sandbox it made."""
        ...
