"""AWS-shaped refusals. The status and the member that holds the text come from botocore's model of each exception."""

from __future__ import annotations

import json
from typing import Any

from lambent.local.control.interface import Response
from lambent.local.control.service_model import error_shape

UNMODELLED = {  # recorded from AWS, but absent from its model
    "AccessDeniedException": 403,
    "NotImplementedException": 501,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}


class Fault(Exception):
    """One refusal. `extra` are further members, such as Reason; `typed` is whether AWS sends `Type: User` with it."""

    def __init__(self, code: str, message: str | None, *, typed: bool = True, **extra: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.typed = typed
        self.extra = extra

    def response(self, request_id: str) -> Response:
        """The HTTP answer: modelled exceptions say Message or message, and Type; the others message only."""
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
    """A violated constraint in AWS's words. `path` is the member's, such as "vpcConfig.subnetIds"."""
    return violations([f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}"])


def violations(found: list[str]) -> Fault:
    noun = "error" if len(found) == 1 else "errors"
    return Fault("ValidationException", f"{len(found)} validation {noun} detected: " + "; ".join(found))


def stale_revision(call: str = "GetFunction/GetAlias") -> Fault:
    text = "The Revision Id provided does not match the latest Revision Id. "
    return Fault("PreconditionFailedException", f"{text}Call the {call} API to retrieve the latest Revision Id")


def not_built(what: str) -> Fault:
    """Something AWS does and the local Lambda does not: said plainly instead of a made-up answer."""
    return Fault("NotImplementedException", f"lambent's local Lambda does not build {what} (yet).")
