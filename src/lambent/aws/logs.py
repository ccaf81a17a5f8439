"""CloudWatch Logs: the function's log group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import urllib3.exceptions

from lambent.aws.client import BOTOCORE_ERRORS, AwsClient
from lambent.aws.error_codes import ABSENT, SAMPLED
from lambent.aws.values import LogEvent, LogGroup, LogSpan, Pairs
from lambent.errors import AwsError


class BotoLogs(AwsClient):
    """Implements `Logs`."""

    def log_group(self, name: str) -> LogGroup | None:
        answer = self._call("logs", "describe_log_groups", logGroupNamePrefix=name)  # the exact name sorts first
        for group in answer.get("logGroups", ()):
            if group["logGroupName"] == name:
                arn = group.get("logGroupArn") or group.get("arn", "").removesuffix(":*")
                return LogGroup(name, group.get("retentionInDays"), arn)
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

    def log_events(self, group: str, stream_prefix: str, since_ms: int, pattern: str = "") -> tuple[LogEvent, ...]:
        params: dict[str, Any] = {"logGroupName": group, "startTime": since_ms}
        if stream_prefix:
            params["logStreamNamePrefix"] = stream_prefix
        if pattern:
            params["filterPattern"] = pattern
        events: list[LogEvent] = []
        try:
            for page in self._pages("logs", "filter_log_events", **params):
                parsed = map(_event, page.get("events", ()))
                events += (event for event in parsed if event.stream.startswith(stream_prefix))  # moto 5.2 reads all streams
        except AwsError as error:
            if error.code not in ABSENT:
                raise
        return tuple(events)

    def log_pages(self, group: str, span: LogSpan, pattern: str = "", stream: str = "") -> Iterator[tuple[LogEvent, ...]]:
        params: dict[str, Any] = {"logGroupName": group, "startTime": max(span.since_ms, 0)}
        params |= {"endTime": span.until_ms} if span.until_ms is not None else {}
        params |= {"filterPattern": pattern} if pattern else {}
        params |= {"logStreamNames": [stream]} if stream else {}
        for page in self._pages("logs", "filter_log_events", **params):
            yield tuple(_event(raw) for raw in page.get("events", ()))

    def live_tail(self, group_arn: str) -> Iterator[tuple[LogEvent, ...]]:
        answer = self._call("logs", "start_live_tail", logGroupIdentifiers=[group_arn])
        return self._live_events(answer["responseStream"])

    def _live_events(self, stream: Any) -> Iterator[tuple[LogEvent, ...]]:
        try:
            with closing(stream):
                for message in stream:
                    if "sessionUpdate" not in message:
                        continue
                    update = message["sessionUpdate"]
                    if update.get("sessionMetadata", {}).get("sampled"):
                        raise AwsError("there is more than a live log shows", code=SAMPLED, operation="StartLiveTail")
                    yield tuple(_live_event(raw) for raw in update.get("sessionResults", ()))
        except (*BOTOCORE_ERRORS, urllib3.exceptions.HTTPError) as error:  # among them the end of a session after three hours
            raise AwsError(f"the live log ended: {error}", operation="StartLiveTail") from error


def _live_event(raw: dict[str, Any]) -> LogEvent:
    return LogEvent("", raw["logStreamName"], raw["timestamp"], raw["message"])


def _event(raw: dict[str, Any]) -> LogEvent:
    return LogEvent(raw["eventId"], raw["logStreamName"], raw["timestamp"], raw["message"])
