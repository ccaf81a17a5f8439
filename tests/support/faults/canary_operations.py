"""Operations with a canary. Its clock advances as soon as something has happened."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from lambent import events
from lambent.config.model import Canary
from lambent.deployment.context import DeployContext
from lambent.deployment.rollback import rollback
from support.faults.operation import NEW_CODE, PLAIN, Operation
from support.faults.world import FAILED, FAILING_PATH, QUICK, Spec, World, with_hosting
from support.waiting import eventually

_REQUESTS = 16
"""The number of random requests. The chance that none of them reaches one of two equal versions is 1 in 65536."""

CANARY = Canary(0.5, 60)
WATCHED = with_hosting(NEW_CODE, canary=CANARY)
FAILING = replace(WATCHED, text="failing", fails=True)


class Clock(Struct):
    """Time that passes only in pauses. With `fails`, in each of them a client meets a failure, which is logged."""

    world: World
    app: str
    fails: bool
    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        if self.fails and self._has_failed():
            eventually(self._logged, what="the failure in the log")
        self.now += seconds

    def _has_failed(self) -> bool:
        url = self.world.url(self.app)
        return any(self.world.request(url + FAILING_PATH) == FAILED for _ in range(_REQUESTS))

    def _logged(self) -> bool:
        lines = self.world.direct.log_events(f"/aws/lambda/{self.app}", "", 0)
        return any("Traceback" in line.text for line in lines)


def _deploy(spec: Spec) -> Callable[[World, str], object]:
    def run(world: World, app: str) -> object:
        clock = Clock(world, app, spec.fails)
        timing = replace(QUICK, look_s=60, clock=clock, pause=clock.pause)
        return world.deploy(app, spec, timing=timing)

    return run


def _leave_share(world: World, app: str) -> None:
    """Leave a canary that is no longer watched: half of the requests go to a newer version."""
    before = world.direct.alias(app, "live")
    assert before
    deployed = world.deploy(app, NEW_CODE, world.direct)
    world.direct.move_alias(app, "live", before.version, "", ((deployed.version, 0.5),))


def _back(world: World, app: str) -> object:
    alias = world.direct.alias(app, "live")
    assert alias
    return rollback(app, alias.version, DeployContext(world.aws, events.ignore, QUICK, world.fetch))


CANARIES = (
    Operation("canary", WATCHED, PLAIN, _deploy(WATCHED)),
    Operation("canary taken back", FAILING, PLAIN, _deploy(FAILING), refused="of its canary"),
    Operation("canary broken off", PLAIN, PLAIN, _deploy(PLAIN), (NEW_CODE.body,), _leave_share),
    Operation("rollback of a canary", PLAIN, PLAIN, _back, (NEW_CODE.body,), _leave_share, live_only=True),
)
