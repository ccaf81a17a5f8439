"""Verification of SigV4 signatures of requests to an AWS_IAM URL. Pure.

It follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html: service `lambda`, the
URL's region, the path encoded a second time (only S3 doesn't), and the hash of the body, because Function URLs don't accept
unsigned payloads. The signature may be in the Authorization header or in the query (presigned).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from msgspec import Struct

from lambent.local.http import Request

SKEW = timedelta(minutes=5)  # AWS's tolerance for clocks
EXPIRES_MAX_S = 7 * 24 * 3600

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
_HEADER = re.compile(r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-f]{64})\s*")


class BadSignature(Exception):
    """The signature is wrong. The text is AWS's."""


class Signature(Struct, frozen=True):
    """The parts of a signature. `expires` is None for a signature in the header."""

    access_key: str
    day: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    session_token: str | None
    expires: timedelta | None = None


def read(request: Request) -> Signature | None:
    """Return the signature of a request, or None if it is unsigned (or signed in a form that Lambda doesn't know).

    Raises BadSignature.
    """
    header = _HEADER.fullmatch(request.header("authorization") or "")
    if header:
        fields = dict(zip(("Credential", "SignedHeaders", "Signature"), header.groups(), strict=True))
        fields["Date"] = request.header("x-amz-date") or ""
        return _signature(fields, request.header("x-amz-security-token"), None)
    query = {unquote(name): unquote(value) for name, value in _pairs(request.query)}
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or "X-Amz-Expires" not in query:
        return None
    fields = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature", "Date")}
    return _signature(fields, query.get("X-Amz-Security-Token"), _lifetime(query["X-Amz-Expires"]))


def _lifetime(text: str) -> timedelta:
    """Return how long a presigned URL is valid. Raises BadSignature with S3's texts, since Lambda's aren't known."""
    if not re.fullmatch("[0-9]+", text):
        raise BadSignature("X-Amz-Expires should be a number")
    seconds = int(text[:10])  # more digits are too many in any case
    if seconds > EXPIRES_MAX_S:
        raise BadSignature(
            "X-Amz-Expires must be less than a week (in seconds); "
            f"that is, the given X-Amz-Expires must be less than {EXPIRES_MAX_S} seconds"
        )
    return timedelta(seconds=seconds)


def verify(request: Request, signature: Signature, secret: str, region: str, now: datetime) -> None:
    """Raise BadSignature unless the request was signed with this secret, for `lambda` in this region, and not too long ago."""
    if signature.service != "lambda":
        raise BadSignature("Credential should be scoped to correct service: 'lambda'.")
    if signature.region != region:
        raise BadSignature(f"Credential should be scoped to a valid region, not '{signature.region}'.")
    _check_time(signature, now)
    expected = [sign(request, signature, secret, query) for query in _canonical_queries(request.query)]
    matches = any(hmac.compare_digest(candidate.encode(), signature.signature.encode()) for candidate in expected)
    if "host" not in signature.signed_headers or not matches:
        raise BadSignature(MISMATCH)


def sign(request: Request, signature: Signature, secret: str, query: str) -> str:
    """Return the signature that this request should have, given its canonical query."""
    scope = f"{signature.day}/{signature.region}/{signature.service}/aws4_request"
    canonical = hashlib.sha256(_canonical(request, signature, query).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{signature.timestamp}\n{scope}\n{canonical}"
    key = f"AWS4{secret}".encode()
    for part in (signature.day, signature.region, signature.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _signature(fields: dict[str, str], token: str | None, expires: timedelta | None) -> Signature | None:
    scope = fields["Credential"].split("/")
    if len(scope) != 5 or scope[4] != "aws4_request":
        return None
    signed = tuple(fields["SignedHeaders"].lower().split(";"))
    return Signature(scope[0], scope[1], scope[2], scope[3], signed, fields["Signature"], fields["Date"], token, expires)


def _check_time(signature: Signature, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(signature.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("Date must be in ISO-8601 'basic format'.") from None
    if not signature.timestamp.startswith(signature.day):
        raise BadSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    if signed_at > now + SKEW:
        raise BadSignature(f"Signature not yet current: {signature.timestamp} is still later than {now + SKEW:%Y%m%dT%H%M%SZ}")
    expires_at = signed_at + (SKEW if signature.expires is None else signature.expires)
    if now > expires_at:
        raise BadSignature(f"Signature expired: {signature.timestamp} is now earlier than {now - SKEW:%Y%m%dT%H%M%SZ}")


def _canonical(request: Request, signature: Signature, query: str) -> str:
    lines = [f"{name}:{_value(request, name)}" for name in signature.signed_headers]
    digest = hashlib.sha256(request.body).hexdigest()
    return "\n".join(
        (
            request.method,
            quote(_normalize(request.signed_path or request.path), safe="/~"),
            query,
            *lines,
            "",
            ";".join(signature.signed_headers),
            digest,
        )
    )


def _normalize(path: str) -> str:
    """Resolve `.` and `..` and merge slashes, as signers do before they encode the path."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts) + ("/" if parts and path.endswith("/") else "")


def _canonical_queries(query: str) -> tuple[str, str]:
    """Return the query as the specification encodes it, and as botocore does: sorted, but otherwise unchanged."""
    pairs = [(name, value) for name, value in _pairs(query) if name != "X-Amz-Signature"]
    encoded = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs]
    specified, unchanged = ("&".join(f"{name}={value}" for name, value in sorted(form)) for form in (encoded, pairs))
    return specified, unchanged


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(name, value) for name, _, value in pairs]


def _value(request: Request, name: str) -> str:
    values = (value.encode("latin-1", "replace").decode("utf-8", "replace") for key, value in request.headers if key == name)
    return ",".join(" ".join(value.split()) for value in values)
