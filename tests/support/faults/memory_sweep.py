"""The same operations against AWS in memory, where a case takes a few milliseconds, so that every call can be tried.

The URL is requested between any two calls. Streamed responses aren't supported here.
"""

from __future__ import annotations

import copy
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import Response
from lambent.errors import AwsError, LambentError
from support import memory_aws
from support.faults.fault_kinds import Killed
from support.faults.operation import Operation, destroy, differences
from support.faults.operation_table import OPERATIONS
from support.faults.url_poller import StatusAndBody
from support.faults.world import FAILING_PATH, PACKAGES, QUICK, Spec, World, state
from support.memory_aws import MemoryAws

IN_MEMORY = tuple(each for each in OPERATIONS if not each.spec.stream and not (each.start and each.start.stream))
KINDS = (
    *("killed before", "killed after", "refused", "answer lost", "gone before", "gone after", "denied"),
    *("another deploy before", "another deploy after", "destroyed before", "destroyed after"),
)
APP = "app"
FORBIDDEN = (403, memory_aws.FORBIDDEN)
CLOSED_AGAIN = (403, b"after it was open")
_SOURCE = """
def lambda_handler(event, context):
    if FAILS and event["rawPath"] == "/PATH":
        raise ValueError("not today")
    return {"statusCode": 200, "body": "TEXT " + 2000 * "x"}
"""


class MemoryWorld(World):
    """`aws` is what an operation sees, and `direct` is the same without faults."""

    def __init__(self, folder: Path, aws: MemoryAws) -> None:
        self.folder, self.memory = folder, aws
        self.direct: Aws = aws
        self.aws: Aws = aws

    def deploy(self, app: str, spec: Spec, aws: Aws | None = None, timing: Timing = QUICK) -> events.Deployed:
        zipped = replace(spec.artifact(self.folder), path=self._zip(spec))
        expected = spec.config(self.folder, app)
        return deploy(expected, zipped, DeployContext(aws or self.aws, events.ignore, _short(timing), self.fetch))

    def _zip(self, spec: Spec) -> Path:
        path = self.folder / f"{spec.text}.memory.zip"
        if not path.exists():
            source = _SOURCE.replace("TEXT", spec.text).replace("FAILS", str(spec.fails)).replace("PATH", FAILING_PATH)
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("main.py", source)
        return path

    def fetch(self, url: str, within_s: float, headers: Pairs = ()) -> Response:
        return self.memory.fetch(url, within_s, headers)

    def objects(self) -> list[str]:
        return sorted(key for keys in self.memory._objects.values() for key in keys)

    def state(self, app: str) -> dict[str, str]:
        return state(self.direct, app, self.objects())


def _short(timing: Timing) -> Timing:
    return replace(timing, role_s=0.1, settle_s=0.1, answer_s=0.1)


def _nothing() -> None:
    pass


