"""Translates AWS's refusals: from AWS's code and message to an `AwsError` with a hint. Pure."""

from __future__ import annotations

import re

from lambent.aws.access_denied import translate_denial
from lambent.aws.error_codes import DENIED
from lambent.aws.known_errors import find_known_error
from lambent.errors import AwsError

LOCAL = "lambent deploy --local needs no account"

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_SERVER_ERRORS = {
    *("ServiceException", "ServiceFailure", "InternalFailure", "InternalError", "ServiceUnavailableException"),
    *("ServiceUnavailable", "InternalServerError", "500", "502", "503", "504"),
}
_AGAIN = "run the same command again: it continues from here"
_LOG_IN = f"log in again (aws sso login, or renew the keys); {LOCAL}"
_S3_ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}
"""The action that allows an S3 operation, where their names differ."""


def translate_refusal(code: str, message: str, operation: str, endpoint: str = "", resource: str = "") -> AwsError:
    """Return the error to show for AWS's answer: in our words with AWS's own as detail if it is known, else in AWS's words.

    `resource` is the ARN of the S3 object or bucket in the request: S3 doesn't always name it.
    """
    where = describe_operation(operation, endpoint)
    if code in DENIED or (code == "403" and operation.startswith("Head")):  # an answer to HEAD has no text
        return translate_denial(code, _denial_text(message, operation, resource), operation, where)
    if entry := find_known_error(code, message):
        return AwsError(entry[0], code=code, operation=operation, where=where, hint=entry[1], detail=_aws_text(message))
    what, hint = f"AWS refused {operation}: {message or code}", ""
    if code in _EXPIRED:
        what, hint = "the AWS credentials have expired", _LOG_IN
    elif code in _UNKNOWN_KEY:
        what, hint = "AWS doesn't know these credentials", f"run aws configure, or pass --profile NAME; {LOCAL}"
    elif code == "SignatureDoesNotMatch":
        what, hint = f"AWS rejected the signature: {message}", "check the secret access key and this machine's clock"
    elif code in _THROTTLED:
        what, hint = f"AWS is throttling {operation}: {message or code}", _AGAIN
    elif code in _SERVER_ERRORS:
        what, hint = f"AWS failed at {operation}: {message or code}", _AGAIN
    elif code == "400" and operation.startswith("Head"):  # no text here either
        what, hint = f"AWS refused {operation} without a reason; expired credentials look like this", _LOG_IN
    elif code == "501" or "NotImplemented" in code:
        hint = "this endpoint doesn't support the operation"
    return AwsError(what, code=code, operation=operation, where=where, hint=hint)


def _aws_text(message: str) -> str:
    """Return AWS's text. It repeats an environment that is too large, which may contain secrets."""
    return "AWS: " + re.sub(r"String measured: .*", "String measured: …", message, flags=re.DOTALL)


def describe_operation(operation: str, endpoint: str | None) -> str:
    return f"{operation} at {endpoint}" if endpoint else operation


def _denial_text(message: str, operation: str, resource: str) -> str:
    """Return AWS's text, or the one that S3 leaves out."""
    if "perform: " in message or not resource:
        return message
    return f"not authorized to perform: {_S3_ACTIONS.get(operation, f's3:{operation}')} on resource: {resource}"
