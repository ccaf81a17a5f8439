"""The same operations against AWS in memory, where a case takes a few milliseconds: every call, without botocore and processes.

Between any two calls the URL is asked. Answers that are streamed are not to be had here.
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
from lambent.deploy.context import DeployContext, Timing
from lambent.deploy.deploy import deploy
from lambent.deploy.fetch import Response
from lambent.errors import AwsError, LambentError
from support import memory_aws
from support.faults.asker import Seen
from support.faults.kinds import Killed
from support.faults.operation import Operation, destroy, differences
from support.faults.operations import OPERATIONS
from support.faults.world import FAILING_PATH, PACKAGES, QUICK, Spec, World, state
from support.memory_aws import MemoryAws

IN_MEMORY = tuple(each for each in OPERATIONS if not each.spec.stream and not (each.start and each.start.stream))
KINDS = (
    *("killed before", "killed after", "refused", "unheard", "gone before", "gone after", "denied"),
    *("another deploy before", "another deploy after", "destroyed before", "destroyed after"),
)
APP = "app"
FORBIDDEN = (403, memory_aws.FORBIDDEN)
_SOURCE = """
def lambda_handler(event, context):
    if FAILS and event["rawPath"] == "/PATH":
        raise ValueError("not today")
    return {"statusCode": 200, "body": "TEXT " + 2000 * "x"}
