"""The plan: what is there against what should be, as a tuple of steps and the lines that explain them. Pure."""

from __future__ import annotations

from msgspec import Struct

from lambent.aws.values import Pairs
from lambent.deploy import steps
from lambent.deploy.cost import estimate
from lambent.deploy.desired import PUBLIC, Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.drift import drift
from lambent.deploy.parts.function import function
from lambent.deploy.parts.logs import logs
from lambent.deploy.parts.overflow import overflow
from lambent.deploy.parts.role import narrowed, role
from lambent.deploy.parts.traffic import provisioned, pruned, traffic
from lambent.deploy.parts.url import url
from lambent.deploy.steps import Step
from lambent.errors import DeployError
from lambent.events import Cost, Planned, PlannedLine
from lambent.names import ALIAS, TAG_APP, TAG_MANAGED, Names


class Plan(Struct, frozen=True):
    """What `deploy` will do, in this order. `version` and `url` are the live ones now, "" when there are none; `revision` is
    what $LATEST was at when looked at, so that a write can be made on condition that it still is. `mode` is the URL's.
    `access` ("public" or "signed"), the sizes of the zip in bytes and `cost` are for those who read the plan.
    """

    names: Names
    steps: tuple[Step, ...]
    lines: tuple[PlannedLine, ...]
    version: str = ""
    url: str = ""
    revision: str = ""
    mode: str = ""
    access: str = ""
    zipped: int = 0
    raw: int = 0
    cost: Cost | None = None

    @property
    def changes(self) -> int:
        """How many steps change something; 0 when everything is as it should be."""
        return sum(step.changes for step in self.steps)

    @property
    def location(self) -> str:
        return f"account {self.names.account} in {self.names.region}"

    @property
    def opens(self) -> bool:
        """Whether a URL becomes public that is not there yet, or was for signed requests only."""
        return any(isinstance(step, steps.CreateUrl | steps.UpdateUrl) and step.auth == PUBLIC for step in self.steps)

    @property
    def planned(self) -> Planned:
        """The event that shows it."""
        return Planned(self.location, self.lines, self.changes, self.access, self.opens, self.zipped, self.raw, self.cost)


def plan(desired: Desired, observed: Observed) -> Plan:
    """The steps from `observed` to `desired`.

    Raises DeployError if a function or role of that name exists that lambent did not make: it is left alone.
    """
    refuse_foreign(desired, observed)
    publishes = traffic(desired, observed)
    new_version = any(isinstance(step, steps.PublishVersion) for step in publishes.steps)
    before = (role, logs, overflow, function)
    parts = (
        *(part(desired, observed) for part in before),
        publishes,
        provisioned(desired, observed, new_version),
        url(desired, observed),
    )
    after = (narrowed(desired, observed), pruned(desired, observed, new_version))
    probe = steps.Probe(desired.names.function, ALIAS, desired.settings, desired.strict, desired.mode, desired.auth)
    return Plan(
        names=desired.names,
        steps=(*(step for part in parts for step in part.steps), probe, *(step for part in after for step in part.steps)),
        lines=(*(line for part in (*parts, *after) for line in part.lines), *drift(desired, observed)),
        version=observed.alias.version if observed.alias else "",
        url=observed.url.address if observed.url else "",
        revision=observed.latest.revision if observed.latest else "",
        mode=observed.url.mode if observed.url else "",
        access="public" if desired.auth == PUBLIC else "signed",
        zipped=desired.code.size,
        raw=desired.raw,
        cost=estimate(desired.settings, desired.code.architecture, desired.provisioned),
    )


def refuse_foreign(desired: Desired, observed: Observed) -> None:
    """Raises DeployError if the function or the role was made by somebody else."""
    refuse_foreign_tags(desired.names, observed, with_role=desired.own_role)


def refuse_foreign_tags(names: Names, observed: Observed, *, with_role: bool = False) -> None:
    """Raises DeployError if the function (or the role) does not carry this app's tags."""
    found: tuple[tuple[str, str, Pairs | None], ...] = (
        ("function", names.function, observed.latest.tags if observed.latest else None),
        ("role", names.role, observed.role.tags if observed.role and with_role else None),
    )
    for kind, name, tags in found:
        if tags is not None and not made_by_lambent(names, tags):
            what = f"a {kind} called {name} is there already, and lambent did not make it"
            hint = f"choose another name with --name, or tag it {TAG_APP}={names.app} and {TAG_MANAGED}=true to hand it over"
            raise DeployError(what, where=f"account {names.account} in {names.region}", hint=hint)


def made_by_lambent(names: Names, tags: Pairs) -> bool:
    """Whether something with these tags is lambent's, and this app's."""
    return dict(tags).get(TAG_APP) == names.app and TAG_MANAGED in dict(tags)
