"""Two runs at the same time, in memory: between any two calls of one, the other makes as many calls as a seed chooses."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.deployment.context import DeployContext
from lambent.deployment.rollback import rollback
from lambent.errors import LambentError
from support.faults.memory_sweep import APP, IN_MEMORY, FaultyAws, MemorySweep, MemoryWorld, Violation
from support.faults.operation import Operation
from support.faults.url_poller import StatusAndBody

RIVALS = ("other code", "the same", "rollback")
UPDATES = tuple(
    each for each in IN_MEMORY if each.start and not (each.is_destroy or each.is_rollback or each.canary or each.stage_suffix)
)
_STEPS = (0, 0, 0, 1, 1, 2, 3, 6, 12, 24)


class SteppedAws:
    """An `Aws` whose calls wait until they are allowed."""

    def __init__(self, aws: Aws, observe: Callable[[], None]) -> None:
        self._aws, self._observe = aws, observe
        self._changed = threading.Condition()
        self._allowed, self._made = 0, 0
        self.open = self.ended = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._changed:
                self._changed.wait_for(lambda: self.open or self._made < self._allowed)
                answer = method(*args, **kwargs)
                self._observe()
                self._made += 1
                self._changed.notify_all()
                return answer

        return method if name in ("region", "signed", "caller") else call

    def allow_calls(self, calls: int) -> None:
        """Allow so many calls, and return once they are made or the run is over."""
        with self._changed:
            self._allowed = self._made + calls
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ended or self._made >= self._allowed)

    def finish(self, open: bool = False, ended: bool = False) -> None:
        with self._changed:
            self.open, self.ended = self.open or open, self.ended or ended
            self._changed.notify_all()


def run(every: MemorySweep, operation: Operation, rival: str, seed: int) -> list[Violation]:
    world = every.begin(operation)
    responses: set[StatusAndBody] = set()
    chance = random.Random(f"{operation.name} {rival} {seed}")
    observe = lambda: every.fetch(world, responses)  # noqa: E731
    stepped = SteppedAws(world.memory, observe)
    errors: list[BaseException | None] = [None, None]

    def second() -> None:
        try:
            _run_rival(world, operation, rival, stepped)
        except BaseException as raised:
            errors[1] = raised
        stepped.finish(ended=True)

    thread = threading.Thread(target=second, daemon=True)
    thread.start()
    world.aws = FaultyAws(world.memory, "", "", observe=lambda: (observe(), stepped.allow_calls(chance.choice(_STEPS)))[0])  # type: ignore[assignment]
    errors[0] = every.once(world, operation)
    stepped.finish(open=True)
    thread.join(60)
    world.aws = world.memory
    wrong = [f"{each!r}" for each in errors if each is not None and not _says_so(each)]
    wrong += ["it still runs"] if thread.is_alive() else []
    # If one closes the URL and the other moves the alias, each may lose its other half and say so.
    wrong += ["nobody won"] if None not in errors and not operation.may_be_forbidden else []
    again = every.once(world, operation)
    observe()
    wrong += [f"the rerun failed: {again!r}"] if again else every.differences(world, operation, "another")
    wrong += [f"a client got {answer[0]} {answer[1][:60]!r}" for answer in responses - _good(every, operation)]
    return [Violation(operation.name, str(seed), rival, each) for each in wrong]


def _good(every: MemorySweep, operation: Operation) -> set[StatusAndBody]:
    assert operation.start
    last = operation.start.hosting.keep_versions - 1
    return every.expected_responses(operation, "another") | {replace(operation.start, text=f"old{last}").body}


def _run_rival(world: MemoryWorld, operation: Operation, rival: str, aws: Any) -> None:
    rival_world = MemoryWorld(world.folder, world.memory)
    rival_world.aws = aws
    if rival == "rollback":
        rollback(APP, "", DeployContext(aws, events.ignore, fetch=world.fetch))
    else:
        rival_world.deploy(APP, operation.rival_spec if rival == "other code" else operation.spec)


def _says_so(error: BaseException) -> bool:
    words = ("another deploy", "someone else")
    return isinstance(error, LambentError) and any(each in error.what for each in words)
