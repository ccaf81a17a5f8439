"""Placeholders for the account and region, which an export doesn't know. Pure.

Names and ARNs are made with placeholders. Each format then writes them as it refers to its own account and region.
"""

from __future__ import annotations

import re

from lambent.deployment.desired import Desired
from lambent.errors import UsageError
from lambent.names import Names

ACCOUNT, REGION = "<<lambent:account>>", "<<lambent:region>>"
_PARTITION = re.compile(r"arn:aws:(?=[a-z0-9-]+::?<<lambent:|iam::aws:policy/)")


class Expression(str):
    """A text that Terraform evaluates as an expression. It takes every other text literally."""


def placeholder_names(app: str) -> Names:
    """Return the names of an app in an unknown account and region."""
    return Names(app, ACCOUNT, REGION)


def with_partition(text: str, partition: str) -> str:
    """Put `partition` (aws, aws-cn, aws-us-gov) into the ARNs that lambent makes, and into those of AWS's own policies.

    An ARN of the user's stays as it was written.
    """
    return _PARTITION.sub(lambda _: f"arn:{partition}:", text)


def refuse_packages_outside_zip(desired: Desired) -> None:
    """Raise UsageError for what only `lambent deploy` can do."""
    if desired.overflow is not None:
        raise UsageError(
            f"a template can't upload the packages that don't fit into the zip: {desired.overflow_summary}",
            where="overflow",
            hint="set overflow = false, or deploy with lambent",
        )
