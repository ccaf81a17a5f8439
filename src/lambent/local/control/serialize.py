"""From an operation's result to an HTTP response, as botocore's model describes it. Pure."""

from __future__ import annotations

import json
from typing import Any

from botocore.model import OperationModel

from lambent.local.control import event_stream
from lambent.local.control.service_model import wire_name
from lambent.local.http import Response
from lambent.local.store import Document


def serialize(operation: OperationModel, members: Document, request_id: str) -> Response:
    """Return the response: each member goes into the status, a header, the payload or the JSON body, as the model says."""
    status = int(operation.http.get("responseCode", 200))
    headers = [("x-amzn-RequestId", request_id)]
    shape = operation.output_shape
    if shape is None:
        return Response(status, tuple(headers), b"")
    document: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    body = members.get(payload, b"") if payload else None
    for name, value in members.items():
        member = shape.members[name]
        location = member.serialization.get("location")
        if location == "statusCode":
            status = value
        elif location == "header":
            headers.append((wire_name(name, member), str(value)))
        elif name != payload:
            document[wire_name(name, member)] = value
    if (stream := members.get("EventStream")) is not None:
        return Response(status, (*headers, ("Content-Type", event_stream.CONTENT_TYPE)), b"", stream)
    if body is None:
        body = b"" if status == 204 else json.dumps(document).encode()
    if body:
        headers.append(("Content-Type", "application/json"))
    return Response(status, tuple(headers), body)
