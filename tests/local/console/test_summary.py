"""Rows of the timeline: what an event was, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from lambent.local.console.summary import summarize
from support.executions import URL_EVENT, make_execution


def test_request_to_a_url() -> None:
    summary = summarize(make_execution(7, answer={"statusCode": 404}, init_ms=250.1234))
    assert (summary.kind, summary.method, summary.path, summary.status) == ("http", "GET", "/orders/7", 404)
    assert (summary.state, summary.alias, summary.version) == ("ok", "live", "3")
    assert (summary.duration_ms, summary.init_ms, summary.used_mb, summary.memory_mb) == (12.35, 250.12, 40, 128)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"httpMethod": "PUT", "path": "/x"}, ("http", "PUT", "/x")),  # API Gateway's REST APIs, ALB
        ({"Records": [{"eventSource": "aws:sqs"}]}, ("sqs", "", "")),
        ({"Records": [{"EventSource": "aws:sns"}]}, ("sns", "", "")),
        ({"source": "aws.events", "detail-type": "Scheduled Event"}, ("events", "", "")),
        ({"rawPath": 3, "requestContext": {"http": {"method": "GET"}}}, ("", "", "")),
        ({"Records": "none"}, ("", "", "")),
        ([1], ("", "", "")),
        (b"\xff{", ("", "", "")),
        (b"[" * 5000 + b"]" * 5000, ("", "", "")),
        (b"", ("", "", "")),
    ],
)
def test_what_an_event_is(event: object, expected: tuple[str, str, str]) -> None:
    summary = summarize(make_execution(event=event))
    assert (summary.kind, summary.method, summary.path) == expected


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"answer": {"statusCode": "418"}}, 418),
        ({"answer": "text"}, 200),
        ({"answer": {"no": "status"}}, 200),
        ({"answer": {"statusCode": "x"}}, 502),
        ({"answer": {"errorType": "Sandbox.Timedout"}, "error": "Sandbox.Timedout"}, 502),
        ({"answer": b"", "streamed": b'{"statusCode":201}' + b"\0" * 8 + b"body"}, 201),
        ({"answer": b"", "streamed": b"only a body"}, 200),
        ({"outcome": None, "refusal": "throttled"}, 0),
    ],
)
def test_http_status(changes: dict[str, Any], status: int) -> None:
    assert summarize(make_execution(**changes)).status == status


def test_how_it_ended() -> None:
    running = summarize(make_execution(ended_ms=0, outcome=None))
    assert (running.state, running.ended_ms) == ("running", 0)
    failed = summarize(make_execution(error="Sandbox.Timedout"))
    assert (failed.state, failed.error) == ("failed", "Sandbox.Timedout")
    refused = summarize(make_execution(outcome=None, refusal="python3.12 isn't on this machine"))
    assert (refused.state, refused.error) == ("refused", "python3.12 isn't on this machine")


def test_command_of_lambent_run() -> None:
    execution = make_execution(event={"command": ["python", "-c", "secret"], "environment": {}})
    assert summarize(execution).kind == ""
    invocation = replace(execution.invocation, client_context='{"custom": {"lambent": "run"}}')
    summary = summarize(replace(execution, invocation=invocation))
    assert (summary.kind, summary.path) == ("command", "python")


def test_long_paths_are_cut() -> None:
    assert len(summarize(make_execution(event={**URL_EVENT, "rawPath": "/" + "x" * 10_000})).path) == 300
