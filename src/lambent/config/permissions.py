"""What the function may do in AWS: statements of an IAM policy, from the short form or IAM's own. Pure.

permissions = [
  "s3:GetObject arn:aws:s3:::my-bucket/*",                                  # an action, a resource
  { actions = ["dynamodb:GetItem", "dynamodb:PutItem"], resources = ["arn:aws:dynamodb:*:*:table/visits"] },
  { Effect = "Deny", Action = "s3:DeleteObject", Resource = "*" },           # a statement as IAM writes it
]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lambent.config.settings import Given

EXAMPLE = '["s3:GetObject arn:aws:s3:::my-bucket/*"]'
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_IAM = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def statements(given: Given) -> tuple[str, ...]:
    """Each as JSON text. Raises UsageError for what is no permission."""
    if not isinstance(given.value, list):
        raise given.refuse(f"permissions must be a list, got {given.value!r}", EXAMPLE)
    return tuple(json.dumps(_statement(each, given), sort_keys=True) for each in given.value)


def _statement(raw: Any, given: Given) -> dict[str, Any]:
    if isinstance(raw, str):
        action, _, resource = raw.partition(" ")
        return _allow([action], [resource.strip()], raw, given)
    if isinstance(raw, Mapping) and set(raw) <= {"actions", "resources"}:
        return _allow(raw.get("actions"), raw.get("resources"), raw, given)
    if isinstance(raw, Mapping) and set(raw) <= _IAM and raw.get("Effect") in ("Allow", "Deny"):
        return dict(raw)
    raise given.refuse(f"not a permission: {raw!r}", EXAMPLE)


def _allow(actions: Any, resources: Any, raw: Any, given: Given) -> dict[str, Any]:
    for each in (actions, resources):
        if not isinstance(each, list) or not each or not all(isinstance(text, str) and text for text in each):
            raise given.refuse(f"a permission is an action and a resource, got {raw!r}", EXAMPLE)
    wrong = [action for action in actions if action != "*" and not _ACTION.fullmatch(action)]
    if wrong:
        raise given.refuse(f"not an action of AWS: {wrong[0]}", EXAMPLE)
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
