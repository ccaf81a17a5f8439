"""Function URLs: who may call one, the event that the function gets, and the response that the client gets."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from datetime import UTC, date, datetime
from urllib.parse import urlsplit
from uuid import uuid4

from msgspec.structs import replace

from lambent.limits import PAYLOAD_MAX
from lambent.local.aws_services import AwsServices
from lambent.local.dev_sessions import DevSessions
from lambent.local.engine.engine import Engine
from lambent.local.engine.invocation import EngineFault, Function, Invocation, Throttled
from lambent.local.front import authorization, cors, dev_pages, response, signature, streamed_response
from lambent.local.front.authorization import AccessRequest, Caller
from lambent.local.front.event import EventMetadata, encode, make_event
from lambent.local.host_check import url_host
from lambent.local.http import Request, Response
from lambent.local.store import NotFound, Store, UrlConfig
from lambent.units import size

log = logging.getLogger("lambent.front")

_TRACE = re.compile(r"(?i)\bRoot=(1-[0-9a-f]{8}-[0-9a-f]{24})")
_TOO_LARGE = (
    "%s: 413 for %s %s with a body of %s: a Function URL takes 6 MB, which is about 4.5 MB of binary data (sent as base64). "
    "Let the browser send large files to S3 instead, with a presigned URL"
)
_LOG_AGAIN_S = 5.0
"""A refusal is logged once in this many seconds for each URL, so that a load test doesn't fill the log."""


class FunctionUrls:
    """Answers requests to Function URLs."""

    def __init__(
        self, store: Store, engine: Engine, aws_services: AwsServices, dev: DevSessions, service_url: str, as_of: date
    ) -> None:
        self._dev = dev
        self._store = store
        self._engine = engine
        self._aws_services = aws_services
        self._service_url = service_url
        self._port = urlsplit(service_url).port or 80
        self._as_of = as_of
        self._logged_at: dict[tuple[str, tuple[str, ...]], float] = {}

    async def answer(self, url_id: str, request: Request) -> Response:
        """Return the response to one request, even if that is a refusal."""
        url = self._store.url(url_id)
        if url is None:
            return response.unknown_url()
        session = self._dev.find(url.region, url.function)
        own = self._dev.own_response(session, request, self._version(url)) if session is not None else None
        if own is not None:
            return own
        rules = url.cors or {}
        if rules and cors.is_preflight(request):
            return cors.preflight(rules, request)
        result = await self._authorize(url, request)
        if rules:
            result = replace(result, headers=(*result.headers, *cors.added_headers(rules, request)))
        return result

    async def _authorize(self, url: UrlConfig, request: Request) -> Response:
        caller = None
        if url.auth_type == "AWS_IAM":
            try:
                caller = await self._identify(url, request)
            except signature.BadSignature as error:
                return response.bad_signature(str(error))
        access = AccessRequest(_arn(url), url.auth_type, url.account, caller)
        statements = self._store.policy(url.region, url.function, url.qualifier)
        missing = authorization.missing_actions(statements, access, self._as_of)
        if missing:
            self._log_refusal(url, missing, caller)
            return response.forbidden()
        try:
            function = self._store.route(url.region, url.function, url.qualifier)
        except NotFound:
            return response.forbidden()  # the alias was deleted; its URL and policy remain [recorded]
        return await self._invoke(url, function, request, caller)

    async def _identify(self, url: UrlConfig, request: Request) -> Caller | None:
        """Return who signed the request, or None if it isn't signed. Raises BadSignature."""
        signed = signature.read(request)
        if signed is None:
            return None
        caller = await self._aws_services.caller(signed.access_key, signed.session_token)
        if caller is None:
            raise signature.BadSignature("The security token included in the request is invalid.")
        signature.verify(request, signed, caller.secret, url.region, datetime.now(UTC))
        return caller

    async def _invoke(self, url: UrlConfig, function: Function, request: Request, caller: Caller | None) -> Response:
        session = self._dev.find(url.region, url.function)
        if session is not None:
            request = dev_pages.uncompressed(request)
        metadata = self._metadata(url, request)
        payload = encode(make_event(request, metadata, caller)) if len(request.body) <= PAYLOAD_MAX else request.body
        if len(payload) > PAYLOAD_MAX:
            length = size(len(request.body)) if len(request.body) <= PAYLOAD_MAX else f"more than {size(PAYLOAD_MAX)}"
            log.warning(_TOO_LARGE, _label(url), request.method, request.path, length)
            return response.too_large(PAYLOAD_MAX)
        trace_id = f"{metadata.trace_id};Sampled=0"
        invocation = Invocation(metadata.request_id, payload, _arn(url), trace_id)
        try:
            result = await self._run(url, function, invocation, request.method)
        except Throttled:
            return response.throttled()
        except EngineFault as fault:
            log.error("%s can't run: %s", function.name, fault)
            result = response.bad_gateway()
        if session is not None:
            result = session.improve(result, request, metadata.request_id)
        ids = (("x-amzn-RequestId", metadata.request_id), ("X-Amzn-Trace-Id", trace_id))
        return replace(result, headers=(*result.headers, *ids))

    async def _run(self, url: UrlConfig, function: Function, invocation: Invocation, method: str) -> Response:
        if url.invoke_mode == "RESPONSE_STREAM":
            return await streamed_response.from_stream(await self._engine.stream(function, invocation), _label(url))
        outcome = await self._engine.invoke(function, invocation)
        if outcome.function_error and b'"Function.ResponseSizeTooLarge"' in outcome.payload[:200]:
            hint = "set stream = true in [tool.lambent] for larger responses"
            log.warning("502 from the URL of %s: the response is larger than %d bytes; %s", _label(url), PAYLOAD_MAX, hint)
        return response.from_outcome(outcome, method)

    def _version(self, url: UrlConfig) -> str:
        try:
            return self._store.route(url.region, url.function, url.qualifier).version
        except NotFound:
            return ""

    def _metadata(self, url: UrlConfig, request: Request) -> EventMetadata:
        now = time.time()
        match = _TRACE.search(request.header("x-amzn-trace-id") or "")
        root = match[1] if match else f"1-{int(now):08x}-{os.urandom(12).hex()}"
        domain = url_host(url.url_id, url.region)
        return EventMetadata(url.url_id, domain, self._port, str(uuid4()), f"Root={root}", int(now * 1000))

    def _log_refusal(self, url: UrlConfig, missing: tuple[str, ...], caller: Caller | None) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._logged_at.get((url.url_id, missing), -_LOG_AGAIN_S) < _LOG_AGAIN_S:
            return
        self._logged_at[url.url_id, missing] = now
        lead = f"403 from the URL of {_label(url)}"
        if url.auth_type == "AWS_IAM":
            subject = f"{caller.arn} isn't allowed" if caller else "the request isn't signed, so it isn't allowed"
            log.warning("%s: %s to call %s", lead, subject, " and ".join(missing))
            return
        commands = authorization.commands(missing, url.function, url.qualifier, url.region, self._service_url)
        for action, command in zip(missing, commands, strict=True):
            since = " (needed since October 2025)" if action == authorization.INVOKE else ""
            log.warning("%s: no policy statement allows %s%s. Run: %s", lead, action, since, command)


def _label(url: UrlConfig) -> str:
    """Return how the log names a URL's function."""
    return f"{url.function}:{url.qualifier}" if url.qualifier else url.function


def _arn(url: UrlConfig) -> str:
    arn = f"arn:aws:lambda:{url.region}:{url.account}:function:{url.function}"
    return f"{arn}:{url.qualifier}" if url.qualifier else arn
