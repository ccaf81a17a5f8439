"""A function's name in all its forms: name, partial ARN, ARN, each with or without a qualifier. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from lambent.limits import NAME_MAX
from lambent.local.control.faults import Fault, constraint, invalid, missing
from lambent.names import Names

FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>[$a-zA-Z0-9-_.]+))?"
)
UNQUALIFIED_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


class Target(Struct, frozen=True):
    """What a request is about. `qualifier` is None when the caller gave none; `arn` has no qualifier."""

    name: str
    qualifier: str | None
    arn: str

    @property
    def key(self) -> str:
        """The qualifier as the store spells it: "" for $LATEST."""
        return "" if self.qualifier in (None, "$LATEST") else str(self.qualifier)

    @property
    def full_arn(self) -> str:
        """The ARN as the caller addressed it."""
        return f"{self.arn}:{self.qualifier}" if self.qualifier is not None else self.arn

    def unqualified(self) -> Target:
        """Itself, for operations on whole functions. Raises Fault when a qualifier was given."""
        if self.qualifier is not None:
            raise invalid(UNQUALIFIED_ONLY)
        return self


def parse(given: str, qualifier: str | None, region: str, account: str) -> Target:
    """The target of a checked FunctionName. Raises Fault for other regions, other accounts and contradictions."""
    match = FORM.fullmatch(given)
    if match is None:  # the model's pattern has been checked; what is left is a shape this API does not know
        raise missing(f"Function not found: {given}")
    name = match["name"]
    if match["region"] and match["region"] != region:
        raise missing(f"Functions from '{match['region']}' are not reachable in this region ('{region}')")
    if match["account"] and match["account"] != account:
        raise Fault("AccessDeniedException", None)
    if len(name) > NAME_MAX:
        # Recorded: a ValidationException's text under another code.
        told = constraint(name, "functionName", f"Member must have length less than or equal to {NAME_MAX}")
        raise invalid(str(told.message))
    derived = match["qualifier"]
    if derived is not None and qualifier is not None and derived != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    return Target(name, qualifier if qualifier is not None else derived, Names(name, account, region).function_arn)


def is_version(qualifier: str) -> bool:
    return qualifier == "$LATEST" or qualifier.isdigit()


def is_alias_name(qualifier: str) -> bool:
    """Whether it could name an alias: letters, digits, - and _, but not digits only."""
    return re.fullmatch(r"(?!\d+$)[a-zA-Z0-9_-]+", qualifier) is not None
