"""Invocations as the engine records them, for tests of the console."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lambent.local.engine.invocation import Function, Invocation, Outcome, Report
from lambent.local.engine.recorder import Execution

ARN = "arn:aws:lambda:us-east-1:123456789012:function:web"
URL_EVENT = {"version": "2.0", "rawPath": "/orders/7", "requestContext": {"http": {"method": "GET"}}, "headers": {}}


def make_execution(number: int = 1, event: object = URL_EVENT, answer: object = None, **changes: Any) -> Execution:
    """Return an invocation that has ended. `changes` may set members of Execution, or `init_ms`, `error` and `qualifier`."""
    function = Function(
        arn=ARN, name="web", version="3", region="us-east-1", account="123456789012", role="", runtime="python3.13",
        handler="main.handler", memory_mb=128, timeout_s=10, tmp_mb=512, environment=(), code=Path("/code"), code_sha256="",
        log_group="/aws/lambda/web",
    )  # fmt: skip
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    arn = f"{ARN}:{changes.pop('qualifier', 'live')}".removesuffix(":")
    error = changes.pop("error", "")
    report = Report(f"request-{number}", 12.345, 128, 40, changes.pop("init_ms", None), "timeout" if error else "", error)
    returned = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    outcome = Outcome(returned, "Unhandled" if error else "", "", report, "2026/11/30/[3]abc")
    invocation = Invocation(f"request-{number}", payload, arn, "Root=1")
    return Execution(
        **{
            "id": number, "function": function, "invocation": invocation, "started_ms": 1000 * number,
            "ended_ms": 1000 * number + 13, "outcome": outcome, **changes,
        }
    )  # fmt: skip
