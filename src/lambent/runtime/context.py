"""The context object of an invocation, with AWS's attribute names.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html; details follow awslambdaric's lambda_context.py.
"""

from __future__ import annotations

import sys
from time import time

from .api import CLIENT_CONTEXT, DEADLINE, TENANT
from .environment import variable
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import Invocation

_ARN = "\nLambda-Runtime-Invoked-Function-Arn: "
_IDENTITY = "\nLambda-Runtime-Cognito-Identity: "
_W3C = ("traceparent", "tracestate", "baggage")
_FUNCTION = {
    "function_name": "AWS_LAMBDA_FUNCTION_NAME",
    "function_version": "AWS_LAMBDA_FUNCTION_VERSION",
    "memory_limit_in_mb": "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "log_group_name": "AWS_LAMBDA_LOG_GROUP_NAME",
    "log_stream_name": "AWS_LAMBDA_LOG_STREAM_NAME",
}
_CLIENT = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

_REPR_FIELDS = (
    *("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb", "function_version"),
    *("invoked_function_arn", "client_context", "identity", "tenant_id"),
)


class _Attributes:
    """A group of attributes that are None unless the caller sent them."""

    def __init__(self, name: str, names: tuple[str, ...], values: dict[str, Any]) -> None:
        self.__dict__.update({each: values.get(each) for each in names})
        self._name = name

    def __repr__(self) -> str:
        values = ",".join(f"{name}={value}" for name, value in vars(self).items() if name != "_name")
        return f"{self._name}([{values}])"


class Context:
    """The metadata of one invocation. Creating it raises Fault if the caller sent malformed JSON along."""

    client_context: Any = None
    _w3c_fields: dict[str, str] = {}  # noqa: RUF012 - replaced, never mutated

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self.aws_request_id = invocation.id
        if CLIENT_CONTEXT in invocation.head:
            self._set_client_context(_json(invocation.header(CLIENT_CONTEXT), "Client Context"))
        if _IDENTITY in invocation.head:
            self.identity = _identity(_json(invocation.header(_IDENTITY), "Cognito Identity") or {})

    def __getattr__(self, name: str) -> Any:
        """Look up rarely used attributes on demand: reading the environment takes as long as all of `__init__`."""
        if name in _FUNCTION:
            value: Any = variable(_FUNCTION[name]) or None
        elif name == "invoked_function_arn":
            value = self._invocation.header(_ARN)
        elif name == "tenant_id":
            value = self._invocation.header(TENANT) if TENANT in self._invocation.head else None
        elif name == "identity":
            value = _identity({})
        elif name == "_epoch_deadline_time_in_ms":
            value = int(self._invocation.header(DEADLINE) or 0)
        else:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        setattr(self, name, value)
        return value

    def _set_client_context(self, value: Any) -> None:
        if isinstance(value, dict) and "w3c" in value:
            self._w3c_fields = _w3c(value.pop("w3c"))
        if value is not None:
            self.client_context = _client_context(value)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends the invocation, at least 0."""
        deadline: int = self._epoch_deadline_time_in_ms
        return max(deadline - int(time() * 1000), 0)

    def w3c(self) -> dict[str, str]:
        """Return the W3C trace context of the invocation: traceparent, tracestate and baggage, as far as sent."""
        return dict(self._w3c_fields)

    def log(self, message: object) -> None:
        """Write to the log without adding a newline. Kept for old code; use `print` or `logging`."""
        logging = sys.modules.get("logging")
        for handler in logging.getLogger().handlers if logging else ():
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return f"LambdaContext([{','.join([f'{name}={getattr(self, name)}' for name in _REPR_FIELDS])}])"


def _client_context(value: dict[str, Any]) -> _Attributes:
    """Return what a mobile SDK sent along: custom, env, client."""
    context = _Attributes("ClientContext", ("custom", "env", "client"), value)
    client = value.get("client")
    context.client = None if client is None else _Attributes("Client", _CLIENT, client)  # type: ignore[attr-defined]
    return context


def _w3c(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: value[name] for name in _W3C if isinstance(value.get(name), str)}


def _identity(value: dict[str, Any]) -> _Attributes:
    """Return the Cognito identity of the caller; its attributes are None for other callers."""
    identity = {
        "cognito_identity_id": value.get("cognitoIdentityId"),
        "cognito_identity_pool_id": value.get("cognitoIdentityPoolId"),
    }
    return _Attributes("CognitoIdentity", tuple(identity), identity)


def _json(text: str, name: str) -> Any:
    if not text:
        return None
    from .json_text import parse

    try:
        return parse(text.encode("latin-1"))
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from None
