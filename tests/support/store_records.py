"""Records of functions as the store keeps them."""

from __future__ import annotations

from typing import Any

from lambent.local.control.code import code_zip
from lambent.local.store import Record

REGION = "us-east-1"
ACCOUNT = "123456789012"


def configuration(body: bytes, version: str = "$LATEST", **overrides: Any) -> dict[str, Any]:
    return {
        "Version": version,
        "Role": "arn:aws:iam::123456789012:role/r",
        "Runtime": "python3.12",
        "Handler": "handler.handler",
        "MemorySize": 128,
        "Timeout": 3,
        "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "State": "Active",
        "RevisionId": "1",
        **code_zip(body).members(),
        **overrides,
    }


def record(name: str, body: bytes, **overrides: Any) -> Record:
    return Record(REGION, ACCOUNT, name, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}", configuration(body), **overrides)
