"""Errors in AWS's form. The status and the member with the message come from botocore's model of each exception."""

from __future__ import annotations

import json
from typing import Any

from lambent.local.control.service_model import error_shape
from lambent.local.http import Response

UNMODELLED = {  # recorded from AWS, but absent from its model
    "AccessDeniedException": 403,
    "InsufficientStorageException": 507,  # not AWS's: SDKs don't repeat it
    "NotImplementedException": 501,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}


class Fault(Exception):
    """An error response. `extra` are further members, such as Reason; `typed` is whether AWS sends `Type: User` with it."""

    def __init__(self, code: str, message: str | None, *, typed: bool = True, **extra: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.typed = typed
        self.extra = extra

    def response(self, request_id: str) -> Response:
        """Return the HTTP response: modelled exceptions have Type and Message or message, the others only message."""
        shape = error_shape(self.code)
        body: dict[str, Any] = {}
        if shape is None:
            status, member = UNMODELLED[self.code], "message"
        else:
            status = shape.metadata["error"]["httpStatusCode"]
            member = "Message" if "Message" in shape.members else "message"
            if self.typed and "Type" in shape.members:
                body["Type"] = "User"
        body = {**body, **self.extra, member: self.message}
        headers = (
            ("Content-Type", "application/json"),
            ("x-amzn-ErrorType", self.code),
            ("x-amzn-RequestId", request_id),
        )
        return Response(status, headers, json.dumps(body).encode())


def invalid(message: str) -> Fault:
    return Fault("InvalidParameterValueException", message)


def missing(message: str) -> Fault:
    return Fault("ResourceNotFoundException", message)


def conflict(message: str) -> Fault:
    return Fault("ResourceConflictException", message)


def constraint(value: str, path: str, rule: str) -> Fault:
    """Return a violated constraint in AWS's words. `path` is the member's, such as "vpcConfig.subnetIds"."""
    return violations([f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}"])


def violations(messages: list[str]) -> Fault:
    noun = "error" if len(messages) == 1 else "errors"
    return Fault("ValidationException", f"{len(messages)} validation {noun} detected: " + "; ".join(messages))


def statement_exists(statement_id: str) -> Fault:
    """Return AWS's refusal of a second policy statement with the same id."""
    hint = "Please provide a new statement id, or remove the existing statement."
    return conflict(f"The statement id ({statement_id}) provided already exists. {hint}")


def stale_revision(read_operation: str) -> Fault:
    text = "The Revision Id provided does not match the latest Revision Id. "
    return Fault("PreconditionFailedException", f"{text}Call the {read_operation} API to retrieve the latest Revision Id")


def not_supported(feature: str, hint: str = "") -> Fault:
    """Return the refusal of something that AWS does and the local Lambda doesn't: better than an invented answer."""
    message = f"lambent's local Lambda doesn't support {feature}"
    return Fault("NotImplementedException", f"{message}: {hint}" if hint else message)
