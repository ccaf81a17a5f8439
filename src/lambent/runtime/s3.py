"""Reads parts of an object in S3 with the credentials in the environment. Imported only to download packages."""

from __future__ import annotations

from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import time

from .aws_api import RequestFailed, TemporaryFailure, credentials, domain, split_url
from .environment import variable
from .signature import sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPResponse
    from typing import Any

_ATTEMPT_S = 5.0
WRONG_ARCHIVE = "it is not the archive that this version was deployed with"
_FINAL = ("NoSuchKey", "NoSuchBucket", "InvalidRange", "PermanentRedirect", "AuthorizationHeaderMalformed")


class S3Object:
    """One object ("s3://bucket/key") in S3, or at AWS_ENDPOINT_URL."""

    def __init__(self, location: str) -> None:
        bucket, _, key = location[len("s3://") :].partition("/")
        region = variable("AWS_REGION")
        endpoint = variable("AWS_ENDPOINT_URL_S3") or variable("AWS_ENDPOINT_URL")
        host = f"s3.{region}.{domain(region)}"
        if endpoint:
            self._scheme, self._host, base = split_url(endpoint)
            self._path = f"{base.rstrip('/')}/{bucket}/{key}"
        elif "." in bucket:  # no certificate covers such a host name
            self._scheme, self._host, self._path = "https", host, f"/{bucket}/{key}"
        else:
            self._scheme, self._host, self._path = "https", f"{bucket}.{host}", f"/{key}"
        self._region = region
        self._context: Any = None

    def connection(self) -> HTTPConnection:
        if self._scheme == "http":
            return HTTPConnection(self._host, timeout=_ATTEMPT_S)
        if self._context is None:
            from ssl import create_default_context

            self._context = create_default_context()
        return HTTPSConnection(self._host, timeout=_ATTEMPT_S, context=self._context)

    def get_range(self, connection: HTTPConnection, start: int, size: int) -> HTTPResponse:
        """Return the response whose body is that part. Raise TemporaryFailure or RequestFailed."""
        headers = {
            "host": self._host,
            "range": f"bytes={start}-{start + size - 1}",
            "x-amz-content-sha256": sha256(b"").hexdigest(),
        }
        scope = (self._region, "s3")
        signed = sign(headers, b"", request=("GET", self._path), scope=scope, keys=credentials(_ATTEMPT_S), timestamp=time())
        try:
            connection.request("GET", self._path, headers=signed)
            response = connection.getresponse()
            if response.status == 206 and response.length == size:
                return response
            body = response.read(4096).decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            message = f"no reply from {self._host} ({error or type(error).__name__}); "
            raise TemporaryFailure(f"{message}in a VPC you need a gateway endpoint for S3 or a NAT") from None
        raise self._error(response.status, body)

    def _error(self, status: int, body: str) -> Exception:
        code = body.partition("<Code>")[2].partition("</Code>")[0] or str(status)
        message = body.partition("<Message>")[2].partition("</Message>")[0]
        text = f"{code}: {message or f'{self._host} answered {status}'}"
        if status in (200, 206, 416):
            text = f"{WRONG_ARCHIVE}: its size differs"
        elif status == 403:
            text += " (the function's role needs s3:GetObject; S3 also says this if the archive no longer exists)"
        final = code in _FINAL or status in (200, 206, 404, 416)
        return RequestFailed(text) if final else TemporaryFailure(text)
