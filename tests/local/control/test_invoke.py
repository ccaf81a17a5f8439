"""Invoke: synchronous and asynchronous invocations, and refusals."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lambent.local.control.payload import check_json
from lambent.local.engine.invocation import EngineFault, Outcome, Throttled
from support.lambda_api import ACCOUNT, REGION, Api, body, error, refusal, serving
from support.waiting import eventually

TODAY = date(2026, 11, 23)
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path, TODAY) as running:
        yield running


def test_invoke_returns_the_log_and_errors(api: Api) -> None:
    api.create("f")
    answer = api.client.invoke(FunctionName="f", Payload=b'{"a": 1}', LogType="Tail")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-trace-id"] == api.engine.calls[-1][1].trace_id
    assert base64.b64decode(answer["LogResult"]) == f"START RequestId: {headers['x-amzn-requestid']}\n".encode()
    assert (answer["StatusCode"], answer["ExecutedVersion"], body(answer)) == (200, "$LATEST", {"a": 1})
    assert "FunctionError" not in answer
    assert "LogResult" not in api.client.invoke(FunctionName="f")
    api.engine.outcomes.append(Outcome(b'{"errorMessage":"x"}', "Unhandled", ""))
    assert api.client.invoke(FunctionName="f")["FunctionError"] == "Unhandled"


def test_invoke_of_an_alias_or_version(api: Api) -> None:
    api.create("f", Environment={"Variables": {"KEY": "1"}}, MemorySize=256)
    api.client.publish_version(FunctionName="f")
    api.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for name, arn in (
        ("f", f"{ARN}f"),
        ("f:live", f"{ARN}f:live"),
        (f"{ARN}f:1", f"{ARN}f:1"),
        ("f:$LATEST", f"{ARN}f:$LATEST"),
    ):
        context = base64.b64encode(b'{"client":{}}').decode()
        api.client.invoke(FunctionName=name, ClientContext=context)
        function, invocation = api.engine.calls[-1]
        assert (invocation.invoked_arn, invocation.payload, invocation.client_context) == (arn, b"{}", '{"client":{}}')
        assert function.arn == f"{ARN}f"
        assert (function.environment, function.memory_mb) == ((("KEY", "1"),), 256)
        assert (function.code / "handler.py").is_file()


def test_refusals_of_invoke(api: Api) -> None:
    api.create("f")
    invoke = api.client.invoke
    code, message = error(refusal(invoke, FunctionName="f", Payload=b"nope"))
    lead = "Could not parse request body into json: Could not parse payload into json: "
    assert (code, message.startswith(f"{lead}Unrecognized token 'nope': was expecting")) == (
        "InvalidRequestContentException",
        True,
    )
    status = refusal(invoke, FunctionName="f", Payload=b'"' + b"x" * 6291556 + b'"')
    assert error(status)[1] == "Request must be smaller than 6291556 bytes for the Invoke operation"
    assert status["ResponseMetadata"]["HTTPStatusCode"] == 413
    big = refusal(invoke, FunctionName="f", Payload=b'"' + b"x" * 1048576 + b'"', InvocationType="Event")
    assert error(big)[0] == "RequestTooLargeException"
    api.engine.outcomes.append(Throttled())
    throttled = refusal(invoke, FunctionName="f")
    assert (error(throttled), throttled["Reason"]) == (
        ("TooManyRequestsException", "Rate Exceeded."),
        "ConcurrentInvocationLimitExceeded",
    )
    api.engine.outcomes.append(EngineFault("python3.13 is not on this machine"))
    assert "python3.13 is not on this machine" in error(refusal(invoke, FunctionName="f"))[1]
    api.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    reason = refusal(invoke, FunctionName="f")["Reason"]
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_any_json_value_is_an_event() -> None:
    for payload in (b"null", b"1", b'"x"', b"[]", b' {"a": [1e3]} '):
        check_json(payload)


def wait_for_calls(api: Api, count: int) -> None:
    """Wait until the engine was called this many times and no asynchronous event is left."""
    eventually(lambda: len(api.engine.calls) >= count and not len(api.backend.tasks))


def test_failed_event_is_retried_twice_with_the_same_request_id(api: Api) -> None:
    assert api.backend.retry_delays == (60.0, 120.0)
    api.backend.retry_delays = (0.01, 0.01)
    api.create("f")
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    answer = api.client.invoke(FunctionName="f", InvocationType="Event")
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    wait_for_calls(api, 3)
    ids = {invocation.request_id for _, invocation in api.engine.calls}
    assert (len(api.engine.calls), ids) == (3, {answer["ResponseMetadata"]["RequestId"]})


def test_throttled_event_is_retried(api: Api) -> None:
    api.create("f")
    api.engine.outcomes.append(Throttled())
    api.client.invoke(FunctionName="f", InvocationType="Event")
    wait_for_calls(api, 2)
    assert len(api.engine.calls) == 2


@pytest.mark.parametrize("attempts", [0, 1])
def test_event_invoke_config_limits_the_retries(api: Api, attempts: int) -> None:
    api.backend.retry_delays = (0.01, 0.01)
    api.create("f")
    api.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts)
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    api.client.invoke(FunctionName="f", InvocationType="Event")
    wait_for_calls(api, 1 + attempts)
    assert len(api.engine.calls) == 1 + attempts


def test_event_that_is_too_old_is_not_retried(api: Api) -> None:
    api.backend.retry_delays = (0.2, 0.2)
    api.create("f")
    api.client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    record = api.store.get("us-east-1", "f")
    assert record is not None
    record.event_invoke["$LATEST"]["MaximumEventAgeInSeconds"] = 0.1  # AWS accepts no less than 60
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    api.client.invoke(FunctionName="f", InvocationType="Event")
    wait_for_calls(api, 1)
    assert len(api.engine.calls) == 1
