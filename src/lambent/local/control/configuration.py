"""From the store's configurations to AWS's answers. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lambent.local.control.faults import invalid
from lambent.local.store import Document

ONE_PAGE = 50  # AWS's page size for functions, versions, aliases and URLs
NOT_LISTED = frozenset(
    [
        "RuntimeVersionConfig",
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
    ]
)
Item = TypeVar("Item")


def configuration(document: Document, arn: str) -> Document:
    """A FunctionConfiguration under the ARN it was asked by. Members starting with "_" are the store's own."""
    shown = {member: value for member, value in document.items() if not member.startswith("_")}
    return {**shown, "FunctionArn": arn}


def listed(document: Document, arn: str) -> Document:
    """The same as lists show it: without its state."""
    return {member: value for member, value in configuration(document, arn).items() if member not in NOT_LISTED}


def page(items: Sequence[Item], params: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], Document]:
    """One page and its NextMarker. The marker holds the last name shown, so that pages survive changes between them."""
    start = 0
    if marker := params.get("Marker"):
        try:
            last = base64.b64decode(marker, validate=True).decode()
            start = 1 + [name(item) for item in items].index(last)
        except ValueError:
            raise invalid("Invalid marker") from None
    end = start + min(params.get("MaxItems", ONE_PAGE), ONE_PAGE)
    shown = list(items[start:end])
    more = {"NextMarker": base64.b64encode(name(shown[-1]).encode()).decode()} if end < len(items) else {}
    return shown, more
