"""May this caller call an operation of the Lambda API? Its own policies decide."""

from __future__ import annotations

from urllib.parse import parse_qs

from lambent.local.control.faults import Fault
from lambent.local.control.reference import parse_reference
from lambent.local.control.service_model import OperationCall
from lambent.local.daemon import ACCOUNT
from lambent.local.front.authorization import Caller
from lambent.local.http import Request

_INVOKE = "InvokeFunction"
_ACTIONS = {"Invoke": _INVOKE, "InvokeAsync": _INVOKE, "InvokeWithResponseStream": _INVOKE}  # others have the operation's name


def require_permission(caller: Caller, request: Request, call: OperationCall, region: str) -> None:
    """Raise Fault unless the caller's policies allow the operation."""
    name = call.operation.name
    action = f"lambda:{_ACTIONS.get(name, name)}"
    function = call.labels.get("FunctionName")
    resource = "*"
    if function is not None:
        qualifier = parse_qs(request.query).get("Qualifier", [None])[0]
        resource = parse_reference(function, qualifier, region, ACCOUNT).qualified_arn
    if not caller.permits(action, resource):
        message = (
            f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )
        raise Fault("AccessDeniedException", message)
