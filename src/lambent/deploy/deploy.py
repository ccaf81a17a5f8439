"""The verb: from a configuration and a built zip to a URL that answers."""

from __future__ import annotations

import time
from dataclasses import replace

from lambent import events
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


def prepare(config: Config, artifact: Artifact, aws: Aws, patience: Patience | None = None) -> Plan:
    """Looks at what is there and plans; changes nothing.

    Raises DeployError if something of that name is there that lambent did not make, AwsError if AWS will not say.
    """
    names, observed = observe(aws, config.name, (patience or Patience()).settle_s)
    wanted = desired(config, artifact, names)
    if wanted.overflow is not None:
        observed = replace(observed, stored=aws.uploaded(wanted.overflow.bucket, wanted.overflow.key))
    return plan(wanted, observed)


def deploy(
    config: Config,
    artifact: Artifact,
    aws: Aws,
    emit: events.Emit,
    *,
    patience: Patience | None = None,
    ask: Ask = ask,
) -> events.Deployed:
    """Plans, shows the plan, carries it out, and asks the URL. Returns (and emits) the end.

    Raises DeployError when the function does not work (the old version stays live) or another deploy won,
    UnconfirmedError when the URL could not be asked, AwsError for a refusal. A rerun goes on from wherever this stopped.
    """
    start = time.monotonic()
    patience = patience or Patience()
    run = Run(Means(aws, emit, patience, ask))
    changed = False
    for _ in range(_LOOKS):
        todo = prepare(config, artifact, aws, patience)
        emit(todo.planned)
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
    raise DeployError(what, where=todo.target, hint="run the same command again when the other deploy is over")
