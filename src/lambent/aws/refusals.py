"""AWS's refusals in the one form of ours: pure, from AWS's code and message to an `AwsError`."""

from __future__ import annotations

import re

from lambent.aws.access_denied import denied
from lambent.aws.error_codes import DENIED
from lambent.aws.known_errors import known
from lambent.errors import AwsError

LOCAL = "lambent deploy --local needs no account"

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
_BROKEN = {
    *("ServiceException", "ServiceFailure", "InternalFailure", "InternalError", "ServiceUnavailableException"),
    *("ServiceUnavailable", "InternalServerError", "500", "502", "503", "504"),
}
_AGAIN = "run the same command again; it goes on from here"
_S3_ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}
"""What allows an S3 operation, where that is not named as it is."""


def translate(code: str, message: str, operation: str, endpoint: str = "", resource: str = "") -> AwsError:
    """The error to show for AWS's answer: in our words where it is known, with AWS's own as detail; else in AWS's.

    `resource` is the ARN of the S3 object or bucket that was asked for: S3 does not always say.
    """
    where = located(operation, endpoint)
    if code in DENIED or (code == "403" and operation.startswith("Head")):  # an answer to HEAD has no words
        return denied(code, _said(message, operation, resource), operation, where)
    if meant := known(code, message):
        return AwsError(meant[0], code=code, operation=operation, where=where, hint=meant[1], detail=_own(message))
    what, hint = f"AWS refused {operation}: {message or code}", ""
    if code in _EXPIRED:
        what, hint = "the AWS credentials have expired", f"log in again (aws sso login, or renew the keys); {LOCAL}"
    elif code in _UNKNOWN_KEY:
        what, hint = "AWS does not know these credentials", f"aws configure, or --profile NAME; {LOCAL}"
    elif code == "SignatureDoesNotMatch":
        what, hint = f"AWS refused the signature: {message}", "check the secret access key and this machine's clock"
    elif code in _THROTTLED:
        what, hint = f"AWS is throttling {operation}: {message or code}", _AGAIN
    elif code in _BROKEN:
        what, hint = f"AWS failed at {operation}: {message or code}", _AGAIN
    elif code == "400" and operation.startswith("Head"):  # as above
        what = f"AWS refused {operation} and does not say why; expired credentials are told so"
        hint = f"log in again (aws sso login, or renew the keys); {LOCAL}"
    elif code == "501" or "NotImplemented" in code:
        hint = "this endpoint does not have the operation"
    return AwsError(what, code=code, operation=operation, where=where, hint=hint)


def _own(message: str) -> str:
    """AWS's text; it repeats the environment when that is too large, and there may be secrets in that."""
    return "AWS: " + re.sub(r"String measured: .*", "String measured: …", message, flags=re.DOTALL)


def located(operation: str, endpoint: str | None) -> str:
    return f"{operation} at {endpoint}" if endpoint else operation


def _said(message: str, operation: str, resource: str) -> str:
    """AWS's words, or those that S3 leaves out."""
    if "perform: " in message or not resource:
        return message
    return f"not authorized to perform: {_S3_ACTIONS.get(operation, f's3:{operation}')} on resource: {resource}"
