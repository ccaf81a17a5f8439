"""Applies a plan, step by step. It may be interrupted at any moment: a repeated run observes what exists and continues."""

from __future__ import annotations

import time

from lambent import events
from lambent.deploy.context import DeployContext
from lambent.deploy.deployment import Deployment
from lambent.deploy.plan import Plan
from lambent.deploy.resources.alias import refuse_if_overtaken
from lambent.deploy.resources.url import CheckUrl


def apply(plan: Plan, context: DeployContext) -> Deployment:
    """Apply every step. The deployment that is returned has the URL and the live version.

    Raises PlanIsStale, DeployError or AwsError. What was done until then stays, and a repeated run continues from it.
    """
    deployment = Deployment(context, version=plan.version, url=plan.url, revision=plan.revision, url_mode=plan.mode)
    for step in plan.steps:
        context.emit(events.StepStarted(step.title))
        start = time.monotonic()
        detail = step.apply(deployment) or ""
        if not isinstance(step, CheckUrl):  # its end is the event Answered
            context.emit(events.StepDone(step.title, time.monotonic() - start, detail))
    if plan.changes:
        refuse_if_overtaken(deployment, plan.names.function)
    return deployment
