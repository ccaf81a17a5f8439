"""AWS's refusals in the one form of ours: pure, from AWS's code and message to an `AwsError`."""

from __future__ import annotations

import json
import re

from lambent.aws.interface import DENIED
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
_S3_ACTIONS = {"HeadBucket": "s3:ListBucket", "ListObjectsV2": "s3:ListBucket", "HeadObject": "s3:GetObject"}
"""What allows an S3 operation, where that is not named as it is."""

_HINTS: tuple[tuple[str, str], ...] = (
    (r"runtime parameter of \S+ is no longer supported", "choose a newer one with --runtime, such as --runtime python3.13"),
    (r"at 'runtime' failed to satisfy", "choose one of AWS's with --runtime, such as --runtime python3.13"),
    (
        r"Unzipped size must be smaller",
        "leave files out with exclude = [...], or use fewer dependencies: 250 MB is AWS's limit",
    ),
    (r"Zipped size must be smaller|Request must be smaller", "make the zip smaller: leave files out with exclude = [...]"),
    (r"exceeded the 4KB limit", "keep large values in a file of the project or in SSM; AWS allows 4 KB of environment in all"),
    (r"reserved keys", "rename that environment variable: AWS keeps the name for itself"),
    (r"'MemorySize' value failed .* 3008", "new AWS accounts are limited to 3008 MB: use --memory 3008 or ask AWS for more"),
    (r"UnreservedConcurrentExecution", "this account's concurrency is used up: ask AWS for more under Service Quotas"),
    (r"ode storage limit exceeded", "delete old function versions: the account's 75 GB of code storage are used up"),
    (r"explicit deny", "a policy of your organisation forbids this: ask whoever keeps it"),
)


def translate(code: str, message: str, operation: str, endpoint: str = "", resource: str = "") -> AwsError:
    """The error to show for AWS's answer. Its `what` keeps AWS's own message, so that callers can look for a phrase.

    `resource` is the ARN of the S3 object or bucket that was asked for: S3 does not always say.
    """
    where = located(operation, endpoint)
    if code in DENIED or (code == "403" and operation.startswith("Head")):  # an answer to HEAD has no words
        return _denied(code, _said(message, operation, resource), operation, where)
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
    elif code == "501" or "NotImplemented" in code:
        hint = "this endpoint does not have the operation"
    return AwsError(what, code=code, operation=operation, where=where, hint=hint or _hint(message))


def located(operation: str, endpoint: str | None) -> str:
    return f"{operation} at {endpoint}" if endpoint else operation


def _hint(message: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, message)), "")


def _said(message: str, operation: str, resource: str) -> str:
    """AWS's words, or those that S3 leaves out."""
    if "perform: " in message or not resource:
        return message
    return f"not authorized to perform: {_S3_ACTIONS.get(operation, f's3:{operation}')} on resource: {resource}"


def _denied(code: str, message: str, operation: str, where: str) -> AwsError:
    """Names the one action that is missing and the statement that would allow it."""
    found = re.search(r"perform: ([\w-]+:\w+)(?: on resource: (\S+))?", message)
    if found is None:
        return AwsError(
            f"these credentials may not call {operation}: {message}",
            code=code,
            operation=operation,
            where=where,
            hint="ask whoever keeps the account to allow it" if "explicit deny" not in message else _hint(message),
        )
    action, resource = found[1], (found[2] or "*").rstrip(".,")
    who = re.search(r"(?:User|Role): (\S+)", message)
    statement = json.dumps({"Effect": "Allow", "Action": action, "Resource": resource})
    hint = (
        _hint(message) if "explicit deny" in message else f"add to the policy of {who[1] if who else 'the caller'}: {statement}"
    )
    what = f"not allowed: {action} on {resource}"
    return AwsError(what, code=code, operation=operation, where=where, hint=hint)
