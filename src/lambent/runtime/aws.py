"""A web app as a handler, `lambent_runtime.aws.handler`, for AWS's own runtime client (`runtime_client = "aws"`).

LAMBENT_APP names the app, which is loaded and started while this module is imported: during init, as in our own loop. AWS's
client can't stream responses, and it waits for what an app does after its response: its own work, and that of its trackers.
"""

from __future__ import annotations

import os
import sys
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself imports enum
from binascii import b2a_base64
from time import time

from .after_response import caller
from .fault import Fault, describe
from .invocation_loop import leave
from .json_text import parse
from .log import Log, flush
from .request import NotHttp, read
from .response import Response
from .startup import start_app
from .trackers import Trackers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .event_handler import EventHandler
    from .host import Host

__all__ = ["handler"]

_ESCAPES = sys.version_info < (3, 12)  # awslambdaric, bootstrap.py: json.dumps with ensure_ascii until then
_LONG = 500_000
"""Characters from which on the encoding of a text matters to the limit of 6,291,556 bytes."""


def _as_aws_fault(error: Fault) -> Exception:
    """Return the error as one of AWS's client, which then reports its kind."""
    exceptions = sys.modules.get("awslambdaric.lambda_runtime_exception")
    if exceptions is None:
        return error
    fault: Exception = exceptions.FaultException(error.kind, str(error), error.trace)
    return fault


def _start() -> tuple[Host | None, EventHandler | None, Callable[[], None] | None]:
    try:
        if os.environ.get("LAMBENT_SECRETS"):
            from . import secrets

            secrets.reload_after_restore()  # registered before the app's own hooks, which may need the secrets
        host, events = start_app(os.environ["LAMBENT_APP"], _log)
        name = os.environ.get("LAMBENT_AFTER_RESPONSE")
        return host, events, caller(name, host, _log) if name else None
    except Fault as error:
        raise _as_aws_fault(error) from None


class _Terminator:
    """Shuts the app down at SIGTERM, unless an event is being handled."""

    def __init__(self) -> None:
        self.idle = True

    def __call__(self, number: int, frame: Any) -> None:
        if not self.idle:
            return
        try:
            if _host is not None:
                _host.close()
        except Exception as error:
            _log.error(describe(error, ""))
        leave(0)


_log = Log()
_terminator = _Terminator()
if sys.version_info >= (3, 12):  # with earlier versions AWS's client waits in C, where no Python signal handler runs
    signal(SIGTERM, _terminator)  # before the app is imported, so that the app's own handler wins
_host, _events, _after_response = _start()
_trackers = Trackers(_log)


def handler(event: Any, context: Any) -> Any:
    """Answer an HTTP request, or pass another event to the events function. Without one, raise: the invocation fails."""
    _terminator.idle = False
    try:
        return _answer(event, context)
    finally:
        _pause(context)
        flush()
        _terminator.idle = True


def _pause(context: Any) -> None:
    """Do what our own loop does after a response, before it here: AWS's client freezes the process with the response."""
    if _after_response is not None:
        _after_response()
    if "sentry_sdk" in sys.modules or "opentelemetry.sdk" in sys.modules or "ddtrace" in sys.modules:
        _trackers.flush(int(time() * 1000) + context.get_remaining_time_in_millis())


def _answer(event: Any, context: Any) -> Any:
    _log.request_id, _log.tenant_id = context.aws_request_id, getattr(context, "tenant_id", None)
    if _host is None:
        assert _events is not None
        return _events.call(event, context)
    try:
        request = read(event, context, os.environ.get("LAMBENT_BASE_PATH", ""))
    except NotHttp as error:
        if _events is not None:
            return _events.call(event, context)
        raise _as_aws_fault(Fault("Function.NotHttp", str(error))) from None
    bodies: list[bytes] = []
    response = Response(request, bodies.append)
    try:
        _host.handle(request, response)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a cancelled task's error is not an Exception
        _log.error(describe(error, context.aws_request_id))
        if not response.ended:
            response.fail()
    else:
        if response.error is not None and response.is_check:  # not every framework logs it
            _log.error(describe(response.error, context.aws_request_id))
    response.close()
    result = parse(bodies[0])
    return result if request.form == "1.0" else _compact(result)


def _compact(result: dict[str, Any]) -> dict[str, Any]:
    """Encode long texts as base64 if AWS's client would write six bytes per non-ASCII character and exceed the limit."""
    body: str = result["body"]
    if _ESCAPES and len(body) > _LONG and not result["isBase64Encoded"] and not body.isascii():
        encoded = b2a_base64(body.encode("utf-8", "surrogatepass"), newline=False)
        result.update(body=str(encoded, "ascii"), isBase64Encoded=True)
    return result
