"""Tells the local Lambda what `lambent dev` has done, and returns what came of it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from lambent.errors import LocalError
from lambent.local import daemon
from lambent.local.dev_code import CodeFile
from lambent.local.dev_sessions import PATH, Step, StepResult
from lambent.local.engine.invocation import Start
from lambent.local.front.dev_pages import Problem

from .source_changes import Change

_TIMEOUT_S = 120.0


class DevSession:
    """A run of `lambent dev` for one function, in the local Lambda with this state folder. Use it as a context manager."""

    def __init__(self, state: Path, region: str, function: str, start: Start) -> None:
        self._state = state
        self._step = Step(function, region, os.getpid(), start)

    def __enter__(self) -> DevSession:
        self._send("begin", self._step)
        return self

    def __exit__(self, *exception: object) -> None:
        if daemon.status(self._state) is not None:
            self._send("end", self._step)

    def deployed(self, change: Change) -> StepResult:
        """The live version is new. `change` is what has changed in the project since it was built."""
        return self._send("deployed", self._with(change))

    def changed(self, change: Change) -> StepResult:
        return self._send("changed", self._with(change))

    def failed(self, title: str, text: str) -> None:
        """A build or deploy has failed: pages show why."""
        self._send("failed", replace(self._step, problem=Problem(title, text)))

    def _with(self, change: Change) -> Step:
        files = tuple(CodeFile(name, file.read(), file.executable) for name, file in change.written.items())
        return replace(self._step, files=files, removed=change.removed)

    def _send(self, name: str, step: Step) -> StepResult:
        status, body = daemon.administer(self._state, f"{PATH}{name}", msgspec.json.encode(step), _TIMEOUT_S)
        if status != 200:
            raise LocalError(_message(body), where=str(self._state))
        return msgspec.json.decode(body, type=StepResult)


def _message(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the local Lambda didn't take a change"
