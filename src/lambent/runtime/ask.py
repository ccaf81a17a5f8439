"""Asks one of AWS's JSON services, with the credentials in the environment: what there is of an SDK in the runtime.

Imported only where secrets are read. boto3 would take most of a second of the start, and need not be there.
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext, create_default_context
from threading import Lock
from time import monotonic, sleep, time, time_ns

from .environment import variable
from .json_text import dump, parse
from .signature import sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRY_S = 3.0
_PAUSE_S = 0.1
_THROTTLED = ("Throttling", "TooManyRequests", "RequestLimitExceeded", "SlowDown")
_OWN_ENDPOINT = {"ssm": "AWS_ENDPOINT_URL_SSM", "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER"}

_contexts: list[SSLContext] = []
_one_context = Lock()


class Refused(Exception):
    """AWS said no, or nothing. The text is for people, and holds no secret."""


class Again(Exception):
    """A failure that another try may mend; the text says what it was."""


def ask(service: str, target: str, question: dict[str, Any], region: str, until: float) -> Any:
    """The answer to one operation (`target`). Tries again after 5xx, throttling and broken connections until the monotonic
    time `until`. Raises Refused.
    """
    endpoint, pause = _endpoint(service, region), _PAUSE_S
    while True:
        left = until - monotonic()
        try:
            return _once(endpoint, target, dump(question), (region, service), min(_TRY_S, max(left, 0.1)))
        except (OSError, HTTPException) as error:
            host = endpoint.rpartition("@")[2]
            said = f"no answer from {host} ({error or type(error).__name__}); in a VPC it takes a NAT or a VPC endpoint"
        except Again as again:
            said = str(again)
        pause *= 1 + time_ns() % 1000 / 1000  # at random: many environments may start at once
        if monotonic() + pause >= until:
            raise Refused(said)
        sleep(pause)


def _endpoint(service: str, region: str) -> str:
    suffix = ".cn" if region.startswith("cn-") else ""
    usual = f"https://{service}.{region}.amazonaws.com{suffix}"
    return variable(_OWN_ENDPOINT[service]) or variable("AWS_ENDPOINT_URL") or usual


def _once(endpoint: str, target: str, body: bytes, scope: tuple[str, str], timeout_s: float) -> Any:
    _, host, path = parts(endpoint.rstrip("/"))
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-target": target}
    signed = sign(headers, body, request=("POST", path), scope=scope, keys=keys(timeout_s), now=time())
    status, said = _exchange("POST", endpoint.rstrip("/"), signed, body, timeout_s)
    if status == 200:
        return said
    told = said if isinstance(said, dict) else {}
    code = str(told.get("__type", "")).rpartition("#")[2] or str(status)
    text = f"{code}: {told.get('message') or told.get('Message') or f'{host} answered {status}'}"
    if status >= 500 or status == 429 or code.startswith(_THROTTLED):
        raise Again(text)
    raise Refused(text)


def _exchange(method: str, url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> tuple[int, Any]:
    """Status and JSON of an answer; None for what is no JSON."""
    scheme, host, path = parts(url)
    connection = HTTPConnection(host, timeout=timeout_s) if scheme == "http" else _secure(host, timeout_s)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, parse(data)
    except ValueError:
        return answer.status, None


def _secure(host: str, timeout_s: float) -> HTTPSConnection:
    """All share one context: to read the authorities takes longer than all else here."""
    with _one_context:
        if not _contexts:
            _contexts.append(create_default_context())
    return HTTPSConnection(host, timeout=timeout_s, context=_contexts[0])


def parts(url: str) -> tuple[str, str, str]:
    """Scheme, host with its port, and path. `urllib` would bring more than is needed."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path or "/"


def keys(timeout_s: float) -> tuple[str, str, str]:
    """The role's credentials: variables, or where SnapStart has them.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """
    access = variable("AWS_ACCESS_KEY_ID")
    place = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if access or not place:
        return access, variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")
    headers = {"authorization": variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")}
    status, told = _exchange("GET", place, headers, b"", timeout_s)
    if status != 200 or not isinstance(told, dict):
        raise Again(f"the function's credentials could not be read: {place} answered {status}")
    return told["AccessKeyId"], told["SecretAccessKey"], told["Token"]
