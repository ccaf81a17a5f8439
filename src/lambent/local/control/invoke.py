"""Invoke, as RequestResponse, Event (asynchronous) or DryRun, and InvokeWithResponseStream."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lambent.limits import ASYNC_PAYLOAD_MAX, PAYLOAD_MAX
from lambent.local import json_input
from lambent.local.control import event_stream
from lambent.local.control.configuration_rules import check_active, too_large
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, invalid, missing, not_supported
from lambent.local.control.payload import check_json
from lambent.local.control.reference import FunctionReference, resolve
from lambent.local.engine.invocation import EngineFault, Function, Invocation, Throttled
from lambent.local.store import LATEST, Document, NotFound, Record

log = logging.getLogger(__name__)
EVENT_AGE_MAX_S = 6 * 3600.0  # dg:invocation-async
BACKOFF_MAX_S = 300.0  # dg:invocation-async: throttled events are retried after 1 second, rising to 5 minutes


class _InvokeRequest:
    """One request to invoke a function: its record, its reference, and the event (None for a dry run)."""

    def __init__(self, context: RequestContext, operation: str) -> None:
        self.context = context
        self.engine = context.backend.engine
        self.reference = context.reference()
        self.record = context.record(self.reference, f":{self.reference.qualifier or LATEST}")
        self.invocation = _invocation(context, self.record, self.reference, operation)

    def route(self) -> Function:
        """Return the version that answers this request. Raises Fault if there is none."""
        try:
            return self.context.store.route(self.record.region, self.record.name, self.reference.key)
        except NotFound:
            raise missing(f"Function not found: {self.reference.qualified_arn}") from None


async def invoke(context: RequestContext) -> Document:
    request = _InvokeRequest(context, "Invoke")
    if request.invocation is None:
        return {"StatusCode": 204, "Payload": b""}
    if context.params.get("InvocationType") == "Event":
        context.backend.tasks.start(_run_event(request, request.invocation))
        return {"StatusCode": 202, "Payload": b""}
    function = request.route()
    with _aws_refusals(request.record):
        outcome = await request.engine.invoke(function, request.invocation)
    members: Document = {"StatusCode": 200, "ExecutedVersion": function.version, "Payload": outcome.payload}
    if outcome.function_error:
        members["FunctionError"] = outcome.function_error
    if context.params.get("LogType") == "Tail":
        members["LogResult"] = base64.b64encode(outcome.log_tail.encode()).decode()
    return members


async def invoke_with_response_stream(context: RequestContext) -> Document:
    """Answer in event-stream frames, each sent as soon as the function has produced it."""
    request = _InvokeRequest(context, "InvokeWithResponseStream")
    if request.invocation is None:
        return {"StatusCode": 204}
    function = request.route()
    with _aws_refusals(request.record):
        stream = await request.engine.stream(function, request.invocation)
    frames = event_stream.frames(stream, tail=context.params.get("LogType") == "Tail")
    return {"StatusCode": 200, "ExecutedVersion": function.version, "EventStream": frames}


def _invocation(context: RequestContext, record: Record, reference: FunctionReference, operation: str) -> Invocation | None:
    """Return the requested invocation, or None for a dry run. Raises Fault for what AWS refuses."""
    params, configuration = context.params, resolve(record, reference)
    if params.get("DurableExecutionName") or params.get("TenantId"):
        raise not_supported("durable functions and tenants")
    invocation_type = params.get("InvocationType", "RequestResponse")
    payload: bytes = params.get("Payload") or b"{}"
    if len(payload) > PAYLOAD_MAX:
        raise too_large(PAYLOAD_MAX, operation)
    if invocation_type == "Event" and len(payload) > ASYNC_PAYLOAD_MAX:
        limit = f"(limit {ASYNC_PAYLOAD_MAX} bytes)"
        text = f"{len(payload)} byte payload is too large for the Event invocation type {limit}"
        raise Fault("RequestTooLargeException", text)
    check_json(payload)
    check_active(configuration)
    if invocation_type == "DryRun":
        return None
    trace_id = _trace_id(context)
    context.response_headers.append(("X-Amzn-Trace-Id", trace_id))
    return Invocation(context.request_id, payload, reference.qualified_arn, trace_id, _client_context(params))


@contextmanager
def _aws_refusals(record: Record) -> Iterator[None]:
    """Translate the engine's refusals into AWS's."""
    try:
        yield
    except Throttled:
        prefix = "ReservedFunction" if record.reserved is not None else ""
        reason = f"{prefix}ConcurrentInvocationLimitExceeded"
        raise Fault("TooManyRequestsException", "Rate Exceeded.", Reason=reason) from None
    except EngineFault as fault:
        # Not AWS's InvalidRuntimeException: that is a 502, which SDKs retry four times before they show the reason.
        raise invalid(str(fault)) from fault


async def _run_event(request: _InvokeRequest, invocation: Invocation) -> None:
    """Run an asynchronous event: retry it twice after failures, wait while throttled, and keep its request id throughout.

    The function's event invoke configuration may lower the number of retries and the event's maximum age.
    """
    config = request.record.event_invoke.get(request.reference.key or LATEST, {})
    delays = request.context.backend.retry_delays[: config.get("MaximumRetryAttempts", 2)]
    age_max_s = config.get("MaximumEventAgeInSeconds", EVENT_AGE_MAX_S)
    started, backoff, retries = time.monotonic(), 1.0, 0
    while time.monotonic() - started < age_max_s:
        try:
            outcome = await request.engine.invoke(request.route(), invocation)
        except Throttled:
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, BACKOFF_MAX_S)
            continue
        except Fault:
            return  # the function has been deleted
        except EngineFault as fault:
            log.error("event %s for %s can't run: %s", invocation.request_id, request.reference.qualified_arn, fault)
            return
        if not outcome.function_error or retries >= len(delays):
            return
        await asyncio.sleep(delays[retries])
        retries += 1


def _trace_id(context: RequestContext) -> str:
    header = context.request.header("x-amzn-trace-id")
    return header or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"


def _client_context(params: Document) -> str:
    encoded = params.get("ClientContext")
    if not encoded:
        return ""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
        json_input.loads(text)
    except (binascii.Error, ValueError):
        raise Fault("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.") from None
    return text
