"""Applies a plan, step by step. It may be interrupted at any moment: a repeated run observes what exists and continues."""

from __future__ import annotations

import time

from lambent import events
from lambent.deployment.context import DeployContext
from lambent.deployment.deployment import Deployment
from lambent.deployment.failed_versions import record_failure, record_success
from lambent.deployment.plan import Plan
from lambent.deployment.resources.alias import refuse_if_overtaken
from lambent.deployment.resources.url import CheckUrl
from lambent.deployment.resources.version import CheckVersion
from lambent.deployment.step import Step
from lambent.errors import FunctionFailedError, GrantsLostError


def apply(plan: Plan, context: DeployContext) -> Deployment:
    """Apply every step. The deployment that is returned has the URL and the live version.

    Raises PlanIsStale, DeployError or AwsError. What was done until then stays, and a repeated run continues from it.
    """
    deployment = Deployment(context, version=plan.version, url=plan.url, revision=plan.revision, url_mode=plan.mode)
    for step in plan.steps:
        context.emit(events.StepStarted(step.title))
        start = time.monotonic()
        try:
            detail = step.apply(deployment) or ""
        except FunctionFailedError as error:
            _record_failure(plan, deployment, step, error)
            raise
        if not isinstance(step, CheckUrl):  # its end is the event Answered
            context.emit(events.StepDone(step.title, time.monotonic() - start, detail))
    if plan.changes:
        refuse_if_overtaken(deployment, plan.names.function)
        record_success(deployment.aws, plan.names, deployment.version, plan.observed.failed)
    return deployment


def _record_failure(plan: Plan, deployment: Deployment, step: Step, error: FunctionFailedError) -> None:
    """Call the version failed that a step was about, unless it is live or its role is to blame."""
    version = step.version if isinstance(step, CheckVersion) and step.version else deployment.version
    if version and version != plan.version and not isinstance(error, GrantsLostError):
        record_failure(deployment.aws, plan.names, version)
