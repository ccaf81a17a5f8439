"""`deploy()`: from a configuration and a built zip to a URL that responds."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.config.model import Config
from lambent.deploy import writable
from lambent.deploy.apply import apply
from lambent.deploy.context import DeployContext, Timing
from lambent.deploy.deployment import PlanIsStale
from lambent.deploy.desired import PUBLIC, desired
from lambent.deploy.observed import observe
from lambent.deploy.plan import Plan, plan
from lambent.errors import DeployError, FunctionFailedError, GrantsLostError, UsageError
from lambent.package.artifact import Artifact

_ATTEMPTS = 5


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
    if config.writable is None and writable.was_writable(observed):
        artifact = artifact.as_writable()
    goal = desired(config, artifact, names)
    is_lost = goal.own_role and observed.role is None and observed.latest is not None  # a new one won't be the same
    goal = replace(goal, renews_role=bool(goal.settings.environment) and (is_lost or renews_role))
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
    start = time.monotonic()
    context = replace(context, add_command=artifact.add_command, own_folders=artifact.own_folders)
    changed = confirmed = moved = renews_role = False
    for _ in range(_ATTEMPTS):
        planned = prepare(config, artifact, context.aws, context.timing, renews_role=renews_role)
        context.emit(planned.planned)
        if planned.moved_from and not moved:
            confirm_move(planned)
            moved = True
        if planned.opens and not confirmed:
            confirm_public(planned)
            confirmed = True
        changed = changed or planned.changes > 0
        try:
            deployment = apply(planned, context)
        except PlanIsStale:
            context.emit(events.Notice(f"another deploy of {config.name} is in progress: planning again"))
            continue
        except GrantsLostError as error:
            if renews_role:
                raise
            context.emit(events.Notice(f"{error.what}: setting it again"))
            renews_role = True
            continue
        except FunctionFailedError as error:
            if not error.failed_write or config.writable is not None or config.app.kind == "handler":
                raise
            context.emit(writable.warning(error.failed_write))
            artifact = artifact.as_writable()
            continue
        public = config.hosting.auth == PUBLIC
        deployed = events.Deployed(deployment.url, deployment.version, changed, time.monotonic() - start, public)
        context.emit(deployed)
        return deployed
    what = f"{config.name} is being changed by someone else at the same time"
    raise DeployError(what, where=planned.location, hint="run the same command again when the other deploy is finished")
