"""Carries out a plan, step by step. Each step may be broken off at any moment: a rerun looks at what is there and goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct

from lambent import events
from lambent.aws.error_codes import CONFLICT, DENIED, INVALID, PRECONDITION, ROLE_EXISTS
from lambent.aws.values import BUFFERED, Function, Provisioned
from lambent.deploy import canary, confirm, moves, steps
from lambent.deploy.check import FunctionFailed, Question, check
from lambent.deploy.means import Means
from lambent.deploy.observed import settled, wait_until
from lambent.deploy.parts.drift import mode_of
from lambent.deploy.plan import Plan
from lambent.deploy.rivals import overtaken
from lambent.deploy.steps import Step
from lambent.errors import AwsError, DeployError, UnconfirmedError
from lambent.names import ALIAS

LOG_GROUP_EXISTS = "ResourceAlreadyExistsException"
_LOG_LINES = 60
CANNOT_ASSUME = "cannot be assumed by Lambda"

Seen = TypeVar("Seen")


class PlanIsStale(Exception):
    """Somebody else changed what the plan was made from, before this run wrote anything of its own. Look again."""


class Run(Struct):
    """A plan being carried out, and what AWS invented on the way. `wrote` is whether $LATEST is by this run."""

    means: Means
    previous: str = ""
    version: str = ""
    url: str = ""
    revision: str = ""
    alias_revision: str = ""
    wrote: bool = False
    mode_before: str = ""
    mode: str = ""

    def carry_out(self, plan: Plan) -> None:
        """Raises PlanIsStale, DeployError or AwsError; what was done until then stays, and a rerun goes on from it."""
        self.previous = self.version = plan.version
        self.url = plan.url
        self.revision, self.wrote = plan.revision, False
        self.alias_revision = ""
        self.mode_before = self.mode = plan.mode
        for step in plan.steps:
            self.means.emit(events.StepStarted(step.title))
            start = time.monotonic()
            detail = self._perform(step)
            if not isinstance(step, steps.Probe):  # its end is `Answered`
                self.means.emit(events.StepDone(step.title, time.monotonic() - start, detail))
        if plan.changes:
            self._refuse_overtaken(plan.names.function)

    def _refuse_overtaken(self, name: str) -> None:
        """Another deploy may have come after this one moved the alias: then what this one would say is true no more."""
        now = self.means.aws.alias(name, ALIAS)
        if now is None or now.version != self.version:
            raise overtaken(name, f"has version {now.version} {ALIAS} by now" if now else "took it away meanwhile")

    def _perform(self, step: Step) -> str:
        match step:
            case steps.CreateRole(role, tags):
                self._unless_there(lambda: self.means.aws.create_role(role, tags), ROLE_EXISTS)
            case steps.DeleteVersions():
                self._prune(step)
            case steps.Single():
                step.call(self.means.aws)
            case steps.CreateLogGroup(group, tags):
                self._unless_there(lambda: self.means.aws.create_log_group(group, tags), LOG_GROUP_EXISTS)
            case steps.Upload():
                self._upload(step)
            case steps.Provision():
                self._provision(step)
            case steps.AwaitProvisioned(name, alias):
                self._await_provisioned(name, alias)
            case steps.MoveAlias():
                self._move(step)
            case steps.CreateFunction():
                self._create(step)
            case steps.UpdateCode(name, code):
                same = lambda now: now.sha256 == code.sha256 and now.architecture == code.architecture  # noqa: E731
                self._write(name, lambda revision: self.means.aws.update_code(name, code, revision), same)
            case steps.UpdateSettings(name, settings):
                self._write(
                    name,
                    lambda revision: self._with_role(lambda: self.means.aws.update_settings(name, settings, revision)),
                    lambda now: now.settings == settings,
                )
            case steps.PublishVersion():
                return self._publish(step)
            case steps.CheckVersion():
                question = Question(step.name, self.version, step.settings, step.strict, self.url, step.mode, step.auth)
                check(self.means.aws, question, self.means.patience.answer_s)
            case steps.CheckKnownVersion():
                question = Question(step.name, step.version, step.settings, step.strict, self.url, step.mode, step.auth)
                check(self.means.aws, question, self.means.patience.answer_s)
            case steps.Try():
                return self._try(step)
            case steps.PointAlias():
                return self._point(step)
            case steps.Grant():
                self._grant(step)
            case steps.CreateUrl():
                self._create_url(step)
                return self.url
            case steps.UpdateUrl():
                self._update_url(step)
            case steps.Probe():
                self._probe(step)
            case _:
                raise TypeError(f"not a step: {step!r}")
        return ""

    # --- $LATEST

    def _create(self, step: steps.CreateFunction) -> None:
        create = lambda: self.means.aws.create_function(step.name, step.settings, step.code, step.tags)  # noqa: E731
        self._unless_there(lambda: self._with_role(create), CONFLICT)
        self._settle(step.name)
        self.wrote = True

    def _with_role(self, call: Callable[[], Function]) -> Function:
        """Lambda cannot assume a role for some seconds after it was made. That very refusal is retried, and no other."""
        last: list[AwsError] = []
        done: list[Function] = []

        def tried() -> bool:
            try:
                done.append(call())
            except AwsError as error:
                if error.code != INVALID or CANNOT_ASSUME not in error.what:
                    raise
                last[:] = [error]
            return bool(done)

        if not wait_until(tried, self.means.patience.role_s):
            last[0].hint = "look at the role's trust policy, and whether an organisation's policy stands in the way"
            raise last[0]
        return done[0]

    def _write(self, name: str, write: Callable[[str], Function], done: Callable[[Function], bool]) -> None:
        """One write to $LATEST, on condition that nobody else wrote since we looked (AWS's RevisionId).

        `done` says whether the function is already as the write would leave it: a cut connection may hide that it was heard.
        """
        try:
            write(self.revision)
        except AwsError as error:
            if error.code not in (CONFLICT, PRECONDITION):
                raise
            if not done(self._settle(name)):
                self._overtaken_or_stale(name)
            return
        self._settle(name)
        self.wrote = True

    def _overtaken_or_stale(self, name: str) -> None:
        if not self.wrote:
            raise PlanIsStale
        raise overtaken(name, "changed the function while this one ran")

    def _settle(self, name: str) -> Function:
        """Waits for $LATEST to be usable, and remembers its revision for the next write.

        Raises DeployError with AWS's own reason if the change failed.
        """
        function = settled(self.means.aws, name, "", self.means.patience.settle_s)
        if function is None:
            raise DeployError(f"the function {name} is gone", where=name, hint="somebody deleted it meanwhile; run this again")
        if function.failed:
            hint = "mend that and run the same command again"
            raise DeployError(f"AWS could not bring {name} into use: {function.reason}", where=name, hint=hint)
        self.revision = function.revision
        return function

    def _upload(self, step: steps.Upload) -> None:
        aws, code = self.means.aws, step.code
        if step.makes_bucket:  # also when it is there: it may have been broken off before it was closed to the public
            try:
                aws.create_bucket(code.bucket, step.tags)
            except AwsError as error:
                denied = error.code in DENIED and error.operation == "CreateBucket"
                if not denied or not aws.bucket(code.bucket):  # who may not make one may still use the one there is
                    raise
        if not aws.uploaded(code.bucket, code.key):
            aws.upload(code.bucket, code.key, code.path)

    # --- versions and traffic

    def _publish(self, step: steps.PublishVersion) -> str:
        try:
            published = self.means.aws.publish(step.name, step.code.sha256)
        except AwsError as error:
            if error.code == CONFLICT:
                self._settle(step.name)
                published = self.means.aws.publish(step.name, step.code.sha256)
            elif error.code == INVALID and "CodeSHA256" in error.what:
                raise overtaken(step.name, "uploaded other code while this one ran") from error
            else:
                raise
        if published.settings != step.settings or published.sha256 != step.code.sha256:
            raise overtaken(step.name, "changed the configuration while this one ran")
        patience = self.means.patience
        within_s = patience.snapshot_s if step.settings.snapstart else patience.settle_s
        version = settled(self.means.aws, step.name, published.version, within_s)
        if version is not None and version.failed:  # SnapStart has run its init
            what = f"AWS could not bring version {version.version} into use: {version.reason}"
            hint = f"its log says why: the group {step.group}, streams with [{version.version}]"
            raise FunctionFailed(what, where=f"function {step.name}", hint=hint, detail=self._log(step.group, version.version))
        self.version = published.version
        return f"version {self.version}"

    def _log(self, group: str, version: str) -> str:
        """What a version has logged today, its end. No reason to fail when it cannot be had."""
        try:
            lines = self.means.aws.log_events(group, f"{datetime.now(UTC):%Y/%m/%d}/[{version}]", 0)
        except AwsError:
            return ""
        return "\n".join(line.text.rstrip("\n") for line in lines[-_LOG_LINES:])

    def _try(self, step: steps.Try) -> str:
        if self.version == step.previous:
            return ""
        self.alias_revision, seen = canary.run(self.means, step, self.version)
        return f"{seen.requests} requests, {seen.errors} errors"

    def _point(self, step: steps.PointAlias) -> str:
        try:
            if step.previous:
                told = moves.described(self.version, step.previous) if self.version != step.previous else ""
                revision = self.alias_revision or step.revision
                self.means.aws.move_alias(step.name, step.alias, self.version, revision, description=told)
            else:
                self.means.aws.create_alias(step.name, step.alias, self.version, moves.forth(self.version, ""))
        except AwsError as error:
            now = self._look(lambda: self.means.aws.alias(step.name, step.alias))
            if now is None or now.version != self.version or now.weights:
                self._fit_mode(step.name, step.alias)
                if error.code not in (CONFLICT, PRECONDITION):
                    raise
                what = f"moved {step.alias} to version {now.version if now else '?'} while this one ran"
                raise overtaken(step.name, what) from error
        return f"version {step.previous} -> {self.version}" if step.previous else f"version {self.version}"

    def _prune(self, step: steps.DeleteVersions) -> None:
        for version in step.versions:
            try:
                self.means.aws.delete_function(step.name, version)
            except AwsError as error:
                if error.code != CONFLICT:
                    raise
                self.means.emit(events.Notice(f"version {version} stays: something of yours uses it"))

    def _move(self, step: steps.MoveAlias) -> None:
        try:
            self.means.aws.move_alias(step.name, step.alias, step.version, step.revision, description=step.description)
        except AwsError as error:
            now = self._look(lambda: self.means.aws.alias(step.name, step.alias))
            if now is None or now.version != step.version or now.weights:
                self._fit_mode(step.name, step.alias)
                if error.code in (CONFLICT, PRECONDITION):
                    raise PlanIsStale from error
                raise
        self.version = step.version

    def _provision(self, step: steps.Provision) -> None:
        self.means.aws.provision(step.name, step.alias, step.executions)
        if step.executions is not None:
            self._await_provisioned(step.name, step.alias)

    def _await_provisioned(self, name: str, alias: str) -> None:
        found: list[Provisioned | None] = []

        def ready() -> bool:
            found[:] = [self.means.aws.provisioned(name, alias)]
            return found[0] is None or found[0].status != "IN_PROGRESS"

        if not wait_until(ready, self.means.patience.settle_s):
            what = "AWS is still making the provisioned environments ready"
            raise UnconfirmedError(what, where=name, hint="they come by themselves; run this again to look")
        if found[0] is not None and found[0].status == "FAILED":
            what = f"AWS could not provision {found[0].requested} environments: {found[0].reason}"
            raise DeployError(what, where=name, hint="ask for fewer, or look at the account's concurrency")

    def _probe(self, step: steps.Probe) -> None:
        """A version that passed its check and then fails through the URL is taken back."""
        try:
            confirm.answers(self.means, step, self.version, self.url)
        except FunctionFailed as failed:
            if self.previous not in ("", self.version):
                failed.hint = f"{failed.hint} ({self._back(step.name, step.alias)})"
            raise
        except (DeployError, UnconfirmedError):
            with suppress(AwsError):
                self._refuse_overtaken(step.name)  # what was asked is another deploy's
                url = self.means.aws.url(step.name, step.alias)
                if url is None or url.auth != step.auth:
                    raise overtaken(step.name, "changed who may call the URL while this one ran") from None
            raise

    def _back(self, name: str, alias: str) -> str:
        """Takes the version back; what came of that, in words."""
        try:
            taken = self._take_back(name, alias)
        except AwsError as error:
            return f"version {self.version} is live, for it could not be taken back: {error.what}; lambent rollback"
        return f"version {self.previous} is live again" if taken else f"another deploy has moved {alias} since"

    def _take_back(self, name: str, alias: str) -> bool:
        """The version that was live before is live again, unless somebody else has moved the alias since: then false.

        The order is that of `parts.traffic`, for the same reason.
        """
        now = self.means.aws.alias(name, alias)
        if now is None or now.version != self.version:
            return False
        if self.mode_before == BUFFERED != self.mode:
            self.means.aws.update_url(name, alias, "", BUFFERED)
        try:
            told = moves.back(self.previous, self.version)
            self.means.aws.move_alias(name, alias, self.previous, now.revision, description=told)
        except AwsError as error:
            if error.code not in (CONFLICT, PRECONDITION):
                raise
            self._fit_mode(name, alias)
            return False
        self._fit_mode(name, alias)
        return True

    def _fit_mode(self, name: str, alias: str) -> None:
        """The URL has the mode of the version behind it, whoever put it there: else every request would be a 502, or show
        the raw answer, until somebody comes.
        """
        if self.mode == self.mode_before:
            return  # this run has not touched it
        with suppress(AwsError):  # there is an error to tell already
            live, url = self.means.aws.function(name, alias), self.means.aws.url(name, alias)
            if live is not None and url is not None and url.mode != mode_of(live.settings):
                self.means.aws.update_url(name, alias, "", mode_of(live.settings))
        self.mode = self.mode_before

    def _look(self, look: Callable[[], Seen]) -> Seen | None:
        """What is there after a refusal: a cut connection may hide that a call was heard. None when it cannot be seen."""
        try:
            return look()
        except AwsError:
            return None

    def _update_url(self, step: steps.UpdateUrl) -> None:
        try:
            self.url = self.means.aws.update_url(step.name, step.alias, step.auth, step.mode, step.cors).address
        except AwsError:
            there = self._look(lambda: self.means.aws.url(step.name, step.alias)) if step.mode else None
            if there is None or there.mode != step.mode:
                if there is not None and self.previous not in ("", self.version):
                    with suppress(AwsError):  # or every request would be a 502 until somebody comes
                        self._take_back(step.name, step.alias)
                raise
        self.mode = step.mode or self.mode

    def _grant(self, step: steps.Grant) -> None:
        try:
            self.means.aws.add_statement(step.name, step.alias, step.statement)
        except AwsError as error:
            if error.code != CONFLICT or step.statement not in self.means.aws.statements(step.name, step.alias):
                raise

    def _create_url(self, step: steps.CreateUrl) -> None:
        try:
            self.url = self.means.aws.create_url(step.name, step.alias, step.auth, step.mode, step.cors).address
        except AwsError as error:
            there = self.means.aws.url(step.name, step.alias) if error.code == CONFLICT else None
            if there is None:
                raise
            if (there.auth, there.mode, there.cors) != (step.auth, step.mode, step.cors):
                raise PlanIsStale from error
            self.url = there.address

    def _unless_there(self, call: Callable[[], object], code: str) -> None:
        """What the plan found missing is there now: somebody else made it (or we did, unheard). Look again."""
        try:
            call()
        except AwsError as error:
            if error.code == code:
                raise PlanIsStale from error
            raise
