"""Each call of every operation, each kind of fault at it, and what must hold afterwards. Seeded: the order is the seed's."""

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
"""More than this the client never spends on being throttled."""

STANDING = ("500", "cut before", "cut after", "throttled for ever", "access denied")
"""Faults of one call alone: the others are answered."""


class Case(Struct, frozen=True):
    operation: str
    label: str
    kind: str


class Outcome(Struct, frozen=True):
    """What came of a case: `wrong` is empty when everything held."""

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
        """All there are, in the order of the calls."""
        cases = []
        for operation in operations:
            self.learn(operation)
            cases += [Case(operation.name, label, kind.name) for label in self._labels[operation.name] for kind in KINDS]
        return cases

    def priority(self, case: Case) -> int:
        """0 for a call that writes (or asks the new version), 1 for one that looks again after those; 2 before them, if that
        ends the run, for then nothing is to be set back; else 3, for it tells least. By what an unbroken run does.
        """
        kind = next(each for each in KINDS if each.name == case.kind)
        labels = self._labels[case.operation]
        if not _reads(case.label):
            return 0
        if not all(map(_reads, labels[: labels.index(case.label)])):
            return 1
        return 3 if kind.recovers or kind.concurrent else 2

    def learn(self, operation: Operation) -> None:
        """An unbroken run: its calls, and the state it ends in."""
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
            state["log group"] = "None"  # the last words of the function, which Lambda writes down after its end
        if operation.live_only:
            return {key: state[key] for key in ("role", "policies", "live", "statements", "url", "log group")}
        return state

    def _ready(self, operation: Operation) -> str:
        """An app at the operation's start. Updates and rollbacks go on with the app of before."""
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
        """As many versions as are kept: each further one ends the oldest, and the packages that only that one has."""
        world = 0 if start.overflow else len(self.world.direct.versions(app))
        for number in range(start.hosting.keep_versions - world):
            old = replace(start, text=f"old{number}", overflow=start.overflow and f"old{number}")
            self.world.deploy(app, old, self.world.direct)
        if operation.refused and world:  # or $LATEST and the newest version were those that it left
            self.world.deploy(app, replace(start, text="old"), self.world.direct)
        self.world.deploy(app, start, self.world.direct)
        operation.prepare(self.world, app)

    def _start(self, operation: Operation) -> Spec:
        assert operation.start
        return operation.start

    def _returning(self, operation: Operation) -> str:
        """An app whose versions 1, 2 and 3 are the ones that rollbacks go between."""
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
        """What went wrong with one case is not to spoil the next: that begins with an app of its own."""
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
        before = self._state(operation, app) if operation.start and self.priority(case) > 1 else {}  # else it is not compared
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
            self.world.direct.delete_function(app)  # hundreds of them would use the account's concurrency up
        responses = {answer: count for poller in pollers for answer, count in poller.responses.items()}
        good = operation.bodies | ({operation.rival_spec.body} if kind.concurrent else set())
        wrong += [f"a client got {_describe(answer)}" for answer in responses if not _is_complete(answer, good, operation)]
        return Outcome(case, ended, tuple(wrong), sum(responses.values()), time.monotonic() - start)

    def _ask(self, stack: ExitStack, app: str, operation: Operation) -> list[UrlPoller]:
        """The clients: of a first deploy's URL from the moment there is one."""
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
        """Whether the run got beyond looking, so that there is something for a rerun to go on from."""
        return kind.recovers or kind.concurrent or not all(_reads(call.operation) for call in self.world.proxy.calls)

    def _attempt(self, operation: Operation, app: str, kind: FaultKind, fault: Fault, rival: _Rival, wrong: list[str]) -> str:
        """The run with the fault. What the user is shown is judged here."""
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
        """What another deploy leaves is its own: versions that are not live, and uploads."""
        state, expected = self._state(operation, app), self._after[operation.name]
        ignored = {"versions", "uploads"} if kind.concurrent else set()
        if kind.concurrent and operation.prepare is not nothing:  # which is not done again
            ignored |= {"latest", "alias"}
        if kind.concurrent and (operation.refused or operation.canary):
            ignored |= {"live"}
        if operation.start and operation.start.overflow:
            ignored |= {
                "uploads"
            }  # a run that ended between a version and its packages leaves those until the app is destroyed
        return differences(state, expected, ignored)

    def _left_broken(self, operation: Operation, app: str, kind: FaultKind, error: BaseException | None) -> list[str]:
        """A run that was refused, and could still act, leaves a URL that answers."""
        url = self.world.url(app)
        if kind.name not in STANDING or not isinstance(error, LambentError) or operation.start is None or not url:
            return []
        answer = request_once(url)
        expected = {good for good in operation.bodies if good[0] == 200}
        return [] if _is_complete(answer, expected, operation) else [f"left a URL that answers {_describe(answer)}"]


class _Rival:
    """Someone else, who deploys other code at the very moment."""

    def __init__(self, world: World, app: str, spec: Spec) -> None:
        self._world, self._app, self._spec = world, app, spec
        self.error: LambentError | None = None

    def deploy(self) -> None:
        try:
            self._world.deploy(self._app, self._spec, self._world.direct)
        except LambentError as error:
            self.error = error

    def verdict(self, operation: Operation, error: BaseException | None) -> list[str]:
        """One wins, and the other says so."""
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
        if operation.refused and operation.start:  # it is no winner, whoever else there is
            winners = [operation.start, self._spec]
        if live is None or live.sha256 not in {each.artifact(self._world.folder).sha256 for each in winners}:
            wrong.append("what is live is not the winner's")
        return wrong


def _reads(call: str) -> bool:
    return call.startswith(("Get", "List", "Describe", "Head", "Filter"))


def _says_so(error: LambentError) -> bool:
    return any(words in error.what for words in ("another deploy", "someone else"))


def _shown(error: LambentError, kind: FaultKind, fault: Fault) -> list[str]:
    """What is wrong with the error that the user sees."""
    wrong = []
    shown = format_error(error)
    if kind.recovers:
        wrong.append(f"the client's retries did not get over it: {shown}")
    if not (error.what and error.where and error.hint):
        wrong.append(f"not what, where, try: {shown}")
    if error.exit_code != (4 if isinstance(error, UnconfirmedError) else 1) or "Traceback" in shown:
        wrong.append(f"exit code {error.exit_code}: {shown}")
    if kind.word and kind.word not in shown and (fault.struck is None or fault.struck.service != "s3"):  # it has own words
        wrong.append(f"does not say {kind.word!r}: {shown}")
    if kind.name == "access denied" and fault.struck:
        call = fault.struck
        resource = (
            "arn:aws:s3:::" if call.operation.startswith("Head") else aws_errors.resource(call)
        )  # its answer has no words
        if not all(each in error.hint for each in (f'"{call.action}"', resource, "Allow")):
            wrong.append(f"does not name the statement for {call.action}: {shown}")
    return wrong


def _is_complete(answer: StatusAndBody, good: set[StatusAndBody], operation: Operation) -> bool:
    signed = operation.may_be_forbidden and answer[0] == 403 and b"Forbidden" in answer[1]
    return answer in good or signed


def _describe(answer: StatusAndBody) -> str:
    return f"{answer[0]} {answer[1][:120]!r}"