class FaultyAws:
    """An `Aws` with a fault at one call. `observe` is called after every call, and `strike` at the fault."""

    def __init__(
        self, aws: Aws, kind: str, label: str, strike: Callable[[], None] = _nothing, observe: Callable[[], None] = _nothing
    ) -> None:
        self._aws, self._kind, self._label = aws, kind, label
        self._strike_hook, self._observe = strike, observe
        self.labels: list[str] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.RLock()
        self.struck = ""
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)
        if name in ("region", "signed", "caller"):
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:  # the reads of an observation run at the same time
                return self._called(name, partial(method, *args, **kwargs), args)

        return call

    def _called(self, name: str, method: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        label = " ".join((name, *(each for each in args if isinstance(each, str) and len(each) < 40)))
        self._counts[label] += 1
        label += f"#{self._counts[label]}"
        self.labels.append(label)
        hit = label == self._label and not self.struck
        if hit:
            self.struck = name
        self._before(name, hit)
        answer = method()
        self._observe()
        self._after(hit)
        return answer

    def _before(self, name: str, hit: bool) -> None:
        if self._is_dead:
            raise Killed if self._kind.startswith("killed") else _unheard()
        if self._kind == "denied" and name == self.struck:
            raise AwsError(f"not allowed: {name}", code="AccessDeniedException", where=name, hint="allow it")
        if not hit:
            return
        if self._kind == "refused":
            raise AwsError(f"AWS failed at {name}", code="ServiceException", where=name, hint="again")
        if self._kind.endswith("before"):
            self._apply_fault()

    def _after(self, hit: bool) -> None:
        if hit and self._kind == "answer lost":
            raise _unheard()
        if hit and self._kind.endswith("after"):
            self._apply_fault()

    def _apply_fault(self) -> None:
        if self._kind.startswith(("another", "destroyed", "used")):
            self._strike_hook()
            self._observe()
            return
        self._is_dead = True
        raise Killed if self._kind.startswith("killed") else _unheard()


def _unheard() -> AwsError:
    return AwsError("got no answer", code="ConnectionClosedError", where="here", hint="again")


class Violation(Struct, frozen=True):
    operation: str
    label: str
    kind: str
    what: str


class MemorySweep(Struct):
    """Runs cases. All cases of an operation begin with a copy of the same AWS."""

    folder: Path
    count: int = 0
    _starts: dict[str, MemoryAws] = field(default_factory=dict)
    _after: dict[str, dict[str, str]] = field(default_factory=dict)

    def cases(self, operation: Operation) -> list[tuple[Operation, str, str]]:
        """Return all cases of an operation. Without a live version there is no canary."""
        kinds = [kind for kind in KINDS if not (operation.canary and kind.startswith("destroyed"))]
        return [(operation, label, kind) for label in self.labels(operation) for kind in kinds]

    def labels(self, operation: Operation) -> list[str]:
        """Return the calls of an undisturbed run."""
        world = self.begin(operation)
        watched = FaultyAws(world.memory, "", "")
        world.aws = watched  # type: ignore[assignment]
        operation.once(world, APP)
        self._after[operation.name] = self._state(world, operation)
        return watched.labels

    def begin(self, operation: Operation) -> MemoryWorld:
        if operation.name not in self._starts:
            world = MemoryWorld(self.folder, MemoryAws())
            world.memory.create_bucket(PACKAGES, ())
            for spec in self._history(operation):
                world.deploy(APP, spec)
            if operation.start:
                operation.prepare(world, APP)
            if operation.is_rollback:
                world.memory.move_alias(APP, "live", "2" if operation.name == "rollback" else "1")
            self._starts[operation.name] = world.memory
        return MemoryWorld(self.folder, copy.deepcopy(self._starts[operation.name]))

    def _history(self, operation: Operation) -> Iterable[Spec]:
        start = operation.start
        if start is None:
            return ()
        if operation.is_rollback:
            return operation.spec, start
        old = [
            replace(start, text=f"old{n}", overflow=start.overflow and f"old{n}") for n in range(start.hosting.keep_versions)
        ]
        return *old, start

    def _state(self, world: MemoryWorld, operation: Operation) -> dict[str, str]:
        merged = world.state(APP)
        if operation.stage_suffix:
            merged |= {f"{key} of the stage": value for key, value in world.state(APP + operation.stage_suffix).items()}
        return merged

    def run(self, operation: Operation, label: str, kind: str) -> list[Violation]:
        world = self.begin(operation)
        responses: set[StatusAndBody] = set()
        rival = _Rival(world, operation, kind)
        world.aws = FaultyAws(world.memory, kind, label, rival.act, lambda: self.fetch(world, responses))  # type: ignore[assignment]
        error = self.once(world, operation)
        world.aws = world.memory
        wrong = list(rival.wrong)
        if error is not None and not isinstance(error, LambentError | Killed):
            wrong.append(f"a bug's report: {error!r}")
        if isinstance(error, LambentError) and error.where and not (error.what and error.hint):
            wrong.append(f"not what, where, try: {error.what} | {error.where} | {error.hint}")
        if rival.deployed and isinstance(error, LambentError) and not rival.reports_rival(error):
            wrong.append(f"lost and did not say so: {error.what}")
        if rival.deployed and error is None and rival.error is not None and not rival.reports_rival(rival.error):
            wrong.append(f"the other lost and did not say so: {rival.error.what}")
        again = self.once(world, operation)
        self.fetch(world, responses)
        if again is not None and not (
            kind.startswith("destroyed") and operation.is_rollback
        ):  # there is nothing left to go back to
            wrong.append(f"the rerun failed: {again!r}")
        elif again is None:
            wrong += self.differences(world, operation, kind)
        wrong += [
            f"a client got {answer[0]} {answer[1][:60]!r}" for answer in responses - self.expected_responses(operation, kind)
        ]
        self.count += 1
        return [Violation(operation.name, label, kind, each) for each in wrong]

    def once(self, world: MemoryWorld, operation: Operation) -> BaseException | None:
        try:
            operation.once(world, APP)
        except (Exception, Killed) as raised:
            return raised
        return None

    def fetch(self, world: MemoryWorld, responses: set[StatusAndBody]) -> None:
        url = world.memory.url(APP, "live")
        if url is not None:
            response = world.request(url.address)
            was_open = any(status == 200 for status, _ in responses)
            responses.add(CLOSED_AGAIN if response == FORBIDDEN and was_open else response)

    def expected_responses(self, operation: Operation, kind: str) -> set[StatusAndBody]:
        expected_responses = set(operation.bodies) | ({FORBIDDEN} if operation.allows_forbidden else set())
        if operation.may_be_forbidden or kind.startswith("destroyed"):
            expected_responses |= {FORBIDDEN, CLOSED_AGAIN}
        if kind.startswith("another"):
            expected_responses.add(operation.rival_spec.body)
        return expected_responses

    def differences(self, world: MemoryWorld, operation: Operation, kind: str) -> list[str]:
        state, expected = self._state(world, operation), self._after[operation.name]
        ignored: set[str] = set()
        if kind.startswith(("another", "destroyed")):
            ignored = {"versions", "uploads", "latest", "alias"}
            if operation.refused or operation.canary:
                ignored |= {"live"}
        if kind.startswith("destroyed"):
            ignored |= {"log group", "role", "policies"}  # an update doesn't change tags and attached policies
        if operation.start and operation.start.overflow:
            ignored |= {"uploads"}  # if a run ends before it deletes a version's packages, they stay until the app is destroyed
        return differences(state, expected, ignored)


class _Rival:
    """Someone else, who deploys other code or destroys the app."""

    def __init__(self, world: MemoryWorld, operation: Operation, kind: str) -> None:
        self._there, self._operation, self._kind = world, operation, kind
        self.deployed = False
        self.error: LambentError | None = None
        self.wrong: list[str] = []

    def act(self) -> None:
        app, world = APP + self._operation.stage_suffix, MemoryWorld(self._there.folder, self._there.memory)
        try:
            if self._kind.startswith("destroyed"):
                destroy(world, app)
            else:
                self.deployed = True
                world.deploy(app, self._operation.rival_spec)
        except LambentError as error:
            self.error = error

    def reports_rival(self, error: LambentError) -> bool:
        return any(words in error.what for words in ("another deploy", "someone else"))