"""


class Memory(World):
    """`aws` is what an operation sees, `direct` the same without faults."""

    def __init__(self, folder: Path, aws: MemoryAws) -> None:
        self.folder, self.memory = folder, aws
        self.direct: Aws = aws
        self.aws: Aws = aws

    def deploy(self, app: str, spec: Spec, aws: Aws | None = None, timing: Timing = QUICK) -> events.Deployed:
        zipped = replace(spec.artifact(self.folder), path=self._zip(spec))
        wanted = spec.config(self.folder, app)
        return deploy(wanted, zipped, DeployContext(aws or self.aws, events.ignore, _short(timing), self.fetch))

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


class Struck:
    """An `Aws` with a fault at one call, and somebody who looks before and after each one."""

    def __init__(
        self, aws: Aws, kind: str, label: str, other: Callable[[], None] = _nothing, look: Callable[[], None] = _nothing
    ) -> None:
        self._aws, self._kind, self._label = aws, kind, label
        self._other, self._look = other, look
        self.labels: list[str] = []
        self._seen: Counter[str] = Counter()
        self._lock = threading.RLock()
        self.struck = ""
        self._over = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)
        if name in ("region", "signed", "caller"):
            return method

        def call(*given: Any, **named: Any) -> Any:
            with self._lock:  # the calls of a look run at the same time
                return self._called(name, partial(method, *given, **named), given)

        return call

    def _called(self, name: str, method: Callable[[], Any], given: tuple[Any, ...]) -> Any:
        label = " ".join((name, *(each for each in given if isinstance(each, str) and len(each) < 40)))
        self._seen[label] += 1
        label += f"#{self._seen[label]}"
        self.labels.append(label)
        hit = label == self._label and not self.struck
        if hit:
            self.struck = name
        self._before(name, hit)
        answer = method()
        self._look()
        self._after(hit)
        return answer

    def _before(self, name: str, hit: bool) -> None:
        if self._over:
            raise Killed if self._kind.startswith("killed") else _unheard()
        if self._kind == "denied" and name == self.struck:
            raise AwsError(f"not allowed: {name}", code="AccessDeniedException", where=name, hint="allow it")
        if not hit:
            return
        if self._kind == "refused":
            raise AwsError(f"AWS failed at {name}", code="ServiceException", where=name, hint="again")
        if self._kind.endswith("before"):
            self._strike()

    def _after(self, hit: bool) -> None:
        if hit and self._kind == "unheard":
            raise _unheard()
        if hit and self._kind.endswith("after"):
            self._strike()

    def _strike(self) -> None:
        if self._kind.startswith(("another", "destroyed", "used")):
            self._other()
            self._look()
            return
        self._over = True
        raise Killed if self._kind.startswith("killed") else _unheard()


def _unheard() -> AwsError:
    return AwsError("got no answer", code="ConnectionClosedError", where="here", hint="again")


class Wrong(Struct, frozen=True):
    operation: str
    label: str
    kind: str
    what: str


class Every(Struct):
    """All cases of an operation begin with a copy of the same AWS."""

    folder: Path
    count: int = 0
    _starts: dict[str, MemoryAws] = field(default_factory=dict)
    _after: dict[str, dict[str, str]] = field(default_factory=dict)

    def cases(self, operation: Operation) -> list[tuple[Operation, str, str]]:
        """All there are. Where nothing is left there is no canary."""
        kinds = [kind for kind in KINDS if not (operation.canary and kind.startswith("destroyed"))]
        return [(operation, label, kind) for label in self.labels(operation) for kind in kinds]

    def labels(self, operation: Operation) -> list[str]:
        """An unbroken run: its calls."""
        there = self.begin(operation)
        watched = Struck(there.memory, "", "")
        there.aws = watched  # type: ignore[assignment]
        operation.once(there, APP)
        self._after[operation.name] = self._state(there, operation)
        return watched.labels

    def begin(self, operation: Operation) -> Memory:
        if operation.name not in self._starts:
            there = Memory(self.folder, MemoryAws())
            there.memory.create_bucket(PACKAGES, ())
            for spec in self._history(operation):
                there.deploy(APP, spec)
            if operation.start:
                operation.prepare(there, APP)
            if operation.returns:
                there.memory.move_alias(APP, "live", "2" if operation.name == "rollback" else "1")
            self._starts[operation.name] = there.memory
        return Memory(self.folder, copy.deepcopy(self._starts[operation.name]))

    def _history(self, operation: Operation) -> Iterable[Spec]:
        start = operation.start
        if start is None:
            return ()
        if operation.returns:
            return operation.spec, start
        old = [
            replace(start, text=f"old{n}", overflow=start.overflow and f"old{n}") for n in range(start.hosting.keep_versions)
        ]
        return *old, start

    def _state(self, there: Memory, operation: Operation) -> dict[str, str]:
        found = there.state(APP)
        if operation.beside:
            found |= {f"{key} of the stage": value for key, value in there.state(APP + operation.beside).items()}
        return found

    def run(self, operation: Operation, label: str, kind: str) -> list[Wrong]:
        there = self.begin(operation)
        seen: set[Seen] = set()
        rival = _Rival(there, operation, kind)
        there.aws = Struck(there.memory, kind, label, rival.act, lambda: self.fetch(there, seen))  # type: ignore[assignment]
        error = self.once(there, operation)
        there.aws = there.memory
        wrong = list(rival.wrong)
        if error is not None and not isinstance(error, LambentError | Killed):
            wrong.append(f"a bug's report: {error!r}")
        if isinstance(error, LambentError) and error.where and not (error.what and error.hint):
            wrong.append(f"not what, where, try: {error.what} | {error.where} | {error.hint}")
        if rival.deployed and isinstance(error, LambentError) and not rival.told(error):
            wrong.append(f"lost and did not say so: {error.what}")
        if rival.deployed and error is None and rival.error is not None and not rival.told(rival.error):
            wrong.append(f"the other lost and did not say so: {rival.error.what}")
        again = self.once(there, operation)
        self.fetch(there, seen)
        if again is not None and not (kind.startswith("destroyed") and operation.returns):  # nothing is left to go back to
            wrong.append(f"the rerun failed: {again!r}")
        elif again is None:
            wrong += self.differences(there, operation, kind)
        wrong += [f"a client got {answer[0]} {answer[1][:60]!r}" for answer in seen - self.good(operation, kind)]
        self.count += 1
        return [Wrong(operation.name, label, kind, each) for each in wrong]

    def once(self, there: Memory, operation: Operation) -> BaseException | None:
        try:
            operation.once(there, APP)
        except (Exception, Killed) as raised:
            return raised
        return None

    def fetch(self, there: Memory, seen: set[Seen]) -> None:
        url = there.memory.url(APP, "live")
        if url is not None:
            seen.add(there.hear(url.address))

    def good(self, operation: Operation, kind: str) -> set[Seen]:
        good = set(operation.bodies) | ({FORBIDDEN} if operation.forbidden else set())
        if kind.startswith("another"):
            good.add(operation.other.body)
        return good

    def differences(self, there: Memory, operation: Operation, kind: str) -> list[str]:
        now, wanted = self._state(there, operation), self._after[operation.name]
        left: set[str] = set()
        if kind.startswith(("another", "destroyed")):
            left = {"versions", "uploads", "latest", "alias"}
            if operation.refused or operation.canary:
                left |= {"live"}
        if kind.startswith("destroyed"):
            left |= {"log group", "role", "policies"}  # an update leaves its tags as they are, and what is attached
        if operation.start and operation.start.overflow:
            left |= {"uploads"}  # a run that ended between a version and its packages leaves those until the app is destroyed
        return differences(now, wanted, left)


class _Rival:
    """Somebody else, who deploys other code or destroys the app."""

    def __init__(self, there: Memory, operation: Operation, kind: str) -> None:
        self._there, self._operation, self._kind = there, operation, kind
        self.deployed = False
        self.error: LambentError | None = None
        self.wrong: list[str] = []

    def act(self) -> None:
        app, there = APP + self._operation.beside, Memory(self._there.folder, self._there.memory)
        try:
            if self._kind.startswith("destroyed"):
                destroy(there, app)
            else:
                self.deployed = True
                there.deploy(app, self._operation.other)
        except LambentError as error:
            self.error = error

    def told(self, error: LambentError) -> bool:
        return any(words in error.what for words in ("another deploy", "somebody else"))
