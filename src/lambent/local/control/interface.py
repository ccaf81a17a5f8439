"""What the Lambda API is asked, what it answers, and what it needs from the other services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

from msgspec import Struct


class Request(Struct, frozen=True):
    """One HTTP request. `path` is raw (still percent-encoded), header names are in lower case.

    `region` and `account` are those of the caller's credentials.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    region: str
    account: str


class Response(Struct, frozen=True):
    """`rest` comes after the body: an answer that is still being made."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    rest: AsyncGenerator[bytes, None] | None = None


class S3Fault(Exception):
    """S3 refused. `code` and `message` are S3's own, such as NoSuchKey."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Neighbours(Protocol):
    """The other services. Both are called in a thread, so they may block."""

    def role_trust(self, arn: str) -> dict[str, Any] | None:
        """The trust policy of a role, or None when there is no such role."""
        ...

    def s3_object(self, region: str, bucket: str, key: str, version: str | None) -> bytes:
        """The bytes of an object. Raises S3Fault."""
        ...
