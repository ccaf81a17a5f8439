"""A canary: a share of the traffic for the new version. Its log decides whether it gets the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import ClassVar

from lambent import events
from lambent.aws.error_codes import CONFLICT, PRECONDITION
from lambent.aws.interface import Aws
from lambent.aws.values import STREAMED, Alias, LogEvent
from lambent.config.model import Canary
from lambent.deployment import alias_history, aws_cli
from lambent.deployment.canary_log import PATTERN, RequestCount, VersionLog, is_healthy, same_invocation
from lambent.deployment.deployment import Deployment
from lambent.deployment.desired import Desired
from lambent.deployment.observed import Observed
from lambent.deployment.resources.alias import ONE_VERSION
from lambent.deployment.step import PlanPart, Step, because
from lambent.errors import AwsError, DeployError, FunctionFailedError, OvertakenError, UnconfirmedError, UsageError
from lambent.events import PlannedLine
from lambent.names import ALIAS
from lambent.units import count

_DELAY_S = 30  # a line may appear in the log this late, so each look goes back this far
_BEFORE_ERROR_MS = 5000
_LINES = 60


class RunCanary(Step, frozen=True):
    """Sends the new version a share of the traffic and watches its log.

    `previous` and `revision` are what the alias was when observed. After an interruption the share stays, and another run
    watches it again.
    """

    actions: ClassVar = ("lambda:UpdateAlias", "lambda:GetAlias", "logs:FilterLogEvents")
    name: str
    alias: str
    canary: Canary
    group: str
    previous: str
    revision: str = ""

    @property
    def title(self) -> str:
        return f"canary: {self.canary}"

    def apply(self, deployment: Deployment) -> str:
        """Give the version its share and watch.

        Raises FunctionFailedError if the new version fails more often than the old one, which then has all the traffic again;
        OvertakenError if someone else moved the alias; UnconfirmedError if the log could not be read; AwsError, before
        anything has changed, if it may not be read.
        """
        aws, version = deployment.aws, deployment.version
        if version == self.previous:
            return ""
        new, old = VersionLog(version, deployment.check_request_id), VersionLog(self.previous)
        self._read(aws, new, time.time())  # without permission to read the log, stop now
        try:
            revision = aws.move_alias(
                self.name, self.alias, self.previous, self.revision, ((version, self.canary.share),)
            ).revision
        except AwsError as error:
            revision = self._alias_despite(aws, version, error).revision
        share = f"{self.canary.share * 100:g} % of the requests"
        deployment.emit(events.Notice(f"version {version} gets {share}; lambent is watching its log"))
        try:
            self._watch(deployment, new, old)
        except KeyboardInterrupt:
            hint = "to watch it again, run the same command; to take it back, run lambent rollback"
            deployment.emit(events.Warned(self._remaining(version), hint))
            raise
        if not is_healthy(new.count, old.count):
            raise self._take_back(aws, new, old, revision)
        deployment.alias_revision = self._current_alias(aws, version).revision
        if new.count.requests == 0:
            deployment.emit(events.Warned(f"version {version} got no requests during the canary, so it proves nothing"))
        return f"{count(new.count.requests, 'request')}, {count(new.count.errors, 'error')}"

    def _watch(self, deployment: Deployment, new: VersionLog, old: VersionLog) -> None:
        """Read the logs until the time is up or the new version fails."""
        timing, aws = deployment.timing, deployment.aws
        start, since = timing.clock(), time.time()
        last_read = since
        while True:
            remaining_s = max(self.canary.seconds - (timing.clock() - start), 0.0)
            read_at = time.time()
            try:
                if remaining_s < self.canary.seconds:  # what was just written may not be readable yet
                    self._current_alias(aws, new.version)
                for log in (new, old):
                    self._read(aws, log, max(since, last_read - _DELAY_S))
                last_read = read_at
            except AwsError as error:  # throttled, or no network: the next look sees what this one missed
                if remaining_s == 0:
                    what = f"the log could not be read, so the canary's result is unknown: {error.what}"
                    hint = f"{self._remaining(new.version)}: run the same command again, or lambent rollback"
                    hint += f"; {error.hint}" if error.hint else ""
                    raise UnconfirmedError(what, where=error.where, hint=hint) from error
            progress = events.CanaryProgress(new.version, self.canary.share, remaining_s, new.count.requests, new.count.errors)
            deployment.emit(progress)
            if remaining_s == 0 or not is_healthy(new.count, old.count):
                return
            timing.pause(min(timing.look_s, remaining_s))

    def _read(self, aws: Aws, log: VersionLog, since_s: float) -> None:
        """Read two days' streams: they carry the day on which their environment started, which may have been yesterday."""
        today = datetime.now(UTC)
        for day in (today - timedelta(days=1), today):
            stream = f"{day:%Y/%m/%d}/[{log.version}]"
            log.add(aws.log_events(self.group, stream, int(since_s * 1000), PATTERN))

    def _alias_despite(self, aws: Aws, version: str, error: AwsError) -> Alias:
        """Return the alias if a lost connection hid that the share was set. Otherwise raise `error`, or say who moved it."""
        try:
            return self._current_alias(aws, version)
        except (AwsError, DeployError) as current:
            if error.code in (CONFLICT, PRECONDITION):
                raise current from error
            raise error from current

    def _current_alias(self, aws: Aws, version: str) -> Alias:
        """Return the alias if it is as the canary left it, or has only the new version: another run of it ended sooner."""
        alias = aws.alias(self.name, self.alias)
        if alias is not None:
            versions = {name for name, _ in alias.weights}
            if (alias.version, versions) in ((self.previous, {version}), (version, set[str]())):
                return alias
        current = alias.version if alias else "?"
        raise OvertakenError(self.name, f"moved {self.alias} to version {current} during the canary")

    def _take_back(self, aws: Aws, new: VersionLog, old: VersionLog, revision: str) -> FunctionFailedError:
        """Take the share away, and return the error that says why."""
        what = f"version {new.version} failed: {_rate(new.count)} of its canary"
        if old.count.errors:
            what += f" (version {self.previous} at the same time: {_rate(old.count)})"
        where = f"function {self.name}, version {new.version}"
        hint = f"fix the error and deploy again; version {self.previous} has all the traffic again"
        description = alias_history.describe_back(self.previous, new.version)
        try:
            aws.move_alias(self.name, self.alias, self.previous, revision, description=description)
        except AwsError as error:
            lost = error.code in (CONFLICT, PRECONDITION)
            if lost and (current := aws.alias(self.name, self.alias)) and not current.weights:
                hint = f"fix the error and deploy again; version {current.version} has all the traffic"
            else:
                hint = f"lambent rollback: {self._remaining(new.version)}, because AWS refused to take it back: {error.what}"
        return FunctionFailedError(what, where=where, hint=hint, detail=self._excerpt(aws, new.first_error))

    def _excerpt(self, aws: Aws, first_error: LogEvent | None) -> str:
        """Return what the first failed invocation logged, or only the error itself if the log can't be read."""
        if first_error is None:
            return ""
        try:
            since_ms = first_error.at_ms - _BEFORE_ERROR_MS
            lines = same_invocation(aws.log_events(self.group, first_error.stream, since_ms), first_error)
        except AwsError:
            lines = [first_error]
        return "\n".join(line.text.rstrip("\n") for line in lines[-_LINES:])

    def _remaining(self, version: str) -> str:
        return f"{self.canary.share * 100:g} % of the requests still go to version {version}"

    def shell(self) -> Iterator[str]:
        """Simpler than a deploy: it looks once, at the end, and any error of the new version is too many."""
        alias = (*aws_cli.function_option(self.name), "--name", self.alias)
        share = f'"{{\\"AdditionalVersionWeights\\": {{\\"$version\\": {self.canary.share:g}}}}}"'
        failed = "contains(message, 'Status: ') || contains(message, 'Traceback')"
        count_errors = f"\"length(events[?contains(logStreamName, '[$version]') && ({failed})])\""
        logs = aws_cli.query("logs", "filter-log-events", "--log-group-name", self.group, "--output", "json")
        move = aws_cli.query("lambda", "update-alias", *alias)
        yield "since=$(($(date +%s) * 1000))"
        yield f'{move} --function-version {quote(self.previous)} --routing-config {share} >"$work/out"'
        yield f"sleep {self.canary.seconds}"
        yield f'errors=$({logs} --start-time "$since" --query {count_errors})'
        yield 'if [ "$errors" != 0 ]; then'
        yield f"  {aws_cli.command('lambda', 'update-alias', *alias, *ONE_VERSION)}"
        yield '  echo "version $version failed $errors times and gets no more traffic" >&2; exit 1'
        yield "fi"


def _rate(counted: RequestCount) -> str:
    return f"{count(counted.errors, 'error')} in {count(counted.requests, 'request')}"


def plan_canary(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the canary. Raises UsageError if the two versions can't share one URL."""
    canary, alias, url = desired.canary, observed.alias, observed.url
    if canary is None:
        return PlanPart()
    why = because("canary", desired.origins)
    if alias is None or (url is None and desired.has_url):
        return PlanPart(lines=(PlannedLine("check", "no canary", f"no other version is responding yet{why}"),))
    if url is not None and url.mode != desired.mode:
        what = f"a canary can't be combined with turning streaming {'on' if desired.mode == STREAMED else 'off'}"
        hint = "the URL has one mode for both versions: use --canary none for this deploy"
        raise UsageError(what, where=desired.origins.get("canary", "canary"), hint=hint)
    step = RunCanary(desired.names.function, ALIAS, canary, desired.names.log_group, alias.version, alias.revision)
    return PlanPart((step,), (PlannedLine("check", f"canary {canary}", f"then all requests, if its log shows no errors{why}"),))
