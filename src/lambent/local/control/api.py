"""The Lambda API's front door: a request in, an AWS-shaped answer out."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from botocore.model import OperationModel
from msgspec.structs import replace

from lambent.limits import CREATE_REQUEST_MAX
from lambent.local.control import (
    account,
    aliases,
    event_invoke_configs,
    event_stream,
    functions,
    invoke,
    layer_policies,
    layer_versions,
    permissions,
    provisioned_configs,
    tags,
    updates,
    url_configs,
    versions,
)
from lambent.local.control.configuration_rules import too_large
from lambent.local.control.context import Call, Parts
from lambent.local.control.faults import Fault, not_built
from lambent.local.control.interface import Neighbours, Request, Response
from lambent.local.control.service_model import find, wire_name
from lambent.local.control.validate import read
from lambent.local.engine.invocation import Engine
from lambent.local.store import Document, Store

log = logging.getLogger(__name__)

OPERATIONS: dict[str, Callable[[Call], Awaitable[Document | None]]] = {
    "AddLayerVersionPermission": layer_policies.add_layer_version_permission,
    "AddPermission": permissions.add_permission,
    "CreateAlias": aliases.create_alias,
    "CreateFunction": functions.create_function,
    "CreateFunctionUrlConfig": url_configs.create_function_url_config,
    "DeleteAlias": aliases.delete_alias,
    "DeleteFunction": functions.delete_function,
    "DeleteFunctionConcurrency": account.delete_function_concurrency,
    "DeleteLayerVersion": layer_versions.delete_layer_version,
    "DeleteProvisionedConcurrencyConfig": provisioned_configs.delete_provisioned_concurrency_config,
    "DeleteFunctionEventInvokeConfig": event_invoke_configs.delete_function_event_invoke_config,
    "DeleteFunctionUrlConfig": url_configs.delete_function_url_config,
    "GetAccountSettings": account.get_account_settings,
    "GetAlias": aliases.get_alias,
    "GetFunction": functions.get_function,
    "GetFunctionConcurrency": account.get_function_concurrency,
    "GetFunctionConfiguration": functions.get_function_configuration,
    "GetFunctionEventInvokeConfig": event_invoke_configs.get_function_event_invoke_config,
    "GetFunctionUrlConfig": url_configs.get_function_url_config,
    "GetLayerVersion": layer_versions.get_layer_version,
    "GetLayerVersionByArn": layer_versions.get_layer_version_by_arn,
    "GetLayerVersionPolicy": layer_policies.get_layer_version_policy,
    "GetProvisionedConcurrencyConfig": provisioned_configs.get_provisioned_concurrency_config,
    "GetPolicy": permissions.get_policy,
    "Invoke": invoke.invoke,
    "InvokeWithResponseStream": invoke.invoke_with_response_stream,
    "ListAliases": aliases.list_aliases,
    "ListFunctionEventInvokeConfigs": event_invoke_configs.list_function_event_invoke_configs,
    "ListFunctionUrlConfigs": url_configs.list_function_url_configs,
    "ListFunctions": functions.list_functions,
    "ListLayers": layer_versions.list_layers,
    "ListLayerVersions": layer_versions.list_layer_versions,
    "ListProvisionedConcurrencyConfigs": provisioned_configs.list_provisioned_concurrency_configs,
    "ListTags": tags.list_tags,
    "ListVersionsByFunction": versions.list_versions_by_function,
    "PublishLayerVersion": layer_versions.publish_layer_version,
    "PublishVersion": versions.publish_version,
    "PutFunctionConcurrency": account.put_function_concurrency,
    "PutFunctionEventInvokeConfig": event_invoke_configs.put_function_event_invoke_config,
    "PutProvisionedConcurrencyConfig": provisioned_configs.put_provisioned_concurrency_config,
    "RemoveLayerVersionPermission": layer_policies.remove_layer_version_permission,
    "RemovePermission": permissions.remove_permission,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateAlias": aliases.update_alias,
    "UpdateFunctionCode": updates.update_function_code,
    "UpdateFunctionConfiguration": functions.update_function_configuration,
    "UpdateFunctionEventInvokeConfig": event_invoke_configs.update_function_event_invoke_config,
    "UpdateFunctionUrlConfig": url_configs.update_function_url_config,
}
# Whole requests, in bytes. CreateFunction's is recorded; UpdateFunctionConfiguration's is what users report.
REQUEST_MAX = {
    "CreateFunction": CREATE_REQUEST_MAX,
    "UpdateFunctionCode": CREATE_REQUEST_MAX,
    "UpdateFunctionConfiguration": 5120,
}
LARGE = 1 << 20


class Control:
    """The Lambda API. Call it with a Request; `stop` ends its background work."""

    def __init__(
        self, store: Store, engine: Engine, neighbours: Neighbours, service_url: Callable[[], str] | str, as_of: date
    ) -> None:
        located = service_url if callable(service_url) else lambda: service_url
        self.parts = Parts(store, engine, neighbours, located, as_of)

    async def __call__(self, request: Request) -> Response:
        request_id = str(uuid.uuid4())
        try:
            return await self._answer(request, request_id)
        except Fault as fault:
            return fault.response(request_id)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return Fault("ServiceException", "lambent's local Lambda failed; its log says why.").response(request_id)

    def resume(self) -> None:
        """At the start of the service: has the engine make ready what was provisioned when it ended."""
        for record in self.parts.store.everything():
            if record.provisioned:
                provisioned_configs.follow(self.parts, record)

    async def stop(self) -> None:
        await self.parts.stop()

    async def _answer(self, request: Request, request_id: str) -> Response:
        operation, labels = route(request)
        handler = OPERATIONS.get(operation.name)
        if handler is None:
            raise not_built(f"the operation {operation.name}")
        limit = REQUEST_MAX.get(operation.name)
        if limit is not None and len(request.body) > limit:
            raise too_large(limit, operation.name)
        if len(request.body) > LARGE:  # a zip takes a while to decode: not while everybody else waits
            params = await asyncio.to_thread(read, operation, labels, request)
        else:
            params = read(operation, labels, request)
        call = Call(self.parts, request, params, request_id)
        answer = await handler(call)
        response = serialise(operation, answer or {}, request_id)
        return replace(response, headers=(*response.headers, *call.headers))


def route(request: Request) -> tuple[OperationModel, dict[str, str]]:
    """The operation a request means. Raises Fault for lines the model does not have."""
    found = find(request.method, request.path, request.query)
    if found is None:
        raise Fault("UnknownOperationException", f"No operation of the Lambda API is {request.method} {request.path}")
    return found


def serialise(operation: OperationModel, answer: Document, request_id: str) -> Response:
    """An answer on the wire, member by member as the model says: header, status, payload or JSON body."""
    status = int(operation.http.get("responseCode", 200))
    headers = [("x-amzn-RequestId", request_id)]
    shape = operation.output_shape
    if shape is None:
        return Response(status, tuple(headers), b"")
    body: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    raw = answer.get(payload, b"") if payload else None
    stream = answer.get("EventStream")
    for name, value in answer.items():
        member = shape.members[name]
        place = member.serialization.get("location")
        if place == "statusCode":
            status = value
        elif place == "header":
            headers.append((wire_name(name, member), str(value)))
        elif name != payload:
            body[wire_name(name, member)] = value
    if stream is not None:
        return Response(status, (*headers, ("Content-Type", event_stream.CONTENT_TYPE)), b"", stream)
    if raw is None:
        raw = b"" if status == 204 else json.dumps(body).encode()
    if raw:
        headers.append(("Content-Type", "application/json"))
    return Response(status, tuple(headers), raw)
