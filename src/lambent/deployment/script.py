"""A plan as a shell script of plain `aws` commands: the same calls in the same order, to read or run elsewhere. Pure."""

from __future__ import annotations

from shlex import quote

from lambent.deployment.plan import Plan
from lambent.deployment.step import Step

_HEAD = """\
#!/bin/sh
# What `lambent deploy` would do in {location}.
# Needs the aws CLI and credentials. For the local Lambda, run this first: eval "$(lambent local env)"
set -eu
export AWS_PAGER="" AWS_REGION={region} AWS_DEFAULT_REGION={region}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version={version}
url={url}
"""


def script(plan: Plan) -> str:
    """Return the script. For an app that is up to date, it requests the URL and does nothing else."""
    head = _HEAD.format(location=plan.location, region=plan.names.region, version=quote(plan.version), url=quote(plan.url))
    return "\n".join([head, *map(_block, plan.steps)])


def _block(step: Step) -> str:
    return "".join(f"{line}\n" for line in (f"# {step.title}", *step.shell()))
