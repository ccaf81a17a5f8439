"""A web app as a plain handler, `lambent_runtime.aws.handler`, for AWS's own runtime client (`runtime_client = "aws"`).

The app is the one LAMBENT_APP names, found and started while this module is imported: at init, as on our own loop. What AWS's
client cannot do is missing here: streamed answers, and work after the answer (it waits for that work instead).
"""

from __future__ import annotations

import os
import sys
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself brings enum
from binascii import b2a_base64

from .fault import Fault, describe
from .handler import find
from .hosts import make_host
from .json_text import parse
from .log import Log, flush
from .loop import leave
from .reply import Answer
from .request import NotHttp, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["handler"]

_ESCAPES = sys.version_info < (3, 12)  # awslambdaric, bootstrap.py: json.dumps with ensure_ascii until then
_LONG = 500_000
"""Characters from which on a text matters to the 6,291,556 bytes that an answer may have."""


def _in_aws_words(error: Fault) -> Exception:
    """The same as an error of AWS's client, which then keeps its kind."""
    theirs = sys.modules.get("awslambdaric.lambda_runtime_exception")
    if theirs is None:
        return error
    fault: Exception = theirs.FaultException(error.kind, str(error), error.trace)
    return fault


def _start() -> Any:
    try:
        if os.environ.get("LAMBENT_SECRETS"):
            from . import secrets

            secrets.load()
            secrets.reload_after_restore()
        if os.environ.get("LAMBENT_OVERFLOW"):
            from . import overflow

            overflow.load(_log)
        host = make_host(find(os.environ["LAMBENT_APP"]))
        host.start()
        return host
    except Fault as error:
        raise _in_aws_words(error) from None


class _Terminator:
    """Shuts the app down at SIGTERM, while no event is handled."""

    def __init__(self) -> None:
        self.idle = True

    def __call__(self, number: int, frame: Any) -> None:
        if not self.idle:
            return
        try:
            _host.close()
        except Exception as error:
            _log.error(describe(error, ""))
        leave(0)


_log = Log()
_terminator = _Terminator()
if sys.version_info >= (3, 12):  # under earlier ones AWS's client waits in C, where no handler of Python's runs
    signal(SIGTERM, _terminator)  # before the app is imported, so that one of its own wins
_host = _start()


def handler(event: Any, context: Any) -> Any:
    """Answers an event that is an HTTP request. Raises for any other, so that the invocation fails."""
    _terminator.idle = False
    try:
        return _answer(event, context)
    finally:
        flush()
        _terminator.idle = True


def _answer(event: Any, context: Any) -> Any:
    _log.request_id, _log.tenant_id = context.aws_request_id, getattr(context, "tenant_id", None)
    if hasattr(_host, "serve"):
        return _host.call(event, context)
    try:
        request = read(event, context, os.environ.get("LAMBENT_BASE_PATH", ""))
    except NotHttp as error:
        if hasattr(_host, "others"):
            return _host.call(event, context)
        raise _in_aws_words(Fault("Function.NotHttp", str(error))) from None
    posted: list[bytes] = []
    answer = Answer(request, posted.append)
    try:
        _host.handle(request, answer)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a cancelled task's, for one, is no Exception
        _log.error(describe(error, context.aws_request_id))
        if not answer.ended:
            answer.fail()
    answered = parse(posted[0])
    return answered if request.form == "1.0" else _spared(answered)


def _spared(answered: dict[str, Any]) -> dict[str, Any]:
    """Long texts as base64 where AWS's client would write six bytes for each character beyond ASCII, and so pass the 6 MB."""
    body: str = answered["body"]
    if _ESCAPES and len(body) > _LONG and not answered["isBase64Encoded"] and not body.isascii():
        encoded = b2a_base64(body.encode("utf-8", "surrogatepass"), newline=False)
        answered |= {"body": str(encoded, "ascii"), "isBase64Encoded": True}
    return answered
