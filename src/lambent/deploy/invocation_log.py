"""The log of one invocation, from its start to its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lambent.aws.interface import Aws
from lambent.aws.values import Invoked
from lambent.deploy.canary_log import parse_invocation_end, same_invocation
from lambent.deploy.polling import wait_until
from lambent.errors import AwsError
from lambent.limits import INIT_MAX_S

_WITHIN_S = 15
"""How long to wait for CloudWatch to show what was logged, which takes it some seconds."""
_BEFORE_S = 60  # clocks differ
_START = re.compile(r"^START RequestId|\"platform\.start\"", re.MULTILINE)


def whole_log(aws: Aws, function: str, version: str, invoked: Invoked, began: float) -> str:
    """Return everything that an invocation logged. What came with its response is at most the last 4 KB.

    `began` is when it was sent, in seconds of Unix time. If the log can't be read, return what came with the response.
    """
    if _START.search(invoked.log) or not (invoked.log and invoked.request_id):
        return invoked.log
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]"
    lines: list[str] = []

    def has_ended() -> bool:
        logged = aws.log_events(f"/aws/lambda/{function}", stream, int((began - _BEFORE_S) * 1000))
        first = next((event for event in logged if invoked.request_id in event.text), None)
        own = same_invocation((event for event in logged if event.stream == first.stream), first) if first else []
        lines[:] = [event.text.rstrip("\n") for event in own]
        return bool(lines) and parse_invocation_end(lines[-1])[0]

    try:
        return "\n".join(lines) if wait_until(has_ended, _WITHIN_S) else invoked.log
    except AwsError:  # for example no permission
        return invoked.log


def slow_start(log: str) -> str:
    """Return a warning if the log says that the app had not started within the time that AWS gives it, else "". Pure."""
    if not re.search(r"INIT_REPORT .*Phase: init\s+Status: timeout", log):
        return ""
    return f"the app needs more than {INIT_MAX_S:.0f} s to start, then AWS starts it over: every cold start will take this long"
