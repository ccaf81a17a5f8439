"""The log of one invocation, from its start to its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lambent.aws.interface import Aws
from lambent.aws.values import Invoked, LogEvent
from lambent.deployment.canary_log import parse_invocation_end, same_invocation
from lambent.deployment.polling import wait_until
from lambent.errors import AwsError
from lambent.limits import INIT_MAX_S
from lambent.names import Names

_WITHIN_S = 15
"""How long to wait for CloudWatch to show what was logged, which takes it some seconds."""
_BEFORE_S = 60  # clocks differ
_DURATION = re.compile(r"\bDuration: ([\d.]+) ms|\"durationMs\": ?([\d.]+)")
_INIT_TIMEOUT = re.compile(
    r"INIT_REPORT .*Phase: init\s+Status: timeout|platform\.initReport.*\"phase\": ?\"init\".*\"status\": ?\"timeout\""
)
_START = re.compile(r"^START RequestId|\"platform\.start\"", re.MULTILINE)


def whole_log(aws: Aws, function: str, version: str, invoked: Invoked, began: float) -> str:
    """Return everything that an invocation logged. What came with its response is at most the last 4 KB.

    `began` is when it was sent, in seconds of Unix time. If the log can't be read, return what came with the response.
    """
    if _START.search(invoked.log) or not (invoked.log and invoked.request_id):
        return invoked.log
    _, own = _read(aws, function, version, invoked, began)
    return "\n".join(event.text.rstrip("\n") for event in own) or invoked.log


def log_of_slow_start(aws: Aws, function: str, version: str, invoked: Invoked, began: float) -> str:
    """Return the environment's log if the app had not started within the time that AWS gives it, else "".

    The log has that before the invocation: it is only read if the invocation took so long that the start was repeated in it.
    """
    duration = _DURATION.search(invoked.log)
    if duration is None or float(duration[1] or duration[2]) < INIT_MAX_S * 1000:
        return ""
    environment, _ = _read(aws, function, version, invoked, began)
    if not any(_INIT_TIMEOUT.search(event.text) for event in environment):
        return ""
    return "\n".join(event.text.rstrip("\n") for event in environment)


def _read(aws: Aws, function: str, version: str, invoked: Invoked, began: float) -> tuple[list[LogEvent], list[LogEvent]]:
    """Return the log of the environment that answered, and the part of it that belongs to the invocation. Wait for its end."""
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]"
    environment: list[LogEvent] = []
    own: list[LogEvent] = []

    def has_ended() -> bool:
        logged = aws.log_events(Names(function, "", "").log_group, stream, int((began - _BEFORE_S) * 1000))
        first = next((event for event in logged if invoked.request_id in event.text), None)
        environment[:] = [event for event in logged if event.stream == first.stream] if first else []
        own[:] = same_invocation(environment, first) if first else []
        return bool(own) and parse_invocation_end(own[-1].text)[0]

    try:
        return (environment, own) if wait_until(has_ended, _WITHIN_S) else ([], [])
    except AwsError:  # for example no permission
        return [], []
