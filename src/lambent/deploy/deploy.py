"""The verb: from a configuration and a built zip to a URL that answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

from msgspec.structs import replace

from lambent import calendar, events
from lambent.aws.interface import Aws
from lambent.config.model import Config
from lambent.deploy.apply import PlanIsStale, Run
from lambent.deploy.desired import PUBLIC, desired
from lambent.deploy.means import Means, Patience
from lambent.deploy.observed import observe
from lambent.deploy.plan import Plan, plan
from lambent.deploy.probe import Ask, ask
from lambent.errors import DeployError
from lambent.package.artifact import Artifact

_LOOKS = 5


def allow(plan: Plan) -> None:
    """Apply every plan: for callers that have decided already."""


def prepare(config: Config, artifact: Artifact, aws: Aws, patience: Patience | None = None) -> Plan:
    """Looks at what is there and plans; changes nothing.

    Raises DeployError if something of that name is there that lambent did not make, or the function is not there and AWS takes
    no new ones with this runtime; AwsError if AWS will not say.
    """
    patience = patience or Patience()
    names, observed = observe(aws, config.name, patience.settle_s)
    wanted = desired(config, artifact, names)
    if wanted.overflow is not None:
        observed = replace(observed, stored=aws.uploaded(wanted.overflow.bucket, wanted.overflow.key))
    made = plan(wanted, observed)
    if observed.latest is None:
        _refuse_closed(config, patience.today())
    return made


def _refuse_closed(config: Config, on: date) -> None:
    """AWS closes a runtime for new functions some weeks before it does for those that are there."""
    if not calendar.can_create(config.runtime, on) and (known := calendar.find_runtime(config.runtime)):
        newest = calendar.supported_runtimes(on)[0].name
        raise DeployError(
            f"AWS takes no new functions with {config.runtime} since {known.blocked_create}, and {config.name} would be one",
            where=config.origins.get("runtime", "runtime"),
            hint=f"--runtime {newest}; functions that are there may be updated until {known.blocked_update}",
        )


def deploy(  # noqa: PLR0913 - the four after `artifact` are to become one context
    config: Config,
    artifact: Artifact,
    aws: Aws,
    emit: events.Emit,
    *,
    confirm_public: Callable[[Plan], None] = allow,
    patience: Patience | None = None,
    ask: Ask = ask,
) -> events.Deployed:
    """Plans, shows the plan, carries it out, and asks the URL. Returns (and emits) the end.

    `confirm_public` is called once, before the first plan that makes a URL public is applied; it raises to stop the deploy.
    Raises DeployError when the function does not work (the old version stays live) or another deploy won,
    UnconfirmedError when the URL could not be asked, AwsError for a refusal. A rerun goes on from wherever this stopped.
    """
    start = time.monotonic()
    patience = patience or Patience()
    run = Run(Means(aws, emit, patience, ask))
    changed = confirmed = False
    for _ in range(_LOOKS):
        todo = prepare(config, artifact, aws, patience)
        emit(todo.planned)
        if todo.opens and not confirmed:
            confirm_public(todo)
            confirmed = True
        changed = changed or todo.changes > 0
        try:
            run.carry_out(todo)
        except PlanIsStale:
            emit(events.Notice(f"another deploy of {config.name} is under way: looking again"))
            continue
        done = events.Deployed(run.url, run.version, changed, time.monotonic() - start, config.hosting.auth == PUBLIC)
        emit(done)
        return done
    what = f"{config.name} keeps being changed by somebody else"
    raise DeployError(what, where=todo.location, hint="run the same command again when the other deploy is over")
