"""A share of the traffic for the new version, for a while: what its log says then decides whether it gets the rest.

The log is what AWS and the local Lambda both have. An error is an invocation that failed, or a traceback: an answer of 5xx that
the app gives without a word in the log is none.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from lambent import events
from lambent.aws.error_codes import CONFLICT, PRECONDITION
from lambent.aws.interface import Aws
from lambent.aws.values import Alias, LogEvent
from lambent.deploy import moves, steps
from lambent.deploy.check import FunctionFailed
from lambent.deploy.means import Means
from lambent.deploy.rivals import overtaken
from lambent.errors import AwsError, DeployError, UnconfirmedError

PATTERN = '?"REPORT RequestId" ?"platform.report" ?Traceback ?stackTrace ?"Task timed out"'
"""What is read of a log, in CloudWatch's filter syntax: the end of each invocation, and what tells of failures."""

_LATE_S = 30  # so late a line may come into the log: each look goes back so far
_AROUND_MS = 5000
_LINES = 60


class Count(Struct, frozen=True):
    requests: int = 0
    errors: int = 0


def well(new: Count, old: Count) -> bool:
    """Whether the new version may go on: it fails no more than the old one does meanwhile. Pure.

    Of an old version without errors one error is too many; else up to twice its share, and two errors are no share yet.
    """
    if new.errors == 0 or old.errors == 0:
        return new.errors == 0
    return new.errors <= 2 or new.errors / max(new.requests, 1) <= 2 * old.errors / max(old.requests, 1)


class Heard(Struct):
    """What one version's log has said so far. Lines are counted once, however often they are read."""

    version: str
    known: set[str] = field(default_factory=set)
    requests: int = 0
    failed: int = 0
    raised: int = 0
    first: LogEvent | None = None

    def add(self, lines: Iterable[LogEvent]) -> None:
        for line in lines:
            if line.id in self.known:
                continue
            self.known.add(line.id)
            ended, failed = invocation(line.text)
            wrong = failed if ended else raised(line.text)
            self.requests += ended
            self.failed += ended and failed
            self.raised += wrong and not ended
            if wrong and self.first is None:
                self.first = line

    @property
    def count(self) -> Count:
        """One failure is often told twice, by its traceback and by the end of its invocation."""
        return Count(self.requests, max(self.failed, self.raised))


def invocation(text: str) -> tuple[bool, bool]:
    """Whether a line tells of an invocation's end, and whether that one failed. Pure."""
    if text.startswith("REPORT RequestId"):
        return True, "Status: " in text  # only what went wrong has one
    if text.startswith("{") and '"platform.report"' in text:
        return True, _member(text, "record").get("status", "success") != "success"
    return False, False


def raised(text: str) -> bool:
    """Whether a line tells of an exception or a time-out. Pure."""
    return (
        "Traceback (most recent call last)" in text or "Task timed out" in text or ('"stackTrace"' in text and text[:1] == "{")
    )


def _member(text: str, name: str) -> dict[str, object]:
    try:
        found = json.loads(text).get(name)
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def run(means: Means, step: steps.Try, version: str) -> tuple[str, Count]:
    """Sends the version its share, and watches; the alias's revision afterwards, and what was seen.

    Broken off, the share stays as it is: a rerun watches anew. Raises FunctionFailed when the new version fails more than the
    old one: then all traffic goes to that again; DeployError when somebody else moved the alias; UnconfirmedError when the log
    could not be read, and AwsError when it may not be, before anything was changed.
    """
    aws, weights = means.aws, ((version, step.canary.share),)
    new, old = Heard(version), Heard(step.previous)
    _look(aws, step, new, time.time())  # whoever may not read the log finds out now
    try:
        revision = aws.move_alias(step.name, step.alias, step.previous, step.revision, weights).revision
    except AwsError as error:
        revision = _unless_heard(aws, step, version, error).revision
    means.emit(events.Notice(f"version {version} gets {step.canary.share * 100:g} % of the requests, and its log is watched"))
    try:
        _watch(means, step, new, old)
    except KeyboardInterrupt:
        hint = "the same command, which watches it anew, or lambent rollback, which takes it back"
        means.emit(events.Warned(_left(step, version), hint))
        raise
    if not well(new.count, old.count):
        raise _taken_back(aws, step, new, old, revision)
    alias = _ours(aws, step, version)
    if new.requests == 0:
        means.emit(events.Warned(f"no request reached version {version} meanwhile: the canary says nothing"))
    return alias.revision, new.count


