"""The runtime process of a function that `lambent dev` runs: forked from a parent that has imported the app's packages.

The parent (runtime/warm_start.py) lives in the same sandbox, so its freezing, its memory limit and its end hold for both. If
the zip's runtime has no such parent (a handler under AWS's own client), each start is a new process in the same sandbox.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from msgspec.structs import replace

from lambent.local.sandbox.sandbox import ProcessExit, Sandbox, SandboxFactory, SandboxSpec

from .runtime_events import EventKind, RuntimeEvent
from .runtime_process import RuntimeProcess, ServeClients

VARIABLE = ("LAMBENT_WARM_START", "1")
_PARENT_S = 60.0  # it imports all packages of the app meanwhile
_END_S = 10.0
_LEFT_OUT_MAX = 8
_IMPORTS = 20
"""Modules in one command: the parent takes no other command while it imports."""


class WarmImports:
    """What the parents of one function import: shared by its environments, and kept for as long as `lambent dev` runs.

    `notes` say in words what is left out, and why.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._names: dict[str, None] = {}
        self._left_out: set[str] = set()

    def add(self, names: list[str]) -> None:
        self._names.update(dict.fromkeys(names))

    def leave_out(self, report: str) -> None:
        """Take a parent's report that it had to start over: "threads numpy.linalg" or "own django.conf"."""
        reason, _, module = report.partition(" ")
        package = module.partition(".")[0]
        self._left_out.add(package if reason == "threads" else module)
        cause = "starts threads when it is imported" if reason == "threads" else "imports the app's own modules"
        note = f"{package} {cause}, so each start of the app imports it"
        if note not in self.notes:
            self.notes.append(note)

    def names(self) -> list[str]:
        """Return the names to import, in the order in which the app's first start imported them."""
        if len(self._left_out) > _LEFT_OUT_MAX:
            return []
        left_out = self._left_out
        return [name for name in self._names if name not in left_out and name.partition(".")[0] not in left_out]


class WarmProcess(RuntimeProcess):
    def __init__(
        self,
        imports: WarmImports,
        factory: SandboxFactory,
        on_output: Callable[[bytes], None],
        serve_clients: ServeClients | None = None,
    ) -> None:
        super().__init__(factory, on_output, serve_clients)
        self._imports = imports
        self._sent: set[str] = set()
        self._has_sandbox = self._has_parent = False
        self._is_starting = self._is_importing = self._freezes = False
        self._changed = asyncio.Event()  # the parent waits for a command, or the process did something

    async def start(self, spec: SandboxSpec) -> None:
        """Fork a new process in place of the previous one, or start the parent first. Raises OSError."""
        self._is_starting = True
        try:
            await self._start(spec)
        finally:
            self._is_starting = False

    async def _start(self, spec: SandboxSpec) -> None:
        await self.kill()  # to its end: a process whose connection is closed would connect again
        if not (self._has_sandbox and self._has_parent):
            await super().start(replace(spec, environment=(*spec.environment, VARIABLE)))
            self._has_sandbox, self._sent = True, set()
            self._has_parent = await self._parent_waits(_PARENT_S)
            while self._has_parent and self._import_some():
                self._has_parent = await self._parent_waits(_PARENT_S)
            if not self._has_parent:
                return  # a runtime that can't fork, or one that has ended: `next_event` tells
        self._api.restart()
        self._events.clear()
        self._alive, self._frozen = True, False
        self._api.command("fork")

    async def kill(self) -> None:
        """End the process, and its parent only if that doesn't listen."""
        if self._has_sandbox and self._has_parent and await self._parent_waits(_END_S):
            self._alive = self._is_importing = False
            self._api.command("end")
            if await self._parent_waits(_END_S):
                return
        await self._kill_sandbox()

    async def settle(self) -> None:
        """Wait until the parent has imported what the last start has imported."""
        while self._is_importing and await self._parent_waits(_PARENT_S):
            self._import_when_idle()

    def freeze_soon(self) -> None:
        """Freeze the process and its parent in a moment, or once the parent has imported what it lacks."""
        self._freezes = self._is_importing
        if not self._freezes:
            super().freeze_soon()

    def thaw(self) -> None:
        self._freezes = False
        super().thaw()

    async def close(self) -> None:
        await self._kill_sandbox()
        await super().close()

    async def _kill_sandbox(self) -> None:
        if self._has_sandbox and self._sandbox is not None:
            self._has_sandbox = self._has_parent = self._alive = False
            await self._sandbox.kill()

    async def _parent_waits(self, within_s: float) -> bool:
        """Wait until the parent waits for a command. Returns False if it has ended, or takes too long, or there is none."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not self._api.has_parent:
            is_other_runtime = bool(self._events) and not self._has_parent
            left_s = deadline - asyncio.get_running_loop().time()
            if not self._has_sandbox or is_other_runtime or left_s <= 0:
                return False
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left_s)
        return True

    def _on_exit(self, sandbox: Sandbox, exit: ProcessExit) -> None:
        if sandbox is self._sandbox:
            self._has_sandbox = False
        super()._on_exit(sandbox, exit)
        self._changed.set()

    def _on_event(self, event: RuntimeEvent) -> None:
        if event.kind is EventKind.MODULES:
            self._imports.add(event.payload.decode("utf-8", "replace").split("\n"))
            self._import_when_idle()
            return
        if event.kind is EventKind.PARENT:
            report = event.payload.decode("utf-8", "replace")
            if report:
                self._sent = set()
            if " " in report:
                self._imports.leave_out(report)
            self._import_when_idle()
            self._changed.set()
            return
        if event.kind is EventKind.EXITED:
            self._alive = False
        super()._on_event(event)
        self._changed.set()

    def _import_when_idle(self) -> None:
        """Let the parent import more while the app already answers. A start doesn't have to wait for all of it."""
        if self._alive and not self._is_starting and not self._import_some() and self._freezes:
            self.freeze_soon()

    def _import_some(self) -> bool:
        """Let the parent import a few more modules if it waits for a command. Returns whether there are any."""
        names = [name for name in self._imports.names() if name not in self._sent][:_IMPORTS]
        if not self._api.has_parent:
            return False
        self._is_importing = bool(names)
        if not names:
            return False
        self._sent.update(names)
        self._api.command("\n".join(["import", *names]))
        return True
