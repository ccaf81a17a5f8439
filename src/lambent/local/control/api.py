"""The Lambda API: a request in, an AWS-shaped response out."""

from __future__ import annotations

import asyncio
import logging
import uuid
from datetime import date

from msgspec.structs import replace

from lambent.limits import CREATE_REQUEST_MAX
from lambent.local.aws_services import AwsServices
from lambent.local.control.access import require_permission
from lambent.local.control.backend import Backend
from lambent.local.control.configuration_rules import too_large
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, not_supported
from lambent.local.control.operations import OPERATIONS
from lambent.local.control.parse import parse_parameters
from lambent.local.control.provisioned_configs import apply_provisioned
from lambent.local.control.serialize import serialize
from lambent.local.control.service_model import OperationCall
from lambent.local.database import REFUSED_BY_DISK, refused_by_disk
from lambent.local.engine.engine import Engine
from lambent.local.front.authorization import Caller
from lambent.local.http import Request, Response
from lambent.local.store import Store

log = logging.getLogger(__name__)

# Whole requests, in bytes. CreateFunction's is recorded; UpdateFunctionConfiguration's is what users report.
REQUEST_MAX = {
    "CreateFunction": CREATE_REQUEST_MAX,
    "UpdateFunctionCode": CREATE_REQUEST_MAX,
    "UpdateFunctionConfiguration": 5120,
}
LARGE = 1 << 20


class LambdaApi:
    """The Lambda API of the local Lambda."""

    def __init__(self, store: Store, engine: Engine, aws_services: AwsServices, service_url: str, as_of: date) -> None:
        self.backend = Backend(store, engine, aws_services, service_url, as_of)

    async def answer(self, request: Request, call: OperationCall | None, region: str, caller: Caller | None = None) -> Response:
        """Return the response to a request that calls this operation (None: the API has no such route).

        The policies of `caller` decide whether it may. None: it may do everything.
        """
        request_id = str(uuid.uuid4())
        try:
            if caller is not None and call is not None:
                require_permission(caller, request, call, region)
            return await self._run(request, call, region, request_id)
        except Fault as fault:
            return fault.response(request_id)
        except Exception as error:
            if refused_by_disk(error):
                log.error("%s %s failed: %s", request.method, request.path, error)
                return Fault("InsufficientStorageException", REFUSED_BY_DISK).response(request_id)
            log.exception("%s %s failed", request.method, request.path)
            return Fault("ServiceException", "lambent's local Lambda failed; see its log").response(request_id)

    def resume(self) -> None:
        """Prepare the provisioned environments that existed when the service stopped."""
        for record in self.backend.store.all_records():
            if record.provisioned:
                apply_provisioned(self.backend, record)

    async def stop(self) -> None:
        """End the background work."""
        await self.backend.tasks.stop()

    async def _run(self, request: Request, call: OperationCall | None, region: str, request_id: str) -> Response:
        if call is None:
            raise Fault("UnknownOperationException", f"No operation of the Lambda API is {request.method} {request.path}")
        name = call.operation.name
        handler = OPERATIONS.get(name)
        if handler is None:
            raise not_supported(f"the operation {name}")
        limit = REQUEST_MAX.get(name)
        if limit is not None and len(request.body) > limit:
            raise too_large(limit, name)
        if len(request.body) > LARGE:  # a zip takes a while to decode; other requests must not wait for it
            params = await asyncio.to_thread(parse_parameters, call, request)
        else:
            params = parse_parameters(call, request)
        context = RequestContext(self.backend, request, params, request_id, region)
        members = await handler(context)
        response = serialize(call.operation, members or {}, request_id)
        return replace(response, headers=(*response.headers, *context.response_headers))