def _watch(means: Means, step: steps.Try, new: Heard, old: Heard) -> None:
    """Until the time is up or the new version fails."""
    patience, aws = means.patience, means.aws
    start, since = patience.clock(), time.time()
    looked = since
    while True:
        left = max(step.canary.seconds - (patience.clock() - start), 0.0)
        now = time.time()
        try:
            if left < step.canary.seconds:  # what was just written need not be there to be read
                _ours(aws, step, new.version)
            for heard in (new, old):
                _look(aws, step, heard, max(since, looked - _LATE_S))
            looked = now
        except AwsError as error:  # throttled, or the network is away: the next look sees what this one missed
            if left == 0:
                what = f"the log could not be read, so the canary's end is open: {error.what}"
                hint = f"{_left(step, new.version)}: run this again, or lambent rollback{error.hint and f'; {error.hint}'}"
                raise UnconfirmedError(what, where=error.where, hint=hint) from error
        means.emit(events.CanaryProgress(new.version, step.canary.share, left, new.count.requests, new.count.errors))
        if left == 0 or not well(new.count, old.count):
            return
        patience.pause(min(patience.look_s, left))


def _look(aws: Aws, step: steps.Try, heard: Heard, since_s: float) -> None:
    """Streams carry the day on which their environment started; one may have done so yesterday, and serve still."""
    today = datetime.now(UTC)
    for day in (today - timedelta(days=1), today):
        stream = f"{day:%Y/%m/%d}/[{heard.version}]"
        heard.add(aws.log_events(step.group, stream, int(since_s * 1000), PATTERN))


def _unless_heard(aws: Aws, step: steps.Try, version: str, error: AwsError) -> Alias:
    """A cut connection may hide that the share was set. Raises `error` if it was not, or tells who moved the alias."""
    try:
        return _ours(aws, step, version)
    except (AwsError, DeployError) as now:
        if error.code in (CONFLICT, PRECONDITION):
            raise now from error
        raise error from now


def _ours(aws: Aws, step: steps.Try, version: str) -> Alias:
    """The alias, if it still is as the canary has it, or has the new version whole: another deploy of the same ended sooner."""
    alias = aws.alias(step.name, step.alias)
    if alias is not None:
        shares = {name for name, _ in alias.weights}
        if (alias.version, shares) in ((step.previous, {version}), (version, set[str]())):
            return alias
    raise overtaken(step.name, f"moved {step.alias} to version {alias.version if alias else '?'} during the canary")


def _taken_back(aws: Aws, step: steps.Try, new: Heard, old: Heard, revision: str) -> FunctionFailed:
    """Takes the share away; the error that tells why."""
    count = new.count
    what = f"version {new.version} failed: {_errors(count)} of its canary"
    if old.count.errors:
        what += f" (version {step.previous} meanwhile: {_errors(old.count)})"
    where = f"function {step.name}, version {new.version}"
    hint = f"version {step.previous} has all the traffic again; mend the app and deploy it"
    try:
        aws.move_alias(step.name, step.alias, step.previous, revision, description=moves.back(step.previous, new.version))
    except AwsError as error:
        if error.code in (CONFLICT, PRECONDITION) and (now := aws.alias(step.name, step.alias)) and not now.weights:
            hint = f"version {now.version} has all the traffic; mend the app and deploy it"
        else:
            hint = f"lambent rollback: {_left(step, new.version)}, for AWS refused to take it back: {error.what}"
    return FunctionFailed(what, where=where, hint=hint, detail=_text(aws, step, new.first))


def _left(step: steps.Try, version: str) -> str:
    return f"{step.canary.share * 100:g} % of the requests still go to version {version}"


def _errors(count: Count) -> str:
    return f"{count.errors} error{'s' * (count.errors != 1)} in {count.requests} request{'s' * (count.requests != 1)}"


def _text(aws: Aws, step: steps.Try, first: LogEvent | None) -> str:
    """What the log says of the first invocation that failed. No reason to fail when it cannot be had."""
    if first is None:
        return ""
    try:
        lines = around(aws.log_events(step.group, first.stream, first.at_ms - _AROUND_MS), first)
    except AwsError:
        lines = [first]
    return "\n".join(line.text.rstrip("\n") for line in lines[-_LINES:])


def around(lines: Iterable[LogEvent], event: LogEvent) -> list[LogEvent]:
    """The lines of one environment's log that belong to the same invocation as `event`. Pure."""
    found: list[LogEvent] = []
    met = False
    for line in lines:
        if line.text.startswith("START RequestId") or '"platform.start"' in line.text:
            if met:
                break
            found = []
        found.append(line)
        met = met or line.id == event.id
        if met and invocation(line.text)[0]:
            break
    return found
