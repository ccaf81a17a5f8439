"""Calls a function with one event, and shows its result and its log."""

from __future__ import annotations

import json
import time
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lambent import log_events
from lambent.aws.interface import Aws
from lambent.aws.values import Function, Invoked, LogEvent
from lambent.deployment.invocation_log import whole_log
from lambent.deployment.request_log import RequestLog
from lambent.deployment.rollback import hosts_web_app
from lambent.deployment.sample_events import Sender, merged, sample_event
from lambent.deployment.secret_values import Mask
from lambent.deployment.version_check import account_of_caller
from lambent.errors import DeployError, NotDeployedError, UsageError
from lambent.events import Emit
from lambent.log_events import LoggedRequest
from lambent.names import ALIAS

_LATEST = "$LATEST"


class Callee(Struct, frozen=True):
    """What is called: `qualifier` is the alias, a version, or "" for $LATEST, and `function` what is behind it."""

    name: str
    qualifier: str
    function: Function

    @property
    def location(self) -> str:
        return f"function {self.name}, version {self.function.version}"


def find_callee(aws: Aws, name: str, version: str = "") -> Callee:
    """Return a version, or the live one, or $LATEST of a function that lambent didn't deploy.

    Raises DeployError if there is no such function, UsageError if it has no such version.
    """
    qualifiers = (version,) if version else (ALIAS, "")
    for qualifier in qualifiers:
        function = aws.function(name, qualifier)
        if function is not None:
            return Callee(name, qualifier, function)
    if version and aws.function(name) is not None:
        raise UsageError(f"{name} has no version {version}", where="--version", hint="lambent versions lists them")
    raise NotDeployedError(name, "is not deployed", aws.account(), aws.region)


def build_event(aws: Aws, callee: Callee, text: str | None, sample: str) -> bytes:
    """Return the event to send, as JSON.

    `text` is the user's JSON, None for none. With a `sample`, it only changes members of that event. Without both, a web app
    gets a GET / from its URL, and a handler an empty object. Raises UsageError for what isn't JSON.
    """
    if text is None and not sample:
        sample = "url" if hosts_web_app(callee.function.settings) else ""
    if not sample:
        parsed = _parse(text) if text is not None else {}
        return json.dumps(parsed).encode()
    changes = _parse(text) if text is not None else {}
    if not isinstance(changes, dict):
        raise UsageError(
            "with --event, EVENT must be a JSON object: the members to change", where="EVENT", hint='\'{"rawPath": "/x"}\''
        )
    url = aws.url(callee.name, ALIAS) or aws.url(callee.name, "")
    caller = account_of_caller(callee.function.settings, url.auth) if url else ""
    sender = Sender(aws.account(), aws.region, url.address if url else "", caller)
    return json.dumps(merged(sample_event(sample, sender), changes)).encode()


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        hint = 'EVENT is JSON, a file with JSON, or - for stdin: lambent invoke \'{"key": "value"}\''
        raise UsageError(f"the event isn't JSON: {error}", where="EVENT", hint=hint) from None


def invoke(aws: Aws, callee: Callee, payload: bytes, emit: Emit) -> None:
    """Send the event, and emit the result with the log. Raises DeployError if the function failed."""
    began = time.time()
    invoked = aws.invoke(callee.name, callee.qualifier, payload)
    log = whole_log(aws, callee.name, callee.function.version, invoked, began)
    mask = Mask([dict(callee.function.settings.environment)])
    text = invoked.payload.decode("utf-8", "replace")
    emit(log_events.Invoked(text, invoked.error, invoked.request_id, _request(log, invoked, mask)))
    if invoked.error:
        what = f"the function failed: {describe_error(text)}"
        raise DeployError(what, where=callee.location, hint="fix the error, then lambent deploy")


def invoke_async(aws: Aws, callee: Callee, payload: bytes, emit: Emit) -> None:
    """Queue the event and emit its request ID."""
    emit(log_events.Queued(callee.name, aws.invoke_async(callee.name, callee.qualifier, payload)))


def _request(log: str, invoked: Invoked, mask: Mask) -> LoggedRequest:
    requests = RequestLog()
    logged = [LogEvent("", f"[{_LATEST}]", 0, text) for text in split_log(log)]
    shown = [*requests.add(logged), *requests.rest()] or [LoggedRequest(invoked.request_id, 0)]
    request = shown[-1]
    lines = tuple(replace(line, text=mask(line.text)) for each in shown for line in each.lines)
    return replace(request, lines=lines, at_ms=int(time.time() * 1000))


def split_log(text: str) -> list[str]:
    """Return the events of a log that is one text: a traceback of AWS's client is one event of many lines. Pure."""
    records: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").splitlines():
        is_heading = line.startswith("Traceback (") and records and records[-1].startswith("[ERROR] ")
        if records and (is_heading or line.startswith("\xa0")):
            records[-1] += f"\n{line}"
        else:
            records.append(line)
    return records


def describe_error(payload: str) -> str:
    """Return an error in Lambda's form (errorType, errorMessage) as text, and the beginning of anything else. Pure."""
    try:
        error = json.loads(payload)
    except ValueError:
        error = None
    if not isinstance(error, dict):
        return payload[:200]
    return ": ".join(str(error[key]) for key in ("errorType", "errorMessage") if error.get(key)) or payload[:200]
