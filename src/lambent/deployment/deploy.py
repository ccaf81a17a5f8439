"""`deploy()`: from a configuration and a built zip to a URL that responds."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.config.model import Config
from lambent.deployment import writable
from lambent.deployment.apply import apply
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deployment import Deployment, PlanIsStale, WritesNextToCode
from lambent.deployment.desired import desired
from lambent.deployment.observed import observe
from lambent.deployment.plan import Plan, plan
from lambent.deployment.replan import until_applied
from lambent.errors import FunctionFailedError, GrantsLostError, UsageError
from lambent.package.artifact import WRITABLE, Artifact


def allow(plan: Plan) -> None:
    """Apply every plan: for callers that have decided already."""


def refuse_move(plan: Plan) -> None:
    """Refuse to take an app over from another project: for callers that can't ask."""
    app = plan.names.app
    hint = f"--name {app[:50]}-2, or another name; if this project takes its place, --moved-from {plan.moved_from}"
    raise UsageError(f"{app} was deployed from another project: {plan.moved_from}", where=plan.location, hint=hint)


def prepare(config: Config, artifact: Artifact, aws: Aws, timing: Timing | None = None, *, renews_role: bool = False) -> Plan:
    """Observe what exists and plan; change nothing. `renews_role` says that the function has lost its role's grants.

    Raises DeployError if something of that name exists that lambent didn't create, AwsError if AWS refuses to say what exists.
    """
    timing = timing or Timing()
    names, observed = observe(aws, config.name, timing.settle_s)
    if config.hosting.url is None and observed.url is not None and observed.live is not None:  # what is live keeps its URL
        config = replace(config, hosting=replace(config.hosting, url=True))
    if config.writable is None and writable.was_writable(observed):
        artifact = artifact.as_writable()
    goal = desired(config, artifact, names)
    is_lost = goal.own_role and observed.role is None and observed.latest is not None  # a new one won't be the same
    goal = replace(goal, renews_role=bool(goal.settings.environment) and (is_lost or renews_role))
    before = observed.live or observed.latest
    if before is not None and before.sha256 != goal.code.sha256:
        goal = replace(goal, code_changes=artifact.changes_since(before.sha256))
    if goal.overflow is not None:
        uploaded = aws.uploaded(goal.overflow.bucket, goal.overflow.key)
        observed = replace(observed, packages_uploaded=uploaded)
    return plan(goal, observed)


def deploy(
    config: Config,
    artifact: Artifact,
    context: DeployContext,
    *,
    confirm_public: Callable[[Plan], None] = allow,
    confirm_move: Callable[[Plan], None] = refuse_move,
) -> events.Deployed:
    """Plan, show the plan, apply it, and request the URL. Return (and emit) the result.

    `confirm_public` is called once, before the first plan that makes a URL public is applied; it raises to stop the deploy.
    So is `confirm_move`, before a plan that takes over an app of another project.
    Raises DeployError if the function doesn't work (the previous version stays live) or another deploy won, UnconfirmedError if
    there was no response, AwsError for a refusal. A repeated run continues from wherever this one stopped.
    """
    context = replace(context, add_command=artifact.add_command, own_names=artifact.own_names, packages=artifact.all_packages)
    attempts = _Attempts(config, artifact, context, confirm_public, confirm_move)
    return until_applied(config.name, context.emit, attempts.next)


class _Attempts:
    """The attempts of one deploy, and what the earlier ones have shown. Each question is asked once."""

    def __init__(
        self,
        config: Config,
        artifact: Artifact,
        context: DeployContext,
        confirm_public: Callable[[Plan], None],
        confirm_move: Callable[[Plan], None],
    ) -> None:
        self._config = config
        self._artifact = artifact
        self._context = context
        self._confirm_public = confirm_public
        self._confirm_move = confirm_move
        self._start = time.monotonic()
        self._is_public = self._is_moved = self._changed = self._renews_role = False

    def next(self) -> events.Deployed:
        """Plan, ask, and apply the plan. Raises PlanIsStale if that has to be done again."""
        context = self._context
        planned = prepare(self._config, self._artifact, context.aws, context.timing, renews_role=self._renews_role)
        context.emit(planned.planned)
        self._ask(planned)
        self._changed = self._changed or planned.changes > 0
        deployment = self._apply(planned)
        seconds, public = time.monotonic() - self._start, planned.access == "public"
        return events.Deployed(deployment.url, deployment.version, self._changed, seconds, public)

    @property
    def _may_copy(self) -> bool:
        """Whether it is open where the app runs: neither the user nor an earlier attempt has decided it."""
        is_copied = WRITABLE in self._artifact.environment
        return self._config.writable is None and self._config.app.kind != "handler" and not is_copied

    def _ask(self, planned: Plan) -> None:
        if planned.moved_from and not self._is_moved:
            self._confirm_move(planned)
            self._is_moved = True
        if planned.opens and not self._is_public:
            self._confirm_public(planned)
            self._is_public = True

    def _apply(self, planned: Plan) -> Deployment:
        try:
            return apply(planned, replace(self._context, may_copy=self._may_copy))
        except GrantsLostError as error:
            if self._renews_role:
                raise
            self._renews_role = True
            raise PlanIsStale(events.Notice(f"{error.what}: setting it again")) from error
        except FunctionFailedError as error:
            if not error.failed_write or not self._may_copy:
                raise
            raise self._retry_from_copy(error.failed_write) from error
        except WritesNextToCode as error:
            raise self._retry_from_copy(error.path) from error

    def _retry_from_copy(self, path: str) -> PlanIsStale:
        """Have the app run from a copy in /tmp from the next attempt on. Return what starts that attempt."""
        self._artifact = self._artifact.as_writable()
        return PlanIsStale(writable.warning(path))
