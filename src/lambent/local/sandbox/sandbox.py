"""A sandbox: a runtime process and all its descendants, with their output, their memory limit and their freezing."""

from __future__ import annotations

import asyncio
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from . import process_tree
from .memory_limit import MemoryLimit
from .output_pipe import OutputPipe
from .socket_owner import Address, owns_client

_STOP_ROUNDS = 100  # each stops the processes that were forked during the previous one
_QUIET_ROUNDS = 2  # a process that ended while it was looked for may have left a new one


class SandboxSpec(Struct, frozen=True):
    """What a sandbox is made of. Paths are the host's; inside they are /var/task, /var/runtime, /opt and /tmp.

    In `command`, `{python}`, `{task}` and `{runtime}` stand for the interpreter and those folders as the process sees them.
    `tmp` identifies the environment: its /tmp outlives a restarted process until `close`, as on AWS after a time-out.
    A sandbox with a network of its own gets a listener on each of `ports`, on its loopback address.
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
    ports: tuple[int, ...] = ()


def expand(word: str, names: Mapping[str, str]) -> str:
    """Put values in place of `{python}`, `{task}` and `{runtime}` in a word of a command. Other braces stay as they are."""
    for name, value in names.items():
        word = word.replace(f"{{{name}}}", value)
    return word


class ProcessExit(Struct, frozen=True):
    """How a process ended: its exit status, or the signal that killed it. `out_of_memory` if it exceeded its limit."""

    status: int | None
    signal: int | None
    out_of_memory: bool = False


class Sandbox(ABC):
    """One run of a runtime process. Subclasses say which processes belong to it and how to kill them.

    `listeners` are sockets that listen on the ports of the specification, if the sandbox has a network of its own and they
    haven't been taken for an earlier process with the same `tmp`. The code that starts the sandbox serves and closes them.
    """

    listeners: tuple[socket.socket, ...] = ()

    def __init__(self, output: OutputPipe, memory_mb: int) -> None:
        self._output = output
        self._frozen: list[int] = []
        self._memory = MemoryLimit(self._pids, memory_mb, self._kill_all)
        self._memory.start()
        self._exit = asyncio.ensure_future(self._wait_end())

    async def wait(self) -> ProcessExit:
        return await asyncio.shield(self._exit)

    async def kill(self) -> None:
        """End every process and wait for that. /tmp stays for the next start with the same `tmp`."""
        self._kill_all()
        await self.wait()

    @abstractmethod
    async def close(self) -> None:
        """End every process and discard /tmp."""

    def listen(self, on_output: Callable[[bytes], None]) -> None:
        """Pass on standard output and standard error from now on, in the order in which they are written."""
        self._output.listen(on_output)

    def drain(self) -> None:
        """Pass on everything that has been written so far, without waiting."""
        self._output.drain()

    def freeze(self) -> None:
        """Stop every process until `thaw`."""
        self._frozen = self._stop_all()
        self._memory.start_frozen(self._stop_stragglers)

    def thaw(self) -> None:
        self._continue_all(self._frozen)
        self._frozen = []
        self._memory.start()

    def within_memory(self) -> bool:
        """Check the memory now, including peaks since the last check. If it returns False, everything has been killed."""
        return self._memory.check_at_end()

    def peak_memory_mb(self) -> int:
        return self._memory.peak_mb()

    def mapped_files(self) -> set[str]:
        """Return the files that the processes have mapped now, by the paths that they see."""
        return set().union(*(process_tree.mapped_files(pid) for pid in self._pids()))

    def owns_client(self, client: Address, server: Address) -> bool:
        """Return whether the client's end of a loopback connection belongs to one of the processes."""
        return owns_client(self._pids(), client, server)

    @abstractmethod
    def _pids(self) -> list[int]: ...

    @abstractmethod
    def _kill_all(self) -> None: ...

    def _stop_all(self) -> list[int]:
        """Stop every process and return their ids. Those that fork while they are stopped are looked for again."""
        stopped: set[int] = set()
        quiet = 0
        for _ in range(_STOP_ROUNDS):
            fresh = set(self._pids()) - stopped
            process_tree.signal_all(fresh, signal.SIGSTOP)
            stopped |= fresh
            quiet = 0 if fresh else quiet + 1
            if quiet == _QUIET_ROUNDS:
                break
        return list(stopped)

    def _stop_stragglers(self) -> None:
        """Stop what has escaped `_stop_all`. It is called now and then while the processes are frozen."""
        self._frozen = list({*self._frozen, *self._stop_all()})

    def _continue_all(self, pids: list[int]) -> None:
        process_tree.signal_all(pids, signal.SIGCONT)

    @abstractmethod
    async def _wait_exit(self) -> ProcessExit: ...

    async def _wait_end(self) -> ProcessExit:
        exit = await self._wait_exit()
        self._memory.stop()
        self._output.drain()
        self._output.close()
        return ProcessExit(exit.status, exit.signal, out_of_memory=self._memory.exceeded)


class SandboxFactory(Protocol):
    """Starts sandboxes. `kind` is "namespaces" or "process".

    `own_network` is whether each has a network of its own, without this machine's loopback; if not, `why_shared` says why.
    """

    kind: str
    own_network: bool
    why_shared: str

    async def prepare(self, interpreter: Path) -> None:
        """Do what is needed once before processes of this interpreter start, which may take a second. Raises LocalError."""
        ...

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Start a process in a sandbox. Raises OSError, and LocalError as `prepare` does."""
        ...

    async def stop(self) -> None:
        """Close every sandbox."""
        ...
