"""IAM permissions of the function, in a short form or as IAM writes them.

permissions = [
  "s3:GetObject arn:aws:s3:::my-bucket/*",                                  # an action, a resource
  { actions = ["dynamodb:GetItem", "dynamodb:PutItem"], resources = ["arn:aws:dynamodb:*:*:table/visits"] },
  { Effect = "Deny", Action = "s3:DeleteObject", Resource = "*" },           # a statement of an IAM policy
]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lambent.config.settings import RawSetting

EXAMPLE = '["s3:GetObject arn:aws:s3:::my-bucket/*"]'
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def parse_permissions(setting: RawSetting) -> tuple[str, ...]:
    """Return each permission as the JSON text of a policy statement. Raises UsageError for an invalid one."""
    if not isinstance(setting.value, list):
        raise setting.refuse(f"permissions must be a list, got {setting.value!r}", EXAMPLE)
    return tuple(json.dumps(_parse_permission(entry, setting), sort_keys=True) for entry in setting.value)


def _parse_permission(entry: Any, setting: RawSetting) -> dict[str, Any]:
    if isinstance(entry, str):
        action, _, resource = entry.partition(" ")
        return _allow([action], [resource.strip()], entry, setting)
    if isinstance(entry, Mapping) and set(entry) <= {"actions", "resources"}:
        return _allow(entry.get("actions"), entry.get("resources"), entry, setting)
    if isinstance(entry, Mapping) and set(entry) <= _STATEMENT_KEYS and entry.get("Effect") in ("Allow", "Deny"):
        return dict(entry)
    raise setting.refuse(f"invalid permission: {entry!r}", EXAMPLE)


def _allow(actions: Any, resources: Any, entry: Any, setting: RawSetting) -> dict[str, Any]:
    for names in (actions, resources):
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise setting.refuse(f"a permission needs an action and a resource, got {entry!r}", EXAMPLE)
    for action in actions:
        if action != "*" and not _ACTION.fullmatch(action):
            raise setting.refuse(f"invalid IAM action: {action}", EXAMPLE)
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
