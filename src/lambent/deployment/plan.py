"""The plan: the difference between what exists and what should, as steps and the lines that explain them. Pure."""

from __future__ import annotations

from msgspec import Struct

from lambent.aws.values import Pairs
from lambent.deployment.cost import estimate
from lambent.deployment.desired import PUBLIC, Desired, access
from lambent.deployment.drift import plan_drift
from lambent.deployment.observed import Observed
from lambent.deployment.origin import foreign_origin, with_origin
from lambent.deployment.resources.bucket import plan_packages
from lambent.deployment.resources.concurrency import plan_provisioned, plan_reserved
from lambent.deployment.resources.function import plan_function
from lambent.deployment.resources.log_group import plan_log_group
from lambent.deployment.resources.role import plan_narrower_role, plan_role
from lambent.deployment.resources.tags import plan_tags
from lambent.deployment.resources.url import CheckUrl, UpdateUrl, plan_url
from lambent.deployment.resources.version import PublishVersion, plan_old_versions
from lambent.deployment.step import PlanPart, Step
from lambent.deployment.traffic import plan_traffic
from lambent.errors import DeployError
from lambent.events import Cost, Planned, PlannedLine
from lambent.names import ALIAS, TAG_APP, TAG_MANAGED, Names


class Plan(Struct, frozen=True):
    """What `deploy` will do, in this order, from what it has `observed`.

    `moved_from` is the other project that the app was deployed from until now, "" if there is none. `access` ("public" or
    "signed"), the sizes of the zip in bytes and `cost` are for people who read the plan.
    """

    names: Names
    observed: Observed
    steps: tuple[Step, ...]
    lines: tuple[PlannedLine, ...]
    access: str = ""
    zipped: int = 0
    raw: int = 0
    cost: Cost | None = None
    moved_from: str = ""

    @property
    def version(self) -> str:
        """The live version, "" if there is none."""
        return self.observed.alias.version if self.observed.alias else ""

    @property
    def url(self) -> str:
        return self.observed.url.address if self.observed.url else ""

    @property
    def mode(self) -> str:
        """The URL's InvokeMode."""
        return self.observed.url.mode if self.observed.url else ""

    @property
    def revision(self) -> str:
        """The revision of $LATEST when it was observed, so that a write can depend on it."""
        return self.observed.latest.revision if self.observed.latest else ""

    @property
    def changes(self) -> int:
        """The number of steps that change something; 0 if there is nothing to do."""
        return sum(step.changes for step in self.steps)

    @property
    def location(self) -> str:
        return f"account {self.names.account} in {self.names.region}"

    @property
    def opens(self) -> bool:
        """Whether a URL becomes public: a new one, or one that accepted only signed requests."""
        return any(isinstance(step, UpdateUrl) and step.auth == PUBLIC for step in self.steps)

    @property
    def planned(self) -> Planned:
        """The event that shows the plan."""
        return Planned(self.location, self.lines, self.changes, self.access, self.opens, self.zipped, self.raw, self.cost)


def plan(desired: Desired, observed: Observed) -> Plan:
    """Return the steps from `observed` to `desired`.

    Raises DeployError if a function or role of that name exists that lambent didn't create: it is left alone.
    """
    refuse_foreign_tags(desired.names, observed, with_role=desired.own_role)
    moved_from = foreign_origin(desired.identities, observed)
    desired = with_origin(desired, observed)
    traffic = plan_traffic(desired, observed)
    publishes = any(isinstance(step, PublishVersion) for step in traffic.steps)
    check_url = CheckUrl(desired.names.function, ALIAS, desired.settings, desired.strict, desired.mode, desired.auth)
    parts = (
        *(part(desired, observed) for part in (plan_role, plan_log_group, plan_packages)),
        *(part(desired, observed) for part in (plan_function, plan_tags, plan_reserved)),
        traffic,
        plan_provisioned(desired, observed, publishes),
        plan_url(desired, observed),
        PlanPart((check_url,) if desired.has_url else ()),
        plan_narrower_role(desired, observed),
        plan_old_versions(desired, observed, publishes),
    )
    return Plan(
        names=desired.names,
        observed=observed,
        steps=tuple(step for part in parts for step in part.steps),
        lines=(
            *_describe_move(moved_from, desired),
            *(line for part in parts for line in part.lines),
            *plan_drift(desired, observed),
        ),
        moved_from=moved_from,
        access=access(desired.auth),
        zipped=desired.code.size,
        raw=desired.raw,
        cost=estimate(desired.settings, desired.code.architecture, desired.provisioned),
    )


def _describe_move(moved_from: str, desired: Desired) -> tuple[PlannedLine, ...]:
    if not moved_from:
        return ()
    detail = f"deployed from {moved_from} until now: deploy asks before {desired.identities[0]} takes it over"
    return (PlannedLine("check", f"app {desired.names.app}", detail),)


def refuse_foreign_tags(names: Names, observed: Observed, *, with_role: bool = False) -> None:
    """Raise DeployError if the function (or the role) doesn't have this app's tags."""
    existing: tuple[tuple[str, str, Pairs | None], ...] = (
        ("function", names.function, observed.latest.tags if observed.latest else None),
        ("role", names.role, observed.role.tags if observed.role and with_role else None),
    )
    for kind, name, tags in existing:
        if tags is not None and not made_by_lambent(names, tags):
            what = f"a {kind} named {name} exists already, and lambent didn't create it"
            tag = f"tag the role {TAG_APP}={names.app} and {TAG_MANAGED}=true to let lambent manage it"
            take_over = f"take it over: lambent adopt {name}" if kind == "function" else tag
            hint = f"choose another name with --name, or {take_over}"
            raise DeployError(what, where=f"account {names.account} in {names.region}", hint=hint)


def made_by_lambent(names: Names, tags: Pairs) -> bool:
    """Return whether something with these tags is lambent's and belongs to this app."""
    return dict(tags).get(TAG_APP) == names.app and TAG_MANAGED in dict(tags)
