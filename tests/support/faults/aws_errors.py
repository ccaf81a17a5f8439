"""AWS's refusals in each protocol's own form: (status, headers, body)."""

from __future__ import annotations

import json

from support.faults.calls import Call

Refusal = tuple[int, dict[str, str], bytes]

ACCOUNT = "123456789012"


def server_error(call: Call) -> Refusal:
    """Return a failure of AWS itself."""
    if call.service == "lambda":
        return _lambda(500, "ServiceException", "An error occurred and the request cannot be processed.")
    code = {"iam": "ServiceFailure", "sts": "InternalFailure", "logs": "ServiceUnavailableException", "s3": "InternalError"}
    return _query_error(call, 500, code[call.service], "The request processing has failed because of an unknown error.")


def throttled(call: Call) -> Refusal:
    if call.service == "lambda":
        return _lambda(429, "TooManyRequestsException", "Rate exceeded", Reason="CallerRateLimitExceeded")
    code = {"iam": "Throttling", "sts": "Throttling", "logs": "ThrottlingException", "s3": "SlowDown"}[call.service]
    return _query_error(call, 503 if call.service == "s3" else 400, code, "Rate exceeded")


def expired(call: Call) -> Refusal:
    message = "The security token included in the request is expired"
    if call.service == "lambda":
        return _lambda(403, "ExpiredTokenException", message)
    code = "ExpiredTokenException" if call.service == "logs" else "ExpiredToken"
    return _query_error(call, 403 if call.service in ("iam", "sts") else 400, code, message)


def denied(call: Call) -> Refusal:
    user = f"arn:aws:iam::{ACCOUNT}:user/deployer"
    message = (
        f"User: {user} is not authorized to perform: {call.action} on resource: {resource(call)} "
        f"because no identity-based policy allows the {call.action} action"
    )
    if call.service == "lambda":
        return _lambda(403, "AccessDeniedException", message)
    return _query_error(
        call, 400 if call.service == "logs" else 403, "AccessDenied" + "Exception" * (call.service == "logs"), message
    )


def login_page(call: Call) -> Refusal:
    """Return a network's login page."""
    return 200, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Wi-Fi</title><p>Please log in<br>"


def resource(call: Call) -> str:
    return f"arn:aws:{call.service}:eu-west-1:{ACCOUNT}:thing/of-{call.operation}"


def _lambda(status: int, code: str, message: str, **more: str) -> Refusal:
    body = json.dumps({"Type": "User", "Message" if status == 500 else "message": message, **more}).encode()
    return status, {"content-type": "application/json", "x-amzn-errortype": code}, body


def _query_error(call: Call, status: int, code: str, message: str) -> Refusal:
    if call.service == "logs":
        return status, {"content-type": "application/x-amz-json-1.1"}, json.dumps({"__type": code, "message": message}).encode()
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if call.service == "s3":
        body = f'<?xml version="1.0"?><Error>{inner}<RequestId>1</RequestId></Error>'
        return status, {"content-type": "application/xml"}, b"" if call.operation.startswith("Head") else body.encode()
    body = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>1</RequestId></ErrorResponse>"
    return status, {"content-type": "text/xml"}, body.encode()
