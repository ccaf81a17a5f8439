"""The role: who the function is to AWS, and what it may do. Pure."""

from __future__ import annotations

import json
from typing import Any

from lambent.aws.values import canonical
from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.limits import INLINE_MAX
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
    if meanwhile := _meanwhile(desired, observed):
        todo.append(steps.PutPolicy(names.role, POLICY, meanwhile))
    if desired.inline and desired.inline != observed.inline:
        why.append(f"permissions {'change' if observed.inline else 'are new'}{because('permissions', desired.origins)}")
    elif observed.inline and not desired.inline:
        why.append("its permissions are asked for no longer")
    if observed.role is None:
        has = ", ".join(map(_short, desired.policies)) + (f", and {_count(desired)}" if desired.inline else "")
        return Part(tuple(todo), (PlannedLine("create", f"role {names.role}", f"assumed by Lambda, with {has}"),))
    line = PlannedLine("update" if why else "keep", f"role {names.role}", ", ".join(why))
    return Part(tuple(todo), (line,))


def narrowed(desired: Desired, observed: Observed) -> Part:
    """What the version of before was allowed is taken away when it has no traffic any more: until then it may start anew."""
    there = _meanwhile(desired, observed) or observed.inline
    if not desired.own_role or there == desired.inline:
        return Part()
    if desired.inline:
        return Part((steps.PutPolicy(desired.names.role, POLICY, desired.inline),))
    return Part((steps.DeletePolicy(desired.names.role, POLICY),))


def _meanwhile(desired: Desired, observed: Observed) -> str:
    """What the role's policy must be while both versions may run, where that is not what it is: all that either may do.

    A Deny that is asked for no longer goes at once: the new version may need what it forbids.
    """
    wanted = _statements(desired.inline)
    if observed.alias is None or not observed.inline:
        return desired.inline if desired.inline != observed.inline else ""
    had = _statements(observed.inline)
    kept = [each for each in had if each.get("Effect") == "Allow" or each in wanted]
    both = kept + [each for each in wanted if each not in kept]
    if both == had:
        return ""
    if all(each in wanted for each in both):
        return desired.inline
    text = canonical({"Version": "2012-10-17", "Statement": both})
    return text if len(text) <= INLINE_MAX else desired.inline


def _statements(policy: str) -> list[dict[str, Any]]:
    found = json.loads(policy)["Statement"] if policy else []
    return found if isinstance(found, list) else [found]


def _count(desired: Desired) -> str:
    number = desired.inline.count('"Effect"')
    return f"{number} permission{'s' if number > 1 else ''} of its own"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
