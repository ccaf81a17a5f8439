"""Tries each kind of fault at each call of every operation, and checks what must hold afterwards. A seed chooses the order."""

from __future__ import annotations

import itertools
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.errors import LambentError, UnconfirmedError
from lambent.ui.errors import format_error
from support.faults import aws_errors
from support.faults.fault_kinds import KINDS, Fault, FaultKind, Killed
from support.faults.operation import Operation, differences, nothing
from support.faults.operation_table import OPERATIONS, ROLLBACKS
from support.faults.url_poller import StatusAndBody, UrlPoller, request_once
from support.faults.world import PACKAGES, Spec, World, on_url

PASSES_S = 45
"""The client never waits longer than this while it is throttled."""

STANDING = ("500", "cut before", "cut after", "throttled forever", "access denied")
"""Faults of one call only: AWS answers the others."""


class Case(Struct, frozen=True):
    operation: str
    label: str
    kind: str


class Outcome(Struct, frozen=True):
    """The outcome of a case: `wrong` is empty if everything held."""

    case: Case
    ended: str
    wrong: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0


class Sweep(Struct):
    world: World
    pause_s: float = 0.0
    _fresh: Iterator[int] = field(default_factory=itertools.count)
    _apps: dict[str, str] = field(default_factory=dict)
    _labels: dict[str, list[str]] = field(default_factory=dict)
    _ready_apps: set[str] = field(default_factory=set)
    _after: dict[str, dict[str, str]] = field(default_factory=dict)

    def cases(self, operations: tuple[Operation, ...] = OPERATIONS) -> list[Case]:
        """Return all cases, in the order of the calls."""
        cases = []
        for operation in operations:
            self.learn(operation)
            cases += [Case(operation.name, label, kind.name) for label in self._labels[operation.name] for kind in KINDS]
        return cases

    def priority(self, case: Case) -> int:
        """Return the order of a case, by what an undisturbed run does: the most telling cases come first.

        0: a call that writes, or invokes the new version. 1: a read after those. 2: a read before them that ends the run, so
        that nothing needs to be undone. 3: any other.
        """
        kind = next(each for each in KINDS if each.name == case.kind)
        labels = self._labels[case.operation]
        if not _reads(case.label):
            return 0
        if not all(map(_reads, labels[: labels.index(case.label)])):
            return 1
        return 3 if kind.recovers or kind.concurrent else 2

    def learn(self, operation: Operation) -> None:
        """Record the calls of an undisturbed run, and the state in which it ends."""
        if operation.name in self._labels:
            return
        app = self._ready(operation)
        self.world.begin(None)
        operation.once(self.world, app)
        self._ready_apps.discard(app)
        self._labels[operation.name] = [call.label for call in self.world.proxy.calls]
        self._after[operation.name] = self._state(operation, app)

    def _state(self, operation: Operation, app: str) -> dict[str, str]:
        state = self.world.state(app)
        if operation.stage_suffix:
            state |= {f"{key} of the stage": value for key, value in self.world.state(app + operation.stage_suffix).items()}
        if operation.spec == operation.start and "retention_days=None" in state["log group"]:
            state["log group"] = "None"  # Lambda writes the function's last lines after it is gone
        if operation.live_only:
            return {key: state[key] for key in ("role", "policies", "live", "statements", "url", "log group")}
        return state

    def _ready(self, operation: Operation) -> str:
        """Return an app at the operation's start. Updates and rollbacks reuse the app of the previous case."""
        self.world.begin(None)
        if operation.new_bucket:
            self._forget_bucket()
        if operation.start is None:
            return f"first{next(self._fresh)}"
        if operation.is_rollback:
            return self._returning(operation)
        if operation.is_destroy and not operation.stage_suffix:
            app = f"prepare_destroy{next(self._fresh)}"
            self.world.deploy(app, operation.start, self.world.direct)
            return app
        app = self._apps.setdefault(operation.name, f"app{next(self._fresh)}")
        if app not in self._ready_apps:
            self._set_back(operation, operation.start, app)
        return app

    def _set_back(self, operation: Operation, start: Spec, app: str) -> None:
        """Deploy as many versions as are kept: each further one deletes the oldest, and the packages that only that one has."""
        existing = 0 if start.overflow else len(self.world.direct.versions(app))
        for number in range(start.hosting.keep_versions - existing):
            old = replace(start, text=f"old{number}", overflow=start.overflow and f"old{number}")
            self.world.deploy(app, old, self.world.direct)
        if operation.refused and existing:  # or $LATEST and the newest version would be those that it left
            self.world.deploy(app, replace(start, text="old"), self.world.direct)
        self.world.deploy(app, start, self.world.direct)
        operation.prepare(self.world, app)

    def _start(self, operation: Operation) -> Spec:
        assert operation.start
        return operation.start

    def _returning(self, operation: Operation) -> str:
        """Return an app whose versions 1, 2 and 3 are those that rollbacks go between."""
        if operation.name not in self._apps:
            self._apps[operation.name] = app = f"back{next(self._fresh)}"
            for spec in (ROLLBACKS[0].spec, self._start(ROLLBACKS[0]), ROLLBACKS[1].spec):
                retained = replace(spec, hosting=replace(spec.hosting, keep_versions=1000))
                self.world.deploy(app, retained, self.world.direct)
        app = self._apps[operation.name]
        version = next(
            str(number)
            for number, spec in enumerate((ROLLBACKS[0].spec, self._start(ROLLBACKS[0]), ROLLBACKS[1].spec), 1)
            if spec == operation.start
        )
        from_streaming = self._start(operation).stream
        self.world.direct.update_url(app, "live", "", "RESPONSE_STREAM" if from_streaming else "BUFFERED")
        self.world.direct.move_alias(app, "live", version)
        return app

    def _forget_bucket(self) -> None:
        client = self.world.s3
        for bucket in client.list_buckets()["Buckets"]:
            if bucket["Name"] == PACKAGES:
                continue
            for cases in client.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
                client.delete_object(Bucket=bucket["Name"], Key=cases["Key"])
            client.delete_bucket(Bucket=bucket["Name"])

    # --- one case

    def run(self, case: Case) -> Outcome:
        """Run one case. If it goes wrong, the next one begins with a new app, so that it isn't affected."""
        start = time.monotonic()
        try:
            outcome = self._run(case)
        except Exception:
            outcome = Outcome(case, "broke", (traceback.format_exc(),), 0, time.monotonic() - start)
        if outcome.wrong:
            self._apps.pop(case.operation, None)
        return outcome

    def _run(self, case: Case) -> Outcome:
        operation = next(each for each in OPERATIONS if each.name == case.operation)
        kind = next(each for each in KINDS if each.name == case.kind)
        self.learn(operation)
        app = self._ready(operation)
        before = (
            self._state(operation, app) if operation.start and self.priority(case) > 1 else {}
        )  # otherwise it isn't compared
        rival = _Rival(self.world, app + operation.stage_suffix, operation.rival_spec)
        fault = Fault(kind, case.label, rival.deploy)
        start = time.monotonic()
        wrong: list[str] = []
        with ExitStack() as stack:
            pollers = self._ask(stack, app, operation)
            self.world.begin(fault)
            ended = self._attempt(operation, app, kind, fault, rival, wrong)
            wrote = self._wrote(kind)
            self.world.begin(None)
            (self._ready_apps.discard if wrote else self._ready_apps.add)(app)
            if not wrote:
                ended += ", nothing written"
                state = self._state(operation, app) if before else {}
                wrong += [f"{key} has changed" for key in before if before[key] != state[key]]
            else:
                ended += f", {self._rerun(operation, app, wrong)}"
        self.world.proxy.on_answer = lambda call, answer: None
        if wrote:
            wrong += self._differences(operation, app, kind)
        if operation.start is None:
            self.world.direct.delete_function(app)  # hundreds of them would use up the account's concurrency
        responses = {answer: count for poller in pollers for answer, count in poller.responses.items()}
        good = operation.bodies | ({operation.rival_spec.body} if kind.concurrent else set())
        wrong += [f"a client got {_describe(answer)}" for answer in responses if not _is_complete(answer, good, operation)]
        return Outcome(case, ended, tuple(wrong), sum(responses.values()), time.monotonic() - start)

    def _ask(self, stack: ExitStack, app: str, operation: Operation) -> list[UrlPoller]:
        """Start the clients. A first deploy's URL gets its client as soon as it exists."""
        pollers: list[UrlPoller] = []
        lock = threading.Lock()

        def begin(url: str) -> None:
            with lock:
                if not any(poller.url == url for poller in pollers):
                    pollers.append(stack.enter_context(UrlPoller(url, self.pause_s)))

        if operation.start is None:
            on_url(self.world, begin)
        else:
            begin(self.world.url(app))
        return pollers

    def _wrote(self, kind: FaultKind) -> bool:
        """Return whether the run did more than read, so that there is something for a rerun to continue from."""
        return kind.recovers or kind.concurrent or not all(_reads(call.operation) for call in self.world.proxy.calls)

    def _attempt(self, operation: Operation, app: str, kind: FaultKind, fault: Fault, rival: _Rival, wrong: list[str]) -> str:
        """Run the operation with the fault, and judge the error that the user sees."""
        error: BaseException | None = None
        try:
            operation.once(self.world, app)
        except (LambentError, Killed) as raised:
            error = raised
        except Exception as raised:
            wrong.append(f"a bug's report: {raised!r}")
            error = raised
        if fault.struck is None:
            return "the call did not come"
        if sum(self.world.waited_s) > PASSES_S:
            wrong.append(f"{sum(self.world.waited_s):.0f} s of waiting")
        if kind.concurrent:
            wrong += rival.verdict(operation, error)
        elif isinstance(error, LambentError):
            wrong += _shown(error, kind, fault)
        elif kind.dies != isinstance(error, Killed):
            wrong.append("was not killed" if kind.dies else "died")
        wrong += self._left_broken(operation, app, kind, error)
        return "done" if error is None else type(error).__name__

    def _rerun(self, operation: Operation, app: str, wrong: list[str]) -> str:
        try:
            operation.once(self.world, app)
        except LambentError as error:
            wrong.append(f"the rerun failed: {format_error(error)}")
            return "rerun failed"
        return "rerun done"

    def _differences(self, operation: Operation, app: str, kind: FaultKind) -> list[str]:
        """Return the differences from the expected state. What another deploy leaves, such as its versions, doesn't count."""
        state, expected = self._state(operation, app), self._after[operation.name]
        ignored = {"versions", "uploads"} if kind.concurrent else set()
        if kind.concurrent and operation.prepare is not nothing:  # which isn't repeated
            ignored |= {"latest", "alias"}
        if kind.concurrent and (operation.refused or operation.canary):
            ignored |= {"live"}
        if operation.start and operation.start.overflow:
            ignored |= {"uploads"}  # if a run ends before it deletes a version's packages, they stay until the app is destroyed
        return differences(state, expected, ignored)

    def _left_broken(self, operation: Operation, app: str, kind: FaultKind, error: BaseException | None) -> list[str]:
        """Return what is wrong with the URL after a run that was refused and could still act: it must respond."""
        url = self.world.url(app)
        if kind.name not in STANDING or not isinstance(error, LambentError) or operation.start is None or not url:
            return []
        answer = request_once(url)
        expected = {good for good in operation.bodies if good[0] == 200}
        return [] if _is_complete(answer, expected, operation) else [f"left a URL that answers {_describe(answer)}"]


