"""The context object of an invocation, with the names AWS gives it.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html; the details follow awslambdaric's lambda_context.py.
"""

from __future__ import annotations

import sys
from time import time

from .api import TENANT
from .environment import variable
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import Invocation

_ARN = "\nLambda-Runtime-Invoked-Function-Arn: "
_DEADLINE = "\nLambda-Runtime-Deadline-Ms: "
_CLIENT_CONTEXT = "\nLambda-Runtime-Client-Context: "
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

_SHOWN = (
    *("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb", "function_version"),
    *("invoked_function_arn", "client_context", "identity", "tenant_id"),
)


class _Part:
    """A group of attributes that are None unless they were sent."""

    def __init__(self, name: str, names: tuple[str, ...], values: dict[str, Any]) -> None:
        self.__dict__.update({each: values.get(each) for each in names})
        self._name = name

    def __repr__(self) -> str:
        values = ",".join(f"{name}={value}" for name, value in vars(self).items() if name != "_name")
        return f"{self._name}([{values}])"


class Context:
    """Whose invocation this is and how long it may take. Raises Fault if what the caller sent along with it is not JSON."""

    client_context: Any = None
    _w3c_fields: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self.aws_request_id = invocation.id
        if _CLIENT_CONTEXT in invocation.head:
            self._take_client_context(_json(invocation.header(_CLIENT_CONTEXT), "Client Context"))
        if _IDENTITY in invocation.head:
            self.identity = _identity(_json(invocation.header(_IDENTITY), "Cognito Identity") or {})

    def __getattr__(self, name: str) -> Any:
        """What few ask for is looked up when they do: a look into the environment costs as much as all of the above."""
        if name in _FUNCTION:
            value: Any = variable(_FUNCTION[name]) or None
        elif name == "invoked_function_arn":
            value = self._invocation.header(_ARN)
        elif name == "tenant_id":
            value = self._invocation.header(TENANT) if TENANT in self._invocation.head else None
        elif name == "identity":
            value = _identity({})
        elif name == "_epoch_deadline_time_in_ms":
            value = int(self._invocation.header(_DEADLINE) or 0)
        else:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        setattr(self, name, value)
        return value

    def _take_client_context(self, sent: Any) -> None:
        if isinstance(sent, dict) and "w3c" in sent:
            self._w3c_fields = _w3c(sent.pop("w3c"))
        if sent is not None:
            self.client_context = _client_context(sent)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation, never below 0."""
        deadline: int = self._epoch_deadline_time_in_ms
        return max(deadline - int(time() * 1000), 0)

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the invocation: traceparent, tracestate, baggage, as far as sent."""
        return dict(self._w3c_fields)

    def log(self, message: object) -> None:
        """Writes to the log as it is, without a line end. Of old; `print` and `logging` are the ways now."""
        logging = sys.modules.get("logging")
        for handler in logging.getLogger().handlers if logging else ():
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return f"LambdaContext([{','.join([f'{name}={getattr(self, name)}' for name in _SHOWN])}])"


def _client_context(sent: dict[str, Any]) -> _Part:
    """What a mobile SDK sent along: custom, env, client."""
    part = _Part("ClientContext", ("custom", "env", "client"), sent)
    client = sent.get("client")
    part.client = None if client is None else _Part("Client", _CLIENT, client)  # type: ignore[attr-defined]
    return part


def _w3c(sent: Any) -> dict[str, str]:
    if not isinstance(sent, dict):
        return {}
    return {name: sent[name] for name in _W3C if isinstance(sent.get(name), str)}


def _identity(sent: dict[str, Any]) -> _Part:
    """Who called through Cognito; None for anybody else."""
    known = {
        "cognito_identity_id": sent.get("cognitoIdentityId"),
        "cognito_identity_pool_id": sent.get("cognitoIdentityPoolId"),
    }
    return _Part("CognitoIdentity", tuple(known), known)


def _json(text: str, name: str) -> Any:
    if not text:
        return None
    from .json_text import parse

    try:
        return parse(text.encode("latin-1"))
    except ValueError as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from None
