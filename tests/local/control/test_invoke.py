"""Invoke: at once, in the background, and what is refused."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from lambent.local.control.payload import check_json
from lambent.local.engine.invocation import EngineFault, Outcome, Throttled
from support.lambda_api import ACCOUNT, REGION, Api, body, error, refusal, serving

TODAY = date(2026, 11, 23)
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path, TODAY) as running:
        yield running


def test_invoke_with_the_log(api: Api) -> None:
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


def test_invoke_by_qualifier(api: Api) -> None:
    api.create("f", Environment={"Variables": {"KEY": "1"}}, MemorySize=256)
    api.client.publish_version(FunctionName="f")
    api.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for asked, arn in (
        ("f", f"{ARN}f"),
        ("f:live", f"{ARN}f:live"),
        (f"{ARN}f:1", f"{ARN}f:1"),
        ("f:$LATEST", f"{ARN}f:$LATEST"),
    ):
        context = base64.b64encode(b'{"client":{}}').decode()
        api.client.invoke(FunctionName=asked, ClientContext=context)
        function, invocation = api.engine.calls[-1]
        assert (invocation.invoked_arn, invocation.payload, invocation.client_context) == (arn, b"{}", '{"client":{}}')
        assert function.arn == f"{ARN}f"
        assert (function.environment, function.memory_mb) == ((("KEY", "1"),), 256)
        assert (function.code / "handler.py").is_file()


def test_invoke_refusals(api: Api) -> None:
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
    refused = refusal(invoke, FunctionName="f")
    assert (error(refused), refused["Reason"]) == (
        ("TooManyRequestsException", "Rate Exceeded."),
        "ConcurrentInvocationLimitExceeded",
    )
    api.engine.outcomes.append(EngineFault("python3.13 is not on this machine"))
    assert "python3.13 is not on this machine" in error(refusal(invoke, FunctionName="f"))[1]
    api.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    reason = refusal(invoke, FunctionName="f")["Reason"]
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_json_is_json() -> None:
    for payload in (b"null", b"1", b'"x"', b"[]", b' {"a": [1e3]} '):
        check_json(payload)


def until(api: Api, calls: int) -> None:
    async def wait() -> None:
        while len(api.engine.calls) < calls or api.backend.tasks:
            await asyncio.sleep(0.01)

    asyncio.run_coroutine_threadsafe(asyncio.wait_for(wait(), 10), api.loop).result()


def test_events_are_tried_three_times_with_one_request_id(api: Api) -> None:
    assert api.backend.retry_delays == (60.0, 120.0)
    api.backend.retry_delays = (0.01, 0.01)
    api.create("f")
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    answer = api.client.invoke(FunctionName="f", InvocationType="Event")
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    until(api, 3)
    ids = {invocation.request_id for _, invocation in api.engine.calls}
    assert (len(api.engine.calls), ids) == (3, {answer["ResponseMetadata"]["RequestId"]})


def test_a_throttled_event_waits(api: Api) -> None:
    api.create("f")
    api.engine.outcomes.append(Throttled())
    api.client.invoke(FunctionName="f", InvocationType="Event")
    until(api, 2)
    assert len(api.engine.calls) == 2


@pytest.mark.parametrize("attempts", [0, 1])
def test_fewer_tries_where_the_function_says_so(api: Api, attempts: int) -> None:
    api.backend.retry_delays = (0.01, 0.01)
    api.create("f")
    api.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts)
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    api.client.invoke(FunctionName="f", InvocationType="Event")
    until(api, 1 + attempts)
    assert len(api.engine.calls) == 1 + attempts


def test_an_event_that_is_too_old_is_not_tried_again(api: Api) -> None:
    api.backend.retry_delays = (0.2, 0.2)
    api.create("f")
    api.client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    record = api.store.get("us-east-1", "f")
    assert record is not None
    record.event_invoke["$LATEST"]["MaximumEventAgeInSeconds"] = 0.1  # AWS takes no less than 60
    api.engine.outcomes += [Outcome(b"{}", "Unhandled", "")] * 5
    api.client.invoke(FunctionName="f", InvocationType="Event")
    until(api, 1)
    assert len(api.engine.calls) == 1