class _Rival:
    """Someone else, who deploys other code at that moment."""

    def __init__(self, world: World, app: str, spec: Spec) -> None:
        self._world, self._app, self._spec = world, app, spec
        self.error: LambentError | None = None

    def deploy(self) -> None:
        try:
            self._world.deploy(self._app, self._spec, self._world.direct)
        except LambentError as error:
            self.error = error

    def verdict(self, operation: Operation, error: BaseException | None) -> list[str]:
        """Return what is wrong: one of the two must win, and the other must say so."""
        wrong = []
        if error is not None and self.error is not None:
            wrong.append("nobody won")
        for deploy, lost in (("this one", error), ("the other", self.error)):
            if isinstance(lost, LambentError) and not _says_so(lost):
                wrong.append(f"{deploy} lost and did not say so: {format_error(lost)}")
        if operation.is_destroy:
            return wrong
        live = self._world.direct.function(self._app, "live")
        winners = [operation.spec] if error is None else [self._spec]
        if operation.refused and operation.start:  # it can't win
            winners = [operation.start, self._spec]
        if live is None or live.sha256 not in {each.artifact(self._world.folder).sha256 for each in winners}:
            wrong.append("what is live is not the winner's")
        return wrong


def _reads(call: str) -> bool:
    return call.startswith(("Get", "List", "Describe", "Head", "Filter"))


