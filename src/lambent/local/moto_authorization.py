"""Let a caller's policies decide what moto does for a request.

moto can check each request itself, but against its own users only, and with all resources but S3's taken as "*". So its check
is replaced: `acting_as` says who the caller of this thread is. Services of moto that skip the check allow everything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import moto.core.authorization
import moto.core.exceptions
import moto.iam.access_control
import moto.s3.exceptions

from lambent.local.front.authorization import Caller

# Services with another name in policies than in signatures, and operations with another name than their permission.
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
_ACTIONS = {"s3:HeadBucket": "s3:ListBucket"}
_ALWAYS = "sts:GetCallerIdentity"
_OF_OBJECTS = ("s3:DeleteObject", "s3:PutObject")


class _Acting(threading.local):
    caller: Caller | None = None
    service = ""


_acting = _Acting()


@contextmanager
def acting_as(caller: Caller | None, service: str) -> Iterator[None]:
    """Inside, this thread's requests need the caller's permission. None: an administrator. `service` is what they sign for."""
    _acting.caller, _acting.service = caller, service
    try:
        yield
    finally:
        _acting.caller = None


def install() -> None:
    """Replace moto's check. Call it once per process."""
    mixin: Any = moto.core.authorization.ActionAuthenticatorMixin
    mixin._authenticate_and_authorize_action = _authorize


def _authorize(response: Any, request_class: type, resource: str = "*") -> None:
    caller = _acting.caller
    if caller is None:
        return
    name = f"{_PREFIXES.get(_acting.service, _acting.service)}:{response._get_action()}"
    action = _ACTIONS.get(name, name)
    if action in _OF_OBJECTS and "/" not in resource:
        resource += "/*"  # several objects of a bucket
    if action == _ALWAYS or caller.permits(action, resource):
        return
    raise _denied(response, caller, action, is_s3=request_class is moto.iam.access_control.S3IAMRequest)


def _denied(response: Any, caller: Caller, action: str, *, is_s3: bool) -> Exception:
    """Return the error in the form of the service's protocol: S3's, the query protocol's (XML), or JSON."""
    if is_s3 and "BucketName" in response.data:
        return moto.s3.exceptions.BucketAccessDeniedError(response.data["BucketName"])
    if is_s3:
        return moto.s3.exceptions.S3AccessDeniedError()
    if response.querystring.get("Action"):
        return moto.core.exceptions.AccessDeniedError(caller.arn, action)
    message = f"User: {caller.arn} is not authorized to perform: {action}"
    return moto.core.exceptions.JsonRESTError("AccessDeniedException", message)
