"""Asks a function version directly, with the event a Function URL would make of `GET /`, and judges the outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from msgspec import Struct

from lambent.aws.error_codes import CONFLICT
from lambent.aws.interface import Aws
from lambent.aws.values import BUFFERED, STREAMED, Invoked, Settings
from lambent.deploy.desired import PUBLIC
from lambent.deploy.diagnose import Failure, diagnose
from lambent.deploy.observed import wait_until
from lambent.errors import AwsError, DeployError

_PASSING = {
    *("TooManyRequestsException", "ThrottlingException", "ResourceNotReadyException", "SnapStartNotReadyException", CONFLICT),
    *("ServiceException", "ConnectionClosedError", "EndpointConnectionError", "ConnectTimeoutError"),
    *("HTTPClientError", "ResponseStreamingError", "IncompleteReadError"),
}
"""Refusals that time mends. Asking again does no harm: it is a GET."""

_PRELUDE_END = b"\0" * 8


class FunctionFailed(DeployError):
    """The function itself failed when it was asked; `detail` holds its own traceback."""


class Question(Struct, frozen=True):
    """What to ask: a version of a function. With `strict` an answer of 5xx is a failure, and one in another form than that
    of `mode`; `url` is its URL, if it has one.
    """

    function: str
    version: str
    settings: Settings
    strict: bool
    url: str = ""
    mode: str = ""
    auth: str = PUBLIC


def check(aws: Aws, question: Question, within_s: float) -> Invoked:
    """Invokes the version once; throttling and a version that is not ready yet are waited for, at most `within_s` seconds.

    Raises FunctionFailed with the named cause, the cure, and the function's own traceback.
    """
    invoked = _invoke(aws, question, within_s)
    failure = judge(invoked, question.settings, strict=question.strict)
    where = f"function {question.function}, version {question.version}"
    if failure is None:
        if question.strict and question.mode and form(invoked.payload) not in ("", question.mode):
            what = f"the app answers in the form of a {form(invoked.payload)} URL, and its URL is to be {question.mode}"
            raise FunctionFailed(what, where=where, hint="say stream = true or false, not LAMBENT_RESPONSE")
        return invoked
    cause = diagnose(failure)
    raise FunctionFailed(cause.what, where=where, hint=cause.hint, detail=cause.detail)


def _invoke(aws: Aws, question: Question, within_s: float) -> Invoked:
    payload = json.dumps(event(question.url, caller_of(question.settings, question.auth))).encode()
    done: list[Invoked] = []
    refused: list[AwsError] = []

    def invoked() -> bool:
        try:
            if question.mode == STREAMED:  # its answer may have no end
                done.append(aws.invoke_streamed(question.function, question.version, payload, begun_well))
            else:
                done.append(aws.invoke(question.function, question.version, payload))
        except AwsError as error:
            if error.code not in _PASSING:
                raise
            refused[:] = [error]
        return bool(done)

    if not wait_until(invoked, within_s):
        raise refused[0]
    return done[0]


def judge(invoked: Invoked, settings: Settings, *, strict: bool) -> Failure | None:
    """What went wrong, or None. Pure."""
    answer = _parsed(invoked.payload)
    if invoked.error:
        told: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
        return Failure(
            error_type=str(told.get("errorType", "")),
            message=str(told.get("errorMessage", "")),
            trace=_trace(told.get("stackTrace")),
            log=invoked.log,
            settings=settings,
        )
    status = _status(answer)
    if strict and status >= 500:
        return Failure(log=invoked.log, settings=settings, status=status, message=_body(answer))
    return None


def begun_well(payload: bytes) -> bool:
    """Whether these first bytes of a streamed answer are one that works. Pure."""
    return _PRELUDE_END in payload and _status(_parsed(payload)) < 500


def form(payload: bytes) -> str:
    """The URL mode that an answer of a web app is made for; "" if that cannot be told. Pure."""
    if _PRELUDE_END in payload:
        return STREAMED
    answer = _parsed(payload)
    return BUFFERED if isinstance(answer, dict) and "statusCode" in answer else ""


def caller_of(settings: Settings, auth: str) -> str:
    """The account that a URL with this `auth` takes signed requests of, which is the role's; "" when it takes any."""
    return "" if auth == PUBLIC else "".join(settings.role.split(":")[4:5])


def event(url: str, account: str = "") -> dict[str, Any]:
    """`GET /` as a Function URL sends it (payload 2.0); `url` is the function's, if it has one already. With an `account` it is
    a signed request of somebody there.
    """
    host = urlsplit(url).netloc or "lambent-check.lambda-url.on.aws"
    now = time.time()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "host": host,
            "user-agent": "lambent",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": account or "anonymous",
            **({"authorizer": {"iam": _caller(account)}} if account else {}),
            "apiId": host.split(".")[0],
            "domainName": host,
            "domainPrefix": host.split(".")[0],
            "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "lambent"},
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }


def _caller(account: str) -> dict[str, Any]:
    """Nobody there is."""
    who = {"accessKey": "AKIALAMBENTCHECK0000", "accountId": account, "callerId": "AIDALAMBENTCHECK0000"}
    arn = f"arn:aws:iam::{account}:user/lambent-check"
    return who | {"cognitoIdentity": None, "principalOrgId": None, "userArn": arn, "userId": who["callerId"]}


def _parsed(payload: bytes) -> Any:
    """An answer as JSON. A streamed one has its head before the NULs, and becomes what a buffered one would have been."""
    head, streamed, body = payload.partition(_PRELUDE_END)
    try:
        told = json.loads(head)
        return {**told, "body": body.decode("utf-8", "replace")} if streamed and isinstance(told, dict) else told
    except ValueError:
        return None


def _status(answer: Any) -> int:
    """The status a Function URL would make of this answer: 200 for whatever has no statusCode."""
    try:
        return int(answer["statusCode"]) if isinstance(answer, dict) and "statusCode" in answer else 200
    except (TypeError, ValueError):
        return 502


def _body(answer: Any) -> str:
    body = answer.get("body") if isinstance(answer, dict) else None
    return body[:2000] if isinstance(body, str) and not answer.get("isBase64Encoded") else ""


def _trace(stack: Any) -> str:
    """AWS's stackTrace is a list of lines for an exception, and of one text for a syntax error."""
    if isinstance(stack, list):
        return "\n".join(str(line).rstrip("\n") for line in stack)
    return str(stack or "")