def _says_so(error: LambentError) -> bool:
    return any(words in error.what for words in ("another deploy", "someone else"))


def _shown(error: LambentError, kind: FaultKind, fault: Fault) -> list[str]:
    """Return what is wrong with the error that the user sees."""
    wrong = []
    shown = format_error(error)
    if kind.recovers:
        wrong.append(f"the client's retries did not get over it: {shown}")
    if not (error.what and error.where and error.hint):
        wrong.append(f"not what, where, try: {shown}")
    if error.exit_code != (4 if isinstance(error, UnconfirmedError) else 1) or "Traceback" in shown:
        wrong.append(f"exit code {error.exit_code}: {shown}")
    if kind.word and kind.word not in shown and (fault.struck is None or fault.struck.service != "s3"):  # S3 has its own words
        wrong.append(f"does not say {kind.word!r}: {shown}")
    if kind.name == "access denied" and fault.struck:
        call = fault.struck
        resource = "arn:aws:s3:::" if call.operation.startswith("Head") else aws_errors.resource(call)  # its answer has no text
        if not all(each in error.hint for each in (f'"{call.action}"', resource, "Allow")):
            wrong.append(f"does not name the statement for {call.action}: {shown}")
    return wrong


def _is_complete(answer: StatusAndBody, good: set[StatusAndBody], operation: Operation) -> bool:
    signed = operation.allows_forbidden and answer[0] == 403 and b"Forbidden" in answer[1]
    return answer in good or signed


def _describe(answer: StatusAndBody) -> str:
    return f"{answer[0]} {answer[1][:120]!r}"
