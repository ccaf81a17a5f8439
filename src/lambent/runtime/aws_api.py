"""Calls AWS's JSON services with the credentials in the environment: the runtime's only bit of an SDK.

It is imported only to read secrets. boto3 takes most of a second to import and may not be installed.
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

_ATTEMPT_S = 3.0
_PAUSE_S = 0.1
_THROTTLED = ("Throttling", "TooManyRequests", "RequestLimitExceeded", "SlowDown")
_ENDPOINT_VARIABLES = {"ssm": "AWS_ENDPOINT_URL_SSM", "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER"}

_contexts: list[SSLContext] = []
_context_lock = Lock()


class RequestFailed(Exception):
    """AWS refused the request or didn't reply. The message is for people and holds no secret."""


class TemporaryFailure(Exception):
    """A failure that another attempt may not have."""


def call(service: str, operation: str, parameters: dict[str, Any], region: str, until: float) -> Any:
    """Call an operation ("AmazonSSM.GetParameters") and return its result.

    Retry after 5xx, throttling and broken connections until the monotonic time `until`. Raise RequestFailed.
    """
    endpoint, pause = _endpoint(service, region), _PAUSE_S
    while True:
        remaining_s = until - monotonic()
        try:
            return _attempt(endpoint, operation, dump(parameters), (region, service), min(_ATTEMPT_S, max(remaining_s, 0.1)))
        except (OSError, HTTPException) as error:
            host = endpoint.rpartition("@")[2]
            message = f"no reply from {host} ({error or type(error).__name__}); in a VPC you need a NAT or a VPC endpoint"
        except TemporaryFailure as failure:
            message = str(failure)
        pause *= 1 + time_ns() % 1000 / 1000  # random, since many environments may start at once
        if monotonic() + pause >= until:
            raise RequestFailed(message)
        sleep(pause)


def _endpoint(service: str, region: str) -> str:
    default = f"https://{service}.{region}.{domain(region)}"
    return variable(_ENDPOINT_VARIABLES[service]) or variable("AWS_ENDPOINT_URL") or default


def _attempt(endpoint: str, operation: str, body: bytes, scope: tuple[str, str], timeout_s: float) -> Any:
    _, host, path = split_url(endpoint.rstrip("/"))
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-target": operation}
    signed = sign(headers, body, request=("POST", path), scope=scope, keys=credentials(timeout_s), timestamp=time())
    status, result = _exchange("POST", endpoint.rstrip("/"), signed, body, timeout_s)
    if status == 200:
        return result
    error = result if isinstance(result, dict) else {}
    code = str(error.get("__type", "")).rpartition("#")[2] or str(status)
    text = f"{code}: {error.get('message') or error.get('Message') or f'{host} answered {status}'}"
    if status >= 500 or status == 429 or code.startswith(_THROTTLED):
        raise TemporaryFailure(text)
    raise RequestFailed(text)


def _exchange(method: str, url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> tuple[int, Any]:
    """Send a request. Return the status and the JSON of the reply, None if it isn't JSON."""
    scheme, host, path = split_url(url)
    connection = HTTPConnection(host, timeout=timeout_s) if scheme == "http" else _secure(host, timeout_s)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    try:
        return response.status, parse(data)
    except ValueError:
        return response.status, None


def _secure(host: str, timeout_s: float) -> HTTPSConnection:
    """Open a TLS connection. All share one context: reading the CA certificates takes longer than everything else."""
    with _context_lock:
        if not _contexts:
            _contexts.append(create_default_context())
    return HTTPSConnection(host, timeout=timeout_s, context=_contexts[0])


def domain(region: str) -> str:
    """Return the domain of AWS's services in a region."""
    return {"cn-": "amazonaws.com.cn", "eus": "amazonaws.eu"}.get(region[:3], "amazonaws.com")


def split_url(url: str) -> tuple[str, str, str]:
    """Return scheme, host with port, and path. Importing `urllib` takes too long."""
    scheme, _, location = url.partition("://")
    host, slash, path = location.partition("/")
    return scheme, host, slash + path or "/"


def credentials(timeout_s: float) -> tuple[str, str, str]:
    """Return the role's access key, secret and token, from the environment or from where SnapStart provides them.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """
    access = variable("AWS_ACCESS_KEY_ID")
    url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if access or not url:
        return access, variable("AWS_SECRET_ACCESS_KEY"), variable("AWS_SESSION_TOKEN")
    headers = {"authorization": variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")}
    status, result = _exchange("GET", url, headers, b"", timeout_s)
    if status != 200 or not isinstance(result, dict):
        raise TemporaryFailure(f"the function's credentials could not be read: {url} answered {status}")
    return result["AccessKeyId"], result["SecretAccessKey"], result["Token"]
