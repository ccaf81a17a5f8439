"""StartLiveTail as boto3 sees it: what is logged arrives, of the right groups and streams only."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config

from support.local_service import Service
from support.waiting import eventually

GROUP_ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{}"


def start(service: Service, name: str, **filters: Any) -> Any:
    """Return the events of a session that has begun."""
    import boto3

    keys = {"aws_access_key_id": "lambent", "aws_secret_access_key": "lambent"}
    config = Config(inject_host_prefix=False, retries={"total_max_attempts": 1})
    logs = boto3.client("logs", "us-east-1", endpoint_url=service.url, config=config, **keys)
    stream = iter(logs.start_live_tail(logGroupIdentifiers=[GROUP_ARN.format(name)], **filters)["responseStream"])
    assert "sessionStart" in next(stream)
    assert next(stream)["sessionUpdate"]["sessionResults"] == []
    return stream


def messages(stream: Any, last: str) -> list[str]:
    """Return what is logged up to a line that begins with `last`."""
    logged: list[str] = []
    while not any(message.startswith(last) for message in logged):
        logged += [event["message"] for event in next(stream)["sessionUpdate"]["sessionResults"]]
    return logged


def test_lines_arrive_as_they_are_logged(service: Service) -> None:
    client = service.client("lambda")
    for name in ("one", "two"):
        service.function(name, "def handler(event, context):\n    print('says', event)\n")
        client.invoke(FunctionName=name, Payload=b'"before"')
    eventually(lambda: service.client("logs").filter_log_events(logGroupName="/aws/lambda/one")["events"])
    stream = start(service, "one")
    client.invoke(FunctionName="two", Payload=b'"no"')
    client.invoke(FunctionName="one", Payload=b'"yes"')
    logged = messages(stream, "REPORT")
    assert [line.split(" ")[0] for line in logged] == ["START", "says", "END", "REPORT"] and "says yes" in logged


def test_filters(service: Service) -> None:
    service.function("three", "def handler(event, context):\n    print('says', event)\n")
    client = service.client("lambda")
    client.invoke(FunctionName="three", Payload=b'"x"')
    eventually(lambda: service.client("logs").filter_log_events(logGroupName="/aws/lambda/three")["events"])
    stream = start(service, "three", logEventFilterPattern="says")
    client.invoke(FunctionName="three", Payload=b'"yes"')
    assert messages(stream, "says") == ["says yes"]


def test_what_aws_refuses_is_refused(service: Service) -> None:
    with pytest.raises(Exception, match="Only one of logStreamNames or logStreamNamePrefixes"):
        start(service, "x", logStreamNames=["a"], logStreamNamePrefixes=["b"])
