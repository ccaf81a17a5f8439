"""Where an export stands in for an account and a region that it does not know. Pure.

Names and ARNs are made with marks in their place, which each format then writes as it refers to its own account and region.
"""

from __future__ import annotations

from lambent.deploy.desired import Desired
from lambent.errors import UsageError
from lambent.names import Names

ACCOUNT, REGION = "<<lambent:account>>", "<<lambent:region>>"


def anywhere(app: str) -> Names:
    """The names of an app in an account and a region yet to be told."""
    return Names(app, ACCOUNT, REGION)


def refuse_what_cannot_be(desired: Desired) -> None:
    """Raises UsageError for what only `lambent deploy` itself can do."""
    if desired.overflow is not None:
        raise UsageError(
            f"packages lie beside the zip, where a template cannot bring them: {desired.overflow_told}",
            where="overflow",
            hint="overflow = false, or deploy with lambent",
        )
