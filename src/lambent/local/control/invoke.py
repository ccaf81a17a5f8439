"""Invoke: at once (RequestResponse), in the background (Event) or not at all (DryRun). And InvokeWithResponseStream."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lambent.limits import ASYNC_PAYLOAD_MAX, PAYLOAD_MAX
from lambent.local.control import event_stream
from lambent.local.control.configuration_rules import too_large
from lambent.local.control.context import Call, resolve
from lambent.local.control.faults import Fault, conflict, invalid, missing, not_built
from lambent.local.control.payload import check_json
from lambent.local.control.reference import Target
from lambent.local.engine.invocation import EngineFault, Function, Invocation, Outcome, Throttled
from lambent.local.store import LATEST, Document, NotFound, Record

log = logging.getLogger(__name__)
EVENT_AGE_MAX_S = 6 * 3600.0  # dg:invocation-async
BACKOFF_MAX_S = 300.0  # dg:invocation-async: throttled events are tried again after 1 second, rising to 5 minutes


async def invoke(call: Call) -> Document:
    target = call.target()
    record = call.record(target, f":{target.qualifier or '$LATEST'}")
    invocation = _prepare(call, record, target, "Invoke")
    if invocation is None:
        return {"StatusCode": 204, "Payload": b""}
    if call.params.get("InvocationType") == "Event":
        call.parts.start(_in_background(call, record, target, invocation))
        return {"StatusCode": 202, "Payload": b""}
    return await _at_once(call, record, target, invocation)


async def invoke_with_response_stream(call: Call) -> Document:
    """The answer in event-stream frames, each as soon as the function has sent it."""
    target = call.target()
    record = call.record(target, f":{target.qualifier or '$LATEST'}")
    invocation = _prepare(call, record, target, "InvokeWithResponseStream")
    if invocation is None:
        return {"StatusCode": 204}
    function = _route(call, record, target)
    with _refusals(record):
        _enter(call, record)
    try:
        with _refusals(record):
            stream = await call.parts.engine.stream(function, invocation)
    except BaseException:
        _leave(call, record)
        raise
    stream.when_ended(lambda: _leave(call, record))
    frames = event_stream.frames(stream, tail=call.params.get("LogType") == "Tail")
    return {"StatusCode": 200, "ExecutedVersion": function.version, "EventStream": frames}


def _prepare(call: Call, record: Record, target: Target, operation: str) -> Invocation | None:
    """The invocation that is asked for; None for a dry run. Raises Fault for what AWS refuses."""
    params, found = call.params, resolve(record, target)
    if params.get("DurableExecutionName") or params.get("TenantId"):
        raise not_built("durable functions and tenants")
    kind = params.get("InvocationType", "RequestResponse")
    payload: bytes = params.get("Payload") or b"{}"
    if len(payload) > PAYLOAD_MAX:
        raise too_large(PAYLOAD_MAX, operation)
    if kind == "Event" and len(payload) > ASYNC_PAYLOAD_MAX:
        limit = f"(limit {ASYNC_PAYLOAD_MAX} bytes)"
        told = f"{len(payload)} byte payload is too large for the Event invocation type {limit}"
        raise Fault("RequestTooLargeException", told)
    check_json(payload)
    if found["State"] == "Pending":
        state = "The function is currently in the following state: Pending"
        raise conflict(f"The operation cannot be performed at this time. {state}")
    if kind == "DryRun":
        return None
    trace_id = _trace_id(call)
    call.headers.append(("X-Amzn-Trace-Id", trace_id))
    return Invocation(call.request_id, payload, target.full_arn, trace_id, _client_context(params))


@contextmanager
def _refusals(record: Record) -> Iterator[None]:
    """The engine's refusals in AWS's words."""
    try:
        yield
    except Throttled:
        reserved = "Reserved" if record.reserved is not None else ""
        reason = f"{reserved}{'Function' if reserved else ''}ConcurrentInvocationLimitExceeded"
        raise Fault("TooManyRequestsException", "Rate Exceeded.", Reason=reason) from None
    except EngineFault as broken:
        # Not AWS's InvalidRuntimeException: that is a 502, which SDKs try again four times before anybody sees the reason.
        raise invalid(str(broken)) from broken


async def _at_once(call: Call, record: Record, target: Target, invocation: Invocation) -> Document:
    function = _route(call, record, target)
    with _refusals(record):
        outcome = await _run(call, record, function, invocation)
    answer: Document = {"StatusCode": 200, "ExecutedVersion": function.version, "Payload": outcome.payload}
    if outcome.function_error:
        answer["FunctionError"] = outcome.function_error
    if call.params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(outcome.log_tail.encode()).decode()
    return answer


async def _run(call: Call, record: Record, function: Function, invocation: Invocation) -> Outcome:
    _enter(call, record)
    try:
        return await call.parts.engine.invoke(function, invocation)
    finally:
        _leave(call, record)


def _enter(call: Call, record: Record) -> None:
    if record.reserved is not None and call.parts.running[record.arn] >= record.reserved:
        raise Throttled
    call.parts.running[record.arn] += 1


def _leave(call: Call, record: Record) -> None:
    call.parts.running[record.arn] -= 1


def _route(call: Call, record: Record, target: Target) -> Function:
    try:
        return call.store.route(record.region, record.name, target.key)
    except NotFound:
        raise missing(f"Function not found: {target.full_arn}") from None


async def _in_background(call: Call, record: Record, target: Target, invocation: Invocation) -> None:
    """An asynchronous event: two more tries after a failure, patience while throttled, the same request id throughout.

    The function's event invoke configuration may say less of both.
    """
    config = record.event_invoke.get(target.key or LATEST, {})
    delays = call.parts.retry_delays[: config.get("MaximumRetryAttempts", 2)]
    age_s = config.get("MaximumEventAgeInSeconds", EVENT_AGE_MAX_S)
    started, backoff, tries = time.monotonic(), 1.0, 0
    while time.monotonic() - started < age_s:
        try:
            outcome = await _run(call, record, _route(call, record, target), invocation)
        except Throttled:
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, BACKOFF_MAX_S)
            continue
        except Fault:
            return  # the function was deleted meanwhile
        except EngineFault as broken:
            log.error("event %s for %s cannot run: %s", invocation.request_id, target.full_arn, broken)
            return
        if not outcome.function_error or tries >= len(delays):
            return
        await asyncio.sleep(delays[tries])
        tries += 1


def _trace_id(call: Call) -> str:
    given = call.request.headers.get("x-amzn-trace-id")
    return given or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


def _client_context(params: Document) -> str:
    given = params.get("ClientContext")
    if not given:
        return ""
    try:
        text = base64.b64decode(given, validate=True).decode()
        json.loads(text)
    except (binascii.Error, ValueError):
        raise Fault("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.") from None
    return text
