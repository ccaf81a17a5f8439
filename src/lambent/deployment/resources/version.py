"""Versions: what a deploy publishes, checks before it gets traffic, and deletes when it is old."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote
from typing import Any, ClassVar

from msgspec.structs import replace

from lambent import events
from lambent.aws.error_codes import CONFLICT, INVALID
from lambent.aws.values import BUFFERED, Code, Function, Settings
from lambent.deployment import aws_cli
from lambent.deployment.check_path import check_path, describe_check, only_starts
from lambent.deployment.deployment import Deployment, WritesNextToCode
from lambent.deployment.desired import PUBLIC, Desired
from lambent.deployment.export.hidden_values import hidden_names
from lambent.deployment.failure import Failure
from lambent.deployment.invocation_log import log_of_slow_start
from lambent.deployment.observed import Observed
from lambent.deployment.polling import wait_settled
from lambent.deployment.resources.bucket import delete_unused_packages
from lambent.deployment.resources.function import is_as_desired, settle
from lambent.deployment.step import PlanPart, Step
from lambent.deployment.version_check import CHECK_HOST, CheckRequest, check, event_for
from lambent.errors import AwsError, FunctionFailedError, OvertakenError
from lambent.events import PlannedLine
from lambent.limits import INIT_MAX_S
from lambent.names import ALIAS

_LOG_LINES = 60


class PublishVersion(Step, frozen=True):
    """Publishes $LATEST if it is what the plan assumed: another deploy may have written to it. `group` is its log group.

    `description` says what the version was made from.
    """

    title: ClassVar[str] = "publish version"
    actions: ClassVar = ("lambda:PublishVersion", "lambda:GetFunction", "logs:FilterLogEvents")
    name: str
    settings: Settings
    code: Code
    group: str
    description: str = ""

    def apply(self, deployment: Deployment) -> str:
        published = self._publish(deployment)
        if published.settings != self.settings or published.sha256 != self.code.sha256:
            raise OvertakenError(self.name, "changed the configuration during this one")
        timing = deployment.timing
        within_s = timing.snapshot_s if self.settings.snapstart else timing.settle_s
        version = wait_settled(deployment.aws, self.name, published.version, within_s)
        if version is not None and version.failed:  # SnapStart has run its init
            what = f"AWS could not activate version {version.version}: {version.reason}"
            hint = f"its log says why: log group {self.group}, streams with [{version.version}]"
            log = self._log(deployment, version.version)
            deployment.version = version.version
            raise FunctionFailedError(what, where=f"function {self.name}", hint=hint, detail=log)
        deployment.version = published.version
        return f"version {published.version}"

    def _publish(self, deployment: Deployment) -> Function:
        try:
            return deployment.aws.publish(self.name, self.code.sha256, self.description)
        except AwsError as error:
            if error.code == CONFLICT:
                settle(deployment, self.name)
                return deployment.aws.publish(self.name, self.code.sha256, self.description)
            if error.code == INVALID and "CodeSHA256" in error.what:
                raise OvertakenError(self.name, "uploaded other code during this one") from error
            raise

    def _log(self, deployment: Deployment, version: str) -> str:
        """Return the end of what a version has logged today, or "" if that can't be read: the error matters more."""
        try:
            log = deployment.aws.log_events(self.group, f"{datetime.now(UTC):%Y/%m/%d}/[{version}]", 0)
        except AwsError:
            return ""
        return "\n".join(line.text.rstrip("\n") for line in log[-_LOG_LINES:])

    def shell(self) -> Iterator[str]:
        function = aws_cli.function_option(self.name)
        description = ("--description", self.description) if self.description else ()
        options = (*function, "--code-sha256", self.code.sha256, *description, "--query", "Version", "--output", "text")
        yield f"version=$({aws_cli.query('lambda', 'publish-version', *options)})"
        yield f'{aws_cli.query("lambda", "wait", "published-version-active", *function)} --qualifier "$version"'


