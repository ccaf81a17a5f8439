"""Plans again while someone else changes the same app."""

from __future__ import annotations

from collections.abc import Callable

from lambent.deployment.deployment import PlanIsStale
from lambent.errors import DeployError
from lambent.events import Deployed, Emit, Notice

_ATTEMPTS = 5


def until_applied(app: str, emit: Emit, attempt: Callable[[], Deployed]) -> Deployed:
    """Call `attempt`, which makes a plan and applies it, until its plan isn't stale any more. Return (and emit) its result.

    The notice doesn't say who changed the app: a create whose answer was lost is sent again, and refused because of itself.
    Raises DeployError if someone else is always faster.
    """
    for _ in range(_ATTEMPTS):
        try:
            deployed = attempt()
        except PlanIsStale as stale:
            emit(stale.event or Notice(f"{app} has changed since this deploy looked at it: planning again"))
        else:
            emit(deployed)
            return deployed
    what = f"{app} is being changed by someone else at the same time"
    raise DeployError(what, where=app, hint="run the same command again when the other deploy is finished")
