"""The small AWS that lambent uses: a Protocol and the values that go in and out. `boto.py` implements it.

What is not there is None or empty, never an exception; every refusal is an `AwsError` whose `code` is AWS's own.
Sizes are in MB or seconds where the name says so; environments and tags are sorted tuples of pairs, so that equal is equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CONFLICT = "ResourceConflictException"
PRECONDITION = "PreconditionFailedException"
ROLE_EXISTS = "EntityAlreadyExists"
INVALID = "InvalidParameterValueException"

BUFFERED, STREAMED = "BUFFERED", "RESPONSE_STREAM"
"""A URL's InvokeMode: how it reads what the function answers."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Settings:
    """The part of a function's configuration that lambent sets. `role` is an ARN."""

    role: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    tmp_mb: int
    environment: Pairs = ()


@dataclass(frozen=True)
class Code:
    """A zip on disk; `sha256` in the base64 form that AWS calls CodeSha256, `size` in bytes."""

    path: Path
    sha256: str
    size: int
    architecture: str


@dataclass(frozen=True)
class Function:
    """A function version as AWS describes it: `version` is "$LATEST" or a number.

    `state` and `update` are AWS's State and LastUpdateStatus; `revision` is "" where the endpoint has none. `tags` come only
    from a description, not from the answer to a write.
    """

    name: str
    version: str
    settings: Settings
    sha256: str
    architecture: str
    state: str = "Active"
    update: str = "Successful"
    reason: str = ""
    revision: str = ""
    tags: Pairs = ()

    @property
    def settled(self) -> bool:
        """Whether nothing is under way (what the waiters function_active_v2 and function_updated_v2 wait for)."""
        return self.state != "Pending" and self.update != "InProgress"

    @property
    def failed(self) -> bool:
        return self.state == "Failed" or self.update == "Failed"


@dataclass(frozen=True)
class Role:
    """An IAM role; `trusts_lambda` says whether Lambda may assume it."""

    name: str
    arn: str
    trusts_lambda: bool
    tags: Pairs = ()


@dataclass(frozen=True)
class Alias:
    name: str
    version: str
    revision: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement of a resource policy. `url_auth` is the FunctionUrlAuthType condition, `via_url` InvokedViaFunctionUrl."""

    sid: str
    action: str
    principal: str
    url_auth: str = ""
    via_url: bool = False


@dataclass(frozen=True)
class Url:
    """A Function URL; `auth` is "NONE" or "AWS_IAM", `mode` BUFFERED or STREAMED."""

    address: str
    auth: str
    mode: str = BUFFERED


@dataclass(frozen=True)
class Invoked:
    """What came of an invocation: the raw payload, "" or "Unhandled", and the last 4 KB of its log."""

    payload: bytes
    error: str
    log: str


class Aws(Protocol):
    """One account in one region."""

    @property
    def region(self) -> str: ...

    def account(self) -> str:
        """The account's twelve digits."""
        ...

    def role(self, name: str) -> Role | None: ...

    def create_role(self, name: str, tags: Pairs) -> None:
        """Makes a role that Lambda may assume."""
        ...

    def trust_lambda(self, role: str) -> None:
        """Sets the role's trust policy to Lambda alone."""
        ...

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """ARNs of the managed policies attached to the role; empty when there is no such role."""
        ...

    def attach_policy(self, role: str, arn: str) -> None: ...

    def function(self, name: str, qualifier: str = "") -> Function | None: ...

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function: ...

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        """Uploads the zip to $LATEST. With a `revision`, only if the function still is at it (else code PRECONDITION)."""
        ...

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function: ...

    def publish(self, name: str, sha256: str) -> Function:
        """Publishes $LATEST if its code has this digest. If nothing changed since the last version, that one is returned."""
        ...

    def alias(self, function: str, name: str) -> Alias | None: ...

    def create_alias(self, function: str, name: str, version: str) -> None: ...

    def move_alias(self, function: str, name: str, version: str, revision: str = "") -> None: ...

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]: ...

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None: ...

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None: ...

    def url(self, function: str, qualifier: str) -> Url | None: ...

    def create_url(self, function: str, qualifier: str, auth: str, mode: str) -> Url: ...

    def update_url(self, function: str, qualifier: str, auth: str, mode: str) -> Url:
        """What is "" stays as it is."""
        ...

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        """Runs one event to its end, synchronously, and asks for the log's tail."""
        ...

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        """As `invoke`, but stops listening when what has come is `enough`: the function runs on, and the log is ""."""
        ...