class CheckVersion(Step, frozen=True):
    """Invokes a version once before it gets any traffic: the one just published, or `version`.

    With `strict`, as for a web app, a response in another form than that of the URL's `mode` is a failure. Unless `auth` is
    NONE the request has a caller.
    """

    actions: ClassVar = ("lambda:InvokeFunction",)
    changes: ClassVar[bool] = False
    name: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED
    auth: str = PUBLIC
    version: str = ""

    @property
    def title(self) -> str:
        return f"check version {self.version}".rstrip()

    def apply(self, deployment: Deployment) -> None:
        version = self.version or deployment.version
        request = CheckRequest(self.name, version, self.settings, self.strict, deployment.url, self.mode, self.auth)
        began = time.time()
        try:
            checked = check(deployment.context, request)
        except FunctionFailedError as error:
            error.hint = f"{error.hint} ({self._outcome(deployment)})"
            raise
        if checked.failed_write and deployment.context.may_copy:
            raise WritesNextToCode(checked.failed_write)
        deployment.check_request_id = checked.invoked.request_id
        if checked.missing:
            deployment.emit(events.Warned(*checked.warning(check_path(self.settings))))
        if log := log_of_slow_start(deployment.aws, self.name, version, checked.invoked, began):
            deployment.emit(self._slow_start(deployment, log))
        elif not checked.missing and (failure := self._failure(deployment, checked.invoked.log)).has_unanswered_exception:
            what = f"the app answered, but its log has {failure.exception}{failure.where}"
            deployment.emit(events.Warned(what, "lambent logs --errors shows all of it"))

    def _slow_start(self, deployment: Deployment, log: str) -> events.Warned:
        where = self._failure(deployment, log).shortly_before
        what = f"the app needs more than {INIT_MAX_S:.0f} s to start, then AWS starts it over{where}"
        return events.Warned(
            f"{what}: every cold start will take this long", "import less at the start, or --memory, which adds CPU"
        )

    def _failure(self, deployment: Deployment, log: str) -> Failure:
        return Failure(self.settings, log=log, own_names=deployment.context.own_names)

    def _outcome(self, deployment: Deployment) -> str:
        """Return what the failure means for callers, in words."""
        previous = deployment.previous
        if previous and previous == self.version:
            return f"version {previous} is live, but its URL was not opened"
        if previous:
            return f"version {previous} is still live"
        return "no one can call it: the URL is not open yet" if deployment.url else "no version is live"

    def shell(self) -> Iterator[str]:
        version = quote(self.version) if self.version else '"$version"'
        yield "host=${url#*://} && host=${host%%/*}"
        yield 'sed "s/$host_of_check/$host/g" >"$work/event.json" <<\'END\''.replace("$host_of_check", CHECK_HOST)
        yield json.dumps(event_for(self.settings, "", self.auth))
        yield "END"
        yield (
            f"failed=$(aws lambda invoke --function-name {quote(self.name)} --qualifier {version} "
            '--payload "fileb://$work/event.json" --query FunctionError --output text "$work/answer.json")'
        )
        yield 'if [ "$failed" != None ]; then cat "$work/answer.json" >&2; exit 1; fi'


def plan_check(step: CheckVersion, *, has_url: bool, before: str = f"before it becomes {ALIAS}") -> PlanPart:
    """Plan the check of a version, except that of a handler without a URL that only an event of the user's would start."""
    what = f"version {step.version}" if step.version else "new version"
    if not has_url and not step.strict and not only_starts(step.settings):
        return PlanPart(lines=(PlannedLine("check", what, "isn't checked: AWS's client can't start it without an event"),))
    return PlanPart((step,), (PlannedLine("check", what, f"{describe_check(step.settings)} {before}", routine=True),))


class DeleteVersions(Step, frozen=True):
    """Deletes old versions. One that something else uses by now is kept."""

    title: ClassVar[str] = "delete old versions"
    actions: ClassVar = ("lambda:DeleteFunction",)
    name: str
    versions: tuple[str, ...]

    def apply(self, deployment: Deployment) -> None:
        for version in self.versions:
            try:
                deployment.aws.delete_function(self.name, version)
            except AwsError as error:
                if error.code != CONFLICT:
                    raise
                deployment.emit(events.Notice(f"version {version} is kept, because something else in your account uses it"))

    def shell(self) -> Iterator[str]:
        for version in self.versions:
            yield aws_cli.command("lambda", "delete-function", *aws_cli.function_option(self.name), "--qualifier", version)


def plan_old_versions(desired: Desired, observed: Observed, publishes: bool) -> PlanPart:
    """Plan to delete all but the newest `keep_versions`, and never one that has traffic or an alias of the user's own.

    At least two are kept: the previous one had the traffic until now, and a second run must find nothing to do.
    """
    alias = observed.alias
    in_use = {alias.version, *(version for version, _ in alias.weights)} if alias else set()
    is_new = publishes and not is_as_desired(observed.newest, desired)  # else an interrupted run has published it
    keep = max(desired.keep_versions, 2)
    old = tuple(v for v in observed.versions[: -(keep - is_new)] if v not in in_use | observed.versions_of_other_aliases)
    if not old:
        return PlanPart()
    line = PlannedLine("delete", "old versions", f"{len(old)} of {len(observed.versions)}; the newest {keep} are kept")
    packages = delete_unused_packages(desired, observed, old)
    return PlanPart((DeleteVersions(desired.names.function, old), *packages), (line,))


def cloudformation_id(desired: Desired) -> str:
    """Return the template's name of this version: a hash of what it holds, without the values that aren't shown."""
    hidden = hidden_names(desired)
    environment = tuple((name, "" if name in hidden else value) for name, value in desired.settings.environment)
    contents = f"{desired.code.sha256} {desired.code.architecture} {replace(desired.settings, environment=environment)}"
    return f"Version{hashlib.sha256(contents.encode()).hexdigest()[:10]}"


def cloudformation(desired: Desired) -> dict[str, Any]:
    """A version never changes: each state of the app has its own, and those before it stay, to go back to."""
    release = {"Description": {"Ref": "Release"}} if hidden_names(desired) else {}
    version = {
        "Type": "AWS::Lambda::Version",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"FunctionName": {"Ref": "Function"}, **release},
    }
    return {cloudformation_id(desired): version}
