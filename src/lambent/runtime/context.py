"""The context object of an invocation, with the names AWS gives it.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html; the details follow awslambdaric's lambda_context.py.
"""

from __future__ import annotations

import os
from time import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import Invocation

_W3C = ("traceparent", "tracestate", "baggage")


class _Part:
    """A group of attributes that are None unless they were sent."""

    def __init__(self, names: tuple[str, ...], values: dict[str, Any]) -> None:
        for name in names:
            setattr(self, name, values.get(name))


class Context:
    """Whose invocation this is and how long it may take. Client context and identity are read only when asked for."""

    def __init__(self, invocation: Invocation) -> None:
        headers, environ = invocation.headers, os.environ
        self.aws_request_id = invocation.id
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline = int(headers.get("lambda-runtime-deadline-ms") or 0)
        self._headers = headers

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation, never below 0."""
        return max(self._deadline - int(time() * 1000), 0)

    @property
    def identity(self) -> Any:
        """Who called through Cognito: cognito_identity_id and cognito_identity_pool_id, both None for anybody else."""
        sent = self._json("lambda-runtime-cognito-identity")
        part = _Part((), {})
        part.cognito_identity_id = sent.get("cognitoIdentityId")  # type: ignore[attr-defined]
        part.cognito_identity_pool_id = sent.get("cognitoIdentityPoolId")  # type: ignore[attr-defined]
        return part

    @property
    def client_context(self) -> Any:
        """What a mobile SDK sent along (client, custom, env), or None."""
        sent = self._json("lambda-runtime-client-context")
        sent.pop("w3c", None)
        if not sent:
            return None
        part = _Part(("client", "custom", "env"), sent)
        client = sent.get("client")
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        part.client = _Part(names, client) if client else None  # type: ignore[attr-defined]
        return part

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the invocation: traceparent, tracestate, baggage, as far as sent."""
        sent = self._json("lambda-runtime-client-context").get("w3c")
        if not isinstance(sent, dict):
            return {}
        return {name: sent[name] for name in _W3C if isinstance(sent.get(name), str)}

    def _json(self, header: str) -> dict[str, Any]:
        text = self._headers.get(header)
        if not text:
            return {}
        from .json_text import parse

        value = parse(text.encode("latin-1"))
        return value if isinstance(value, dict) else {}

    def __repr__(self) -> str:
        return f"Context(aws_request_id={self.aws_request_id!r}, function_name={self.function_name!r})"
