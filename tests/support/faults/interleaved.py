"""Two runs at once in memory: between any two calls of the one, the other makes as many as a seed chooses."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.deploy.context import DeployContext
from lambent.deploy.rollback import rollback
from lambent.errors import LambentError
from support.faults.asker import Seen
from support.faults.memory import APP, IN_MEMORY, Every, Memory, Struck, Wrong
from support.faults.operation import Operation

OTHERS = ("other code", "the same", "rollback")
UPDATES = tuple(each for each in IN_MEMORY if each.start and not (each.ends or each.returns or each.canary or each.beside))
_STEPS = (0, 0, 0, 1, 1, 2, 3, 6, 12, 24)


class Stepped:
    """An `Aws` whose calls wait until they are let through."""

    def __init__(self, aws: Aws, look: Callable[[], None]) -> None:
        self._aws, self._look = aws, look
        self._changed = threading.Condition()
        self._allowed, self._made = 0, 0
        self.open = self.ended = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)

        def call(*given: Any, **named: Any) -> Any:
            with self._changed:
                self._changed.wait_for(lambda: self.open or self._made < self._allowed)
                answer = method(*given, **named)
                self._look()
                self._made += 1
                self._changed.notify_all()
                return answer

        return method if name in ("region", "signed", "caller") else call

    def let(self, calls: int) -> None:
        """Lets so many through, and returns once they are made, or the run is over."""
        with self._changed:
            self._allowed = self._made + calls
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ended or self._made >= self._allowed)

    def finish(self, open: bool = False, ended: bool = False) -> None:
        with self._changed:
            self.open, self.ended = self.open or open, self.ended or ended
            self._changed.notify_all()


def run(every: Every, operation: Operation, other: str, seed: int) -> list[Wrong]:
    there = every.begin(operation)
    seen: set[Seen] = set()
    chance = random.Random(f"{operation.name} {other} {seed}")
    look = lambda: every.fetch(there, seen)  # noqa: E731
    stepped = Stepped(there.memory, look)
    errors: list[BaseException | None] = [None, None]

    def second() -> None:
        try:
            _other(there, operation, other, stepped)
        except BaseException as raised:
            errors[1] = raised
        stepped.finish(ended=True)

    thread = threading.Thread(target=second, daemon=True)
    thread.start()
    there.aws = Struck(there.memory, "", "", look=lambda: (look(), stepped.let(chance.choice(_STEPS)))[0])  # type: ignore[assignment]
    errors[0] = every.once(there, operation)
    stepped.finish(open=True)
    thread.join(60)
    there.aws = there.memory
    wrong = [f"{each!r}" for each in errors if each is not None and not _says_so(each)]
    wrong += ["it still runs"] if thread.is_alive() else []
    # One that closes the URL and one that moves the alias may each have lost the other's half, and say so.
    wrong += ["nobody won"] if None not in errors and not operation.forbidden else []
    again = every.once(there, operation)
    look()
    wrong += [f"the rerun failed: {again!r}"] if again else every.differences(there, operation, "another")
    wrong += [f"a client got {answer[0]} {answer[1][:60]!r}" for answer in seen - _good(every, operation)]
    return [Wrong(operation.name, str(seed), other, each) for each in wrong]


def _good(every: Every, operation: Operation) -> set[Seen]:
    assert operation.start
    last = operation.start.hosting.keep_versions - 1
    return every.good(operation, "another") | {replace(operation.start, text=f"old{last}").body}


def _other(there: Memory, operation: Operation, other: str, aws: Any) -> None:
    beside = Memory(there.folder, there.memory)
    beside.aws = aws
    if other == "rollback":
        rollback(APP, "", DeployContext(aws, events.ignore, fetch=there.fetch))
    else:
        beside.deploy(APP, operation.other if other == "other code" else operation.spec)


def _says_so(error: BaseException) -> bool:
    words = ("another deploy", "somebody else")
    return isinstance(error, LambentError) and any(each in error.what for each in words)
