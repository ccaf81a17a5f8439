"""A Function URL's front door: who may come in, what the function sees, what the client gets."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from datetime import UTC, date, datetime
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from lambent.limits import PAYLOAD_MAX
from lambent.local.engine.invocation import EngineFault, Function, Invocation, Throttled
from lambent.local.front import authorization, cors, response, signature, streamed_response
from lambent.local.front.event import Arrival, encode, make_event
from lambent.local.front.interface import Caller, Callers, Invoker, Reply, Request, Url, Urls

log = logging.getLogger("lambent.front")

_TRACE = re.compile(r"(?i)\bRoot=(1-[0-9a-f]{8}-[0-9a-f]{24})")
_SAY_AGAIN_S = 5.0
"""A refusal is explained once in this many seconds for one URL: a load test must not fill the log."""

_STREAM_IT = "answers of any size go through with stream = true in [tool.lambent]"


class Settings(Struct, frozen=True):
    """`endpoint` is the service's address for clients, as in "http://127.0.0.1:4580"."""

    port: int
    endpoint: str
    as_of: date


class Front:
    """Answers requests to Function URLs."""

    def __init__(self, urls: Urls, engine: Invoker, callers: Callers, settings: Settings) -> None:
        self._urls = urls
        self._engine = engine
        self._callers = callers
        self._settings = settings
        self._explained: dict[tuple[str, tuple[str, ...]], float] = {}

    async def answer(self, url_id: str, request: Request) -> Reply:
        """The answer to one request; refusals are answers too."""
        url = self._urls.url(url_id)
        if url is None:
            return response.unknown_url()
        rules = url.cors or {}
        if rules and cors.is_preflight(request):
            return cors.preflight(rules, request)
        answered = await self._admit(url, request)
        if rules:
            answered = replace(answered, headers=(*answered.headers, *cors.ordinary(rules, request)))
        return answered

    async def _admit(self, url: Url, request: Request) -> Reply:
        caller = None
        if url.auth_type == "AWS_IAM":
            try:
                caller = await self._identify(url, request)
            except signature.BadSignature as bad:
                headers = (("content-type", "application/json"), ("x-amzn-ErrorType", "InvalidSignatureException"))
                return Reply(403, headers, response.compact({"message": str(bad)}).encode())
        attempt = authorization.Attempt(_arn(url), url.auth_type, url.account, caller)
        missing = self._missing(url, attempt)
        if missing:
            self._explain(url, missing, caller)
            return response.forbidden()
        try:
            function = self._urls.route(url.region, url.function, url.qualifier)
        except LookupError:
            return response.forbidden()  # the alias is gone; its URL and policy remain [recorded]
        return await self._invoke(url, function, request, caller)

    def _missing(self, url: Url, attempt: authorization.Attempt) -> tuple[str, ...]:
        try:
            statements = self._urls.policy(url.region, url.function, url.qualifier)
        except LookupError:
            statements = ()
        return authorization.missing_actions(statements, attempt, self._settings.as_of)

    async def _identify(self, url: Url, request: Request) -> Caller | None:
        signed = signature.read(request)
        if signed is None:
            return None
        caller = await self._callers.caller(signed.access_key, signed.session_token)
        if caller is None:
            raise signature.BadSignature("The security token included in the request is invalid.")
        signature.verify(request, signed, caller.secret, url.region, datetime.now(UTC))
        return caller

    async def _invoke(self, url: Url, function: Function, request: Request, caller: Caller | None) -> Reply:
        if len(request.body) > PAYLOAD_MAX:
            return response.too_large(PAYLOAD_MAX)
        arrival = self._arrival(url, request)
        payload = encode(make_event(request, arrival, caller))
        if len(payload) > PAYLOAD_MAX:
            return response.too_large(PAYLOAD_MAX)
        invocation = Invocation(arrival.request_id, payload, _arn(url), f"{arrival.trace_id};Sampled=0")
        ids = (("x-amzn-RequestId", arrival.request_id), ("X-Amzn-Trace-Id", f"{arrival.trace_id};Sampled=0"))
        try:
            answered = await self._run(url, function, invocation, request.method)
        except Throttled:
            return response.throttled()
        except EngineFault as fault:
            log.error("%s could not be run: %s", function.name, fault)
            answered = response.bad_gateway()
        return replace(answered, headers=(*answered.headers, *ids))

    async def _run(self, url: Url, function: Function, invocation: Invocation, method: str) -> Reply:
        if url.invoke_mode == "RESPONSE_STREAM":
            return await streamed_response.answer(await self._engine.stream(function, invocation), _called(url))
        outcome = await self._engine.invoke(function, invocation)
        if outcome.function_error and b'"Function.ResponseSizeTooLarge"' in outcome.payload[:200]:
            log.warning("502 from the URL of %s: its answer is over %d bytes; %s", _called(url), PAYLOAD_MAX, _STREAM_IT)
        return response.from_outcome(outcome, method)

    def _arrival(self, url: Url, request: Request) -> Arrival:
        now = time.time()
        told = _TRACE.search(request.header("x-amzn-trace-id") or "")
        root = told[1] if told else f"1-{int(now):08x}-{os.urandom(12).hex()}"
        domain = f"{url.url_id}.lambda-url.{url.region}.localhost"
        return Arrival(url.url_id, domain, self._settings.port, str(uuid4()), f"Root={root}", int(now * 1000))

    def _explain(self, url: Url, missing: tuple[str, ...], caller: Caller | None) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._explained.get((url.url_id, missing), -_SAY_AGAIN_S) < _SAY_AGAIN_S:
            return
        self._explained[url.url_id, missing] = now
        what = f"403 from the URL of {_called(url)}"
        if url.auth_type == "AWS_IAM":
            who = f"{caller.arn} is not allowed" if caller else "the request is not signed, so nobody is allowed"
            log.warning("%s: %s %s", what, who, " and ".join(missing))
            return
        pastes = authorization.commands(missing, url.function, url.qualifier, url.region, self._settings.endpoint)
        for action, paste in zip(missing, pastes, strict=True):
            since = " (needed since October 2025)" if action == authorization.INVOKE else ""
            log.warning("%s: no policy statement allows %s%s. Paste: %s", what, action, since, paste)


def _called(url: Url) -> str:
    return f"{url.function}:{url.qualifier}" if url.qualifier else url.function


def _arn(url: Url) -> str:
    arn = f"arn:aws:lambda:{url.region}:{url.account}:function:{url.function}"
    return f"{arn}:{url.qualifier}" if url.qualifier else arn
