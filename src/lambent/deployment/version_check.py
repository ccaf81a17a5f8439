"""Invokes a function version directly, with the event that a Function URL makes of `GET /`, and judges the response.

A handler of other events than HTTP requests isn't called: made-up data might do harm. It is only started, which imports it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.error_codes import CONFLICT
from lambent.aws.interface import Aws
from lambent.aws.values import BUFFERED, STREAMED, Invoked, Settings
from lambent.deployment.check_path import check_path, only_starts
from lambent.deployment.context import DeployContext
from lambent.deployment.desired import PUBLIC
from lambent.deployment.diagnose import diagnose
from lambent.deployment.failure import Failure
from lambent.deployment.invocation_log import whole_log
from lambent.deployment.polling import wait_until
from lambent.deployment.refused_host import REFUSALS, explain_refused_host, refuses_host
from lambent.deployment.request_parts import missing_part
from lambent.deployment.writable import logged_write
from lambent.errors import AwsError, FunctionFailedError, GrantsLostError

_TRANSIENT = {
    *("TooManyRequestsException", "ThrottlingException", "ResourceNotReadyException", "SnapStartNotReadyException", CONFLICT),
    *("ServiceException", "ConnectionClosedError", "EndpointConnectionError", "ConnectTimeoutError"),
    *("HTTPClientError", "ResponseStreamingError", "IncompleteReadError"),
}
"""Refusals that pass with time. Invoking again does no harm: it is a GET."""

CHECK_HOST = "lambent-check.lambda-url.on.aws"
"""The host of a function without a URL."""

START_EVENT = {"lambent": "only start"}
"""The event that lambent's client answers without calling the handler: see `runtime/event_handler.py`."""

_APP_HOST = re.compile(r"(?!.*\.lambda-url\.).*\.localhost(:\d+)?")
"""The local Lambda's own host names for URLs. As behind a proxy, the app sees them in Host only."""

_PRELUDE_END = b"\0" * 8


class CheckRequest(Struct, frozen=True):
    """What to check: a version of a function, and its URL if it has one.

    With `strict`, as for a web app, a response in another form than that of the URL's `mode` is a failure.
    """

    function: str
    version: str
    settings: Settings
    strict: bool
    url: str = ""
    mode: str = ""
    auth: str = PUBLIC


class Checked(Struct, frozen=True):
    """What the version answered. `missing` is the part of a request that its handler failed without, in words, or "".

    `where` is the position of that failure. `failed_write` is what the app failed to write next to its code, and went on
    without.
    """

    invoked: Invoked
    missing: str = ""
    where: str = ""
    failed_write: str = ""

    def warning(self, path: str) -> tuple[str, str]:
        """Return what the check could not tell, and how to find out. `path` is the check's."""
        needs = f"it needs {self.missing}, which GET {path} doesn't have{self.where}"
        return f"the check can't tell whether the handler works: {needs}", "send the URL a request that it is for"


def check(context: DeployContext, request: CheckRequest) -> Checked:
    """Invoke the version once. Wait for throttling to pass and for the version to become ready, at most `timing.answer_s`.

    Raises FunctionFailedError with the cause, what to do, and the function's own traceback. A handler function that only fails
    because the request of the check isn't one that it takes is no failure.
    """
    began = time.time()
    invoked = _invoke(context.aws, request, context.timing.answer_s)
    failure = judge(invoked, request.settings)
    if failure is not None:
        log = whole_log(context.aws, request.function, request.version, invoked, began)
        project = {"add_command": context.add_command, "own_names": context.own_names, "packages": context.packages}
        failure = replace(failure, log=log, **project)
        if not request.strict and (missing := missing_part(failure)):
            return Checked(invoked, missing, failure.where)
    where = f"function {request.function}, version {request.version}"
    if failure is not None:
        host = urlsplit(request.url).netloc or CHECK_HOST
        cause = diagnose(failure) if failure.status not in REFUSALS else explain_refused_host(failure, host)
        raise FunctionFailedError(
            cause.what, where=where, hint=cause.hint, detail=cause.detail, failed_write=cause.failed_write
        )
    mode = response_mode(invoked.payload)
    if request.strict and request.mode and mode not in ("", request.mode):
        what = f"the app responds for a {mode} URL, but its URL is set to {request.mode}"
        raise FunctionFailedError(what, where=where, hint="set stream = true or false instead of LAMBENT_RESPONSE")
    return Checked(invoked, failed_write=logged_write(invoked.log))


def _invoke(aws: Aws, request: CheckRequest, within_s: float) -> Invoked:
    payload = json.dumps(event_for(request.settings, request.url, request.auth)).encode()
    results: list[Invoked] = []
    refusal = AwsError("")

    def invoked() -> bool:
        nonlocal refusal
        try:
            if request.mode == STREAMED:  # its response may never end
                results.append(aws.invoke_streamed(request.function, request.version, payload, is_good_start))
            else:
                results.append(aws.invoke(request.function, request.version, payload))
        except AwsError as error:
            if error.code == "KMSAccessDeniedException":
                raise _lost_grants(request) from error
            if error.code not in _TRANSIENT:
                raise
            refusal = error
        return bool(results)

    if not wait_until(invoked, within_s):
        raise refusal
    return results[0]


