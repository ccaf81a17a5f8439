"""CloudWatch Logs: the function's log group."""

from __future__ import annotations

from typing import Any

from lambent.aws.client import AwsClient
from lambent.aws.error_codes import ABSENT
from lambent.aws.values import LogEvent, LogGroup, Pairs
from lambent.errors import AwsError


class BotoLogs(AwsClient):
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

    def log_events(
        self, group: str, stream_prefix: str, since_ms: int, pattern: str = "", events_max: int | None = None
    ) -> tuple[LogEvent, ...]:
        params: dict[str, Any] = {"logGroupName": group, "startTime": since_ms}
        if stream_prefix:
            params["logStreamNamePrefix"] = stream_prefix
        if pattern:
            params["filterPattern"] = pattern
        events: list[LogEvent] = []
        try:
            for page in self._pages("logs", "filter_log_events", **params):  # an empty page need not be the last
                parsed = map(_event, page.get("events", ()))
                events += (event for event in parsed if event.stream.startswith(stream_prefix))  # moto 5.2 reads all streams
                if events_max is not None and len(events) >= events_max:
                    break
        except AwsError as error:
            if error.code not in ABSENT:
                raise
        return tuple(events[:events_max])


def _event(raw: dict[str, Any]) -> LogEvent:
    return LogEvent(raw["eventId"], raw["logStreamName"], raw["timestamp"], raw["message"])
