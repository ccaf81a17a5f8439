"""Parts of an object in S3, with the credentials in the environment. Imported only where packages are fetched from there."""

from __future__ import annotations

from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import time

from .ask import Again, Refused, keys, parts
from .environment import variable
from .signature import sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPResponse
    from typing import Any

_TRY_S = 5.0
OTHER = "it is not the archive that this version was deployed with"
_FINAL = ("NoSuchKey", "NoSuchBucket", "InvalidRange", "PermanentRedirect", "AuthorizationHeaderMalformed")


class Server:
    """S3, or what stands for it: AWS_ENDPOINT_URL."""

    def __init__(self, place: str) -> None:
        bucket, _, key = place.removeprefix("s3://").partition("/")
        region = variable("AWS_REGION")
        own = variable("AWS_ENDPOINT_URL_S3") or variable("AWS_ENDPOINT_URL")
        usual = f"s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        if own:
            self._scheme, self._host, base = parts(own)
            self._path = f"{base.rstrip('/')}/{bucket}/{key}"
        elif "." in bucket:  # no certificate covers such a host
            self._scheme, self._host, self._path = "https", usual, f"/{bucket}/{key}"
        else:
            self._scheme, self._host, self._path = "https", f"{bucket}.{usual}", f"/{key}"
        self._region = region
        self._context: Any = None

    def connection(self) -> HTTPConnection:
        if self._scheme == "http":
            return HTTPConnection(self._host, timeout=_TRY_S)
        if self._context is None:
            from ssl import create_default_context

            self._context = create_default_context()
        return HTTPSConnection(self._host, timeout=_TRY_S, context=self._context)

    def ask(self, connection: HTTPConnection, start: int, size: int) -> HTTPResponse:
        """The answer whose body is that part. Raises Again, or Refused."""
        headers = {
            "host": self._host,
            "range": f"bytes={start}-{start + size - 1}",
            "x-amz-content-sha256": sha256(b"").hexdigest(),
        }
        scope = (self._region, "s3")
        signed = sign(headers, b"", request=("GET", self._path), scope=scope, keys=keys(_TRY_S), now=time())
        try:
            connection.request("GET", self._path, headers=signed)
            answer = connection.getresponse()
            if answer.status == 206 and answer.length == size:
                return answer
            said = answer.read(4096).decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            told = f"no answer from {self._host} ({error or type(error).__name__}); "
            raise Again(f"{told}in a VPC it takes a gateway endpoint for S3, or a NAT") from None
        raise self._refused(answer.status, said)

    def _refused(self, status: int, said: str) -> Exception:
        code = said.partition("<Code>")[2].partition("</Code>")[0] or str(status)
        message = said.partition("<Message>")[2].partition("</Message>")[0]
        text = f"{code}: {message or f'{self._host} answered {status}'}"
        if status in (200, 206, 416):
            text = f"{OTHER}: its size differs"
        elif status == 403:
            text += " (it takes s3:GetObject in the role of the function; where the archive is gone, S3 says the same)"
        final = code in _FINAL or status in (200, 206, 404, 416)
        return Refused(text) if final else Again(text)
