"""Invoke: at once (RequestResponse), in the background (Event) or not at all (DryRun)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import secrets
import time

from lambent.limits import ASYNC_PAYLOAD_MAX, PAYLOAD_MAX
from lambent.local.control.call import Call, resolve
from lambent.local.control.faults import Fault, conflict, invalid, missing, not_built
from lambent.local.control.payload import check_json
from lambent.local.control.rules import too_large
from lambent.local.control.target import Target
from lambent.local.engine.interface import EngineFault, Function, Invocation, Outcome, Throttled
from lambent.local.store import Document, NotFound, Record

log = logging.getLogger(__name__)
EVENT_AGE_MAX_S = 6 * 3600.0  # dg:invocation-async
BACKOFF_MAX_S = 300.0  # dg:invocation-async: throttled events are tried again after 1 second, rising to 5 minutes


async def invoke(call: Call) -> Document:
    target, params = call.target(), call.params
    if params.get("DurableExecutionName") or params.get("TenantId"):
        raise not_built("durable functions and tenants")
    record = call.record(target, f":{target.qualifier or '$LATEST'}")
    found = resolve(record, target)
    kind = params.get("InvocationType", "RequestResponse")
    payload: bytes = params.get("Payload") or b"{}"
    if len(payload) > PAYLOAD_MAX:
        raise too_large(PAYLOAD_MAX, "Invoke")
    if kind == "Event" and len(payload) > ASYNC_PAYLOAD_MAX:
        limit = f"(limit {ASYNC_PAYLOAD_MAX} bytes)"
        told = f"{len(payload)} byte payload is too large for the Event invocation type {limit}"
        raise Fault("RequestTooLargeException", told)
    check_json(payload)
    if found["State"] == "Pending":
        state = "The function is currently in the following state: Pending"
        raise conflict(f"The operation cannot be performed at this time. {state}")
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    trace_id = _trace_id(call)
    call.headers.append(("X-Amzn-Trace-Id", trace_id))
    invocation = Invocation(call.request_id, payload, target.full_arn, trace_id, _client_context(params))
    if kind == "Event":
        call.parts.start(_in_background(call, record, target, invocation))
        return {"StatusCode": 202, "Payload": b""}
    return await _at_once(call, record, target, invocation)


async def _at_once(call: Call, record: Record, target: Target, invocation: Invocation) -> Document:
    function = _route(call, record, target)
    try:
        outcome = await _run(call, record, function, invocation)
    except Throttled:
        reserved = "Reserved" if record.reserved is not None else ""
        reason = f"{reserved}{'Function' if reserved else ''}ConcurrentInvocationLimitExceeded"
        raise Fault("TooManyRequestsException", "Rate Exceeded.", Reason=reason) from None
    except EngineFault as broken:
        # Not AWS's InvalidRuntimeException: that is a 502, which SDKs try again four times before anybody sees the reason.
        raise invalid(str(broken)) from broken
    answer: Document = {"StatusCode": 200, "ExecutedVersion": function.version, "Payload": outcome.payload}
    if outcome.function_error:
        answer["FunctionError"] = outcome.function_error
    if call.params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(outcome.log_tail.encode()).decode()
    return answer


async def _run(call: Call, record: Record, function: Function, invocation: Invocation) -> Outcome:
    running = call.parts.running
    if record.reserved is not None and running[record.arn] >= record.reserved:
        raise Throttled
    running[record.arn] += 1
    try:
        return await call.parts.engine.invoke(function, invocation)
    finally:
        running[record.arn] -= 1


def _route(call: Call, record: Record, target: Target) -> Function:
    try:
        return call.store.route(record.region, record.name, target.key)
    except NotFound:
        raise missing(f"Function not found: {target.full_arn}") from None


async def _in_background(call: Call, record: Record, target: Target, invocation: Invocation) -> None:
    """An asynchronous event: two more tries after a failure, patience while throttled, the same request id throughout."""
    started, backoff, tries = time.monotonic(), 1.0, 0
    while time.monotonic() - started < EVENT_AGE_MAX_S:
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
        if not outcome.function_error or tries >= len(call.parts.retry_delays):
            return
        await asyncio.sleep(call.parts.retry_delays[tries])
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
