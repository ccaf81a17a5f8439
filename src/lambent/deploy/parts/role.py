"""The role: who the function is to AWS, and what it may do. Pure."""

from __future__ import annotations

from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.names import POLICY


def role(desired: Desired, observed: Observed) -> Part:
    """A role of the user's own is used as it is; ours has exactly the policies that are asked for."""
    names = desired.names
    if not desired.own_role:
        return Part(lines=(PlannedLine("keep", f"role {desired.settings.role}", "your own: lambent does not touch it"),))
    todo: list[Step] = []
    why: list[str] = []
    if observed.role is None:
        todo.append(steps.CreateRole(names.role, desired.tags))
    elif not observed.role.trusts_lambda:
        todo.append(steps.TrustLambda(names.role))
        why.append("Lambda may not assume it")
    for arn in desired.policies:
        if arn not in observed.attached:
            todo.append(steps.AttachPolicy(names.role, arn))
            why.append(f"{_short(arn)} is not attached")
    if desired.inline and desired.inline != observed.inline:
        todo.append(steps.PutPolicy(names.role, POLICY, desired.inline))
        why.append(f"permissions {'change' if observed.inline else 'are new'}{because('permissions', desired.origins)}")
    elif observed.inline and not desired.inline:
        todo.append(steps.DeletePolicy(names.role, POLICY))
        why.append("its permissions are asked for no longer")
    if observed.role is None:
        has = ", ".join(map(_short, desired.policies)) + (f", and {_count(desired)}" if desired.inline else "")
        return Part(tuple(todo), (PlannedLine("create", f"role {names.role}", f"assumed by Lambda, with {has}"),))
    line = PlannedLine("update" if todo else "keep", f"role {names.role}", ", ".join(why))
    return Part(tuple(todo), (line,))


def _count(desired: Desired) -> str:
    number = desired.inline.count('"Effect"')
    return f"{number} permission{'s' if number > 1 else ''} of its own"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
