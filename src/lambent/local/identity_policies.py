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
    statements = [statement for document in documents for statement in as_list(document.get("Statement"))]
    effects = {_effect(statement) for statement in statements if _applies(statement, action, resource)}
    return "Allow" in effects and "Deny" not in effects


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
    return any(matches(name, value) for name in names)


def _patterns(patterns: Any) -> list[str]:
    return [str(pattern) for pattern in as_list(patterns)]


def matches(pattern: str, value: str) -> bool:
    """Return whether a pattern of a policy matches: `*` stands for any characters, `?` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.DOTALL) is not None


def as_list(value: Any) -> list[Any]:
    """Return the values of an element of a policy, which may be left out, or be one value in place of a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