def _lost_grants(request: CheckRequest) -> GrantsLostError:
    """KMS's grants belong to the role as it was, not to a new one of the same name. Setting it again makes new grants."""
    what = "AWS can't decrypt the function's environment variables: its role was deleted and created again"
    role = f"aws lambda update-function-configuration --function-name {request.function} --role {request.settings.role}"
    hint = f"{role} && lambent deploy, which sets the role again and publishes a new version"
    return GrantsLostError(what, where=f"function {request.function}, version {request.version}", hint=hint)


def judge(invoked: Invoked, settings: Settings) -> Failure | None:
    """Return what went wrong, or None. Pure."""
    response = _parse(invoked.payload)
    if invoked.error:
        error: Mapping[str, Any] = response if isinstance(response, dict) else {}
        return Failure(
            error_type=str(error.get("errorType", "")),
            message=str(error.get("errorMessage", "")),
            trace=_trace(error.get("stackTrace")),
            log=invoked.log,
            settings=settings,
        )
    status = _status(response)
    failure = Failure(log=invoked.log, settings=settings, status=status, body=_body(response))
    return failure if status >= 500 or refuses_host(failure) else None


def is_good_start(payload: bytes) -> bool:
    """Return whether these first bytes of a streamed response show that the app works. Pure."""
    return _PRELUDE_END in payload and _is_good_status(_status(_parse(payload)))


def _is_good_status(status: int) -> bool:
    return status < 500 and status not in REFUSALS  # of which the body says more


def response_mode(payload: bytes) -> str:
    """Return the URL mode that a web app's response is made for, or "" if that is unclear. Pure."""
    if _PRELUDE_END in payload:
        return STREAMED
    response = _parse(payload)
    return BUFFERED if isinstance(response, dict) and "statusCode" in response else ""


def account_of_caller(settings: Settings, auth: str) -> str:
    """Return the account whose signed requests a URL with this `auth` accepts: the role's. "" if it accepts any request."""
    return "" if auth == PUBLIC else "".join(settings.role.split(":")[4:5])


def event_for(settings: Settings, url: str, auth: str) -> dict[str, Any]:
    """Return the event that checks a version with these settings, behind a URL of this `auth`. Pure, except for the time."""
    if only_starts(settings):
        return START_EVENT
    return check_event(url, account_of_caller(settings, auth), check_path(settings))


def check_event(url: str, account: str = "", target: str = "/") -> dict[str, Any]:
    """Return `GET target` as a Function URL sends it (payload 2.0); `url` is the function's, if it has one already.

    With an `account` it is a signed request of a user there.
    """
    host = urlsplit(url).netloc or CHECK_HOST
    path, _, query = target.partition("?")
    domain = CHECK_HOST if _APP_HOST.fullmatch(host) else host
    now = time.time()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        **({"queryStringParameters": dict(parse_qsl(query, keep_blank_values=True))} if query else {}),
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
            "apiId": domain.split(".")[0],
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "lambent"},
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }


def _caller(account: str) -> dict[str, Any]:
    """Return a user who doesn't exist."""
    user = {"accessKey": "AKIALAMBENTCHECK0000", "accountId": account, "callerId": "AIDALAMBENTCHECK0000"}
    arn = f"arn:aws:iam::{account}:user/lambent-check"
    return user | {"cognitoIdentity": None, "principalOrgId": None, "userArn": arn, "userId": user["callerId"]}


def _parse(payload: bytes) -> Any:
    """Parse a response as JSON. A streamed one has its head before the NULs, and becomes what a buffered one would be."""
    head, streamed, body = payload.partition(_PRELUDE_END)
    try:
        response = json.loads(head)
        if streamed and isinstance(response, dict):
            return {**response, "body": body.decode("utf-8", "replace")}
        return response
    except ValueError:
        return None


def _status(response: Any) -> int:
    """Return the status that a Function URL would give this response: 200 for anything without a statusCode."""
    try:
        return int(response["statusCode"]) if isinstance(response, dict) and "statusCode" in response else 200
    except (TypeError, ValueError):
        return 502


def _body(response: Any) -> str:
    body = response.get("body") if isinstance(response, dict) else None
    if not isinstance(body, str):
        return ""
    return base64.b64decode(body).decode("utf-8", "replace") if response.get("isBase64Encoded") else body


def _trace(stack: Any) -> str:
    """AWS's stackTrace is a list of lines for an exception, and one text for a syntax error."""
    if isinstance(stack, list):
        return "\n".join(str(line).rstrip("\n") for line in stack)
    return str(stack or "")
