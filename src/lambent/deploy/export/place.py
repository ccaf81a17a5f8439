"""Where an export stands in for an account and a region that it does not know. Pure.

Names and ARNs are made with marks in their place, which each format then writes as it refers to its own account and region.
"""

from __future__ import annotations

import re

from lambent.deploy.desired import Desired
from lambent.errors import UsageError
from lambent.names import Names

ACCOUNT, REGION = "<<lambent:account>>", "<<lambent:region>>"
_PARTITION = re.compile(r"arn:aws:(?=[a-z0-9-]+::?<<lambent:|iam::aws:policy/)")


def anywhere(app: str) -> Names:
    """The names of an app in an account and a region yet to be told."""
    return Names(app, ACCOUNT, REGION)


def partitioned(text: str, partition: str) -> str:
    """With `partition` (aws, aws-cn, aws-us-gov) in the ARNs that lambent makes, and in those of AWS's own policies; an ARN of
    the user's is as it was written.
    """
    return _PARTITION.sub(lambda _: f"arn:{partition}:", text)


def refuse_what_cannot_be(desired: Desired) -> None:
    """Raises UsageError for what only `lambent deploy` itself can do."""
    if desired.overflow is not None:
        raise UsageError(
            f"packages lie beside the zip, where a template cannot bring them: {desired.overflow_told}",
            where="overflow",
            hint="overflow = false, or deploy with lambent",
        )
