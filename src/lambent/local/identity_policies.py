"""Do the policies of a user or role allow an action? Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html, without the conditions of requests
that aren't known here: a condition is taken to hold for Allow, and not to hold for Deny.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]


def allows(documents: Iterable[Document], action: str, resource: str | None) -> bool:
    """Return whether a statement allows the action and none denies it.

    `resource` None: it isn't known. Then Allow counts whatever its resource is, and Deny only if it is for everything.
    """
    statements = [statement for document in documents for statement in _statements(document)]
    effects = {_effect(statement) for statement in statements if _applies(statement, action, resource)}
    return "Allow" in effects and "Deny" not in effects


def _statements(document: Document) -> list[Document]:
    statements = document.get("Statement") or []
    return statements if isinstance(statements, list) else [statements]


def _effect(statement: Document) -> str:
    return str(statement.get("Effect"))


def _applies(statement: Document, action: str, resource: str | None) -> bool:
    denies = _effect(statement) == "Deny"
    if denies and statement.get("Condition"):
        return False
    if not _includes(statement, "Action", action.lower()):
        return False
    if resource is None:
        return not denies or "*" in _patterns(statement.get("Resource"))
    return _includes(statement, "Resource", resource)


def _includes(statement: Document, element: str, value: str) -> bool:
    if f"Not{element}" in statement:
        return not _matches(statement[f"Not{element}"], value, element)
    return _matches(statement.get(element), value, element)


def _matches(patterns: Any, value: str, element: str) -> bool:
    names = [pattern.lower() if element == "Action" else pattern for pattern in _patterns(patterns)]
    return any(re.fullmatch(_expression(name), value, re.DOTALL) for name in names)


def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _patterns(patterns: Any) -> list[str]:
    return [str(pattern) for pattern in patterns] if isinstance(patterns, list) else [] if patterns is None else [str(patterns)]
