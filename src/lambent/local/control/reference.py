"""References to a function: name, partial ARN or ARN, each with or without a qualifier. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from lambent.limits import NAME_MAX
from lambent.local.control.faults import Fault, constraint, invalid, missing
from lambent.local.store import LATEST, Document, Record
from lambent.names import Names

FORM = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>[$a-zA-Z0-9-_.]+))?"
)
UNQUALIFIED_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


class FunctionReference(Struct, frozen=True):
    """The function, version or alias a request is about.

    `qualifier` is None when the caller gave none. `arn` is the function's, without a qualifier.
    """

    name: str
    qualifier: str | None
    arn: str

    @property
    def key(self) -> str:
        """The qualifier as the store spells it: "" for $LATEST."""
        return "" if self.qualifier in (None, LATEST) else str(self.qualifier)

    @property
    def qualified_arn(self) -> str:
        """The ARN with the caller's qualifier, if there was one."""
        return f"{self.arn}:{self.qualifier}" if self.qualifier is not None else self.arn

    def require_unqualified(self) -> FunctionReference:
        """Return the reference itself, for operations on whole functions. Raises Fault if it has a qualifier."""
        if self.qualifier is not None:
            raise invalid(UNQUALIFIED_ONLY)
        return self


def parse_reference(text: str, qualifier: str | None, region: str, account: str) -> FunctionReference:
    """Parse a FunctionName that has been checked against the model.

    Raises Fault for other regions, other accounts and contradictory qualifiers.
    """
    match = FORM.fullmatch(text)
    if match is None:  # the model's pattern matched, so this is a form that the local Lambda doesn't know
        raise missing(f"Function not found: {text}")
    name = match["name"]
    if match["region"] and match["region"] != region:
        raise missing(f"Functions from '{match['region']}' are not reachable in this region ('{region}')")
    if match["account"] and match["account"] != account:
        raise Fault("AccessDeniedException", None)
    if len(name) > NAME_MAX:
        # Recorded: the text of a ValidationException under another code.
        violation = constraint(name, "functionName", f"Member must have length less than or equal to {NAME_MAX}")
        raise invalid(str(violation.message))
    derived = match["qualifier"]
    if derived is not None and qualifier is not None and derived != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    return FunctionReference(name, qualifier if qualifier is not None else derived, Names(name, account, region).function_arn)


def resolve(record: Record, reference: FunctionReference) -> Document:
    """Return the configuration that a reference means. Raises Fault "Function not found"."""
    qualifier = reference.qualifier
    if qualifier in (None, LATEST):
        return record.latest
    if qualifier not in record.aliases and qualifier not in record.versions:
        raise missing(f"Function not found: {reference.qualified_arn}")
    return record.configuration(str(qualifier))


def is_version(qualifier: str) -> bool:
    return qualifier == LATEST or qualifier.isdigit()


def is_alias_name(qualifier: str) -> bool:
    """Whether it could name an alias: letters, digits, - and _, but not only digits."""
    return re.fullmatch(r"(?!\d+$)[a-zA-Z0-9_-]+", qualifier) is not None
