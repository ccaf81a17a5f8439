"""CloudWatch Logs: the function's log group."""

from __future__ import annotations

from typing import Any

from lambent.aws.border import Border
from lambent.aws.interface import LogGroup, Pairs


class BotoLogs(Border):
    """Implements `Logs`."""

    def log_group(self, name: str) -> LogGroup | None:
        answer = self._call("logs", "describe_log_groups", logGroupNamePrefix=name)  # the exact name sorts first
        for group in answer.get("logGroups", ()):
            if group["logGroupName"] == name:
                return LogGroup(name, group.get("retentionInDays"))
        return None

    def create_log_group(self, name: str, tags: Pairs) -> None:
        self._call("logs", "create_log_group", logGroupName=name, tags=dict(tags))

    def set_retention(self, name: str, days: int | None) -> None:
        if days is None:
            self._call("logs", "delete_retention_policy", logGroupName=name)
        else:
            self._call("logs", "put_retention_policy", logGroupName=name, retentionInDays=days)

    def delete_log_group(self, name: str) -> None:
        self._find("logs", "delete_log_group", logGroupName=name)

    def log_lines(self, group: str, stream_prefix: str, since_ms: int, pattern: str = "", most: int = 100) -> tuple[str, ...]:
        told: dict[str, Any] = {"logGroupName": group, "startTime": since_ms, "limit": most}
        if stream_prefix:
            told["logStreamNamePrefix"] = stream_prefix
        if pattern:
            told["filterPattern"] = pattern
        answer = self._find("logs", "filter_log_events", **told) or {}
        return tuple(event["message"] for event in answer.get("events", ()))
