"""The small part of AWS that lambent uses, as Protocols: `boto.py` implements them, and so do the tests, in memory.

A resource that doesn't exist is None or empty, never an exception. Every refusal is an `AwsError` whose `code` is AWS's own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lambent.aws.values import (
    Alias,
    Code,
    Cors,
    Function,
    Invoked,
    LogEvent,
    LogGroup,
    Pairs,
    Provisioned,
    Role,
    Settings,
    Statement,
    Url,
)


class Roles(Protocol):
    """IAM's part."""

    def role(self, name: str) -> Role | None: ...

    def create_role(self, name: str, tags: Pairs) -> None:
        """Makes a role that Lambda may assume."""
        ...

    def trust_lambda(self, role: str) -> None:
        """Sets the role's trust policy to Lambda alone."""
        ...

    def delete_role(self, role: str) -> None:
        """AWS refuses while a policy is attached or inside."""
        ...

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """ARNs of the managed policies attached to the role; empty when there is no such role."""
        ...

    def attach_policy(self, role: str, arn: str) -> None: ...

    def detach_policy(self, role: str, arn: str) -> None: ...

    def inline_policies(self, role: str) -> tuple[str, ...]:
        """The names of the policies inside the role."""
        ...

    def inline_policy(self, role: str, name: str) -> str:
        """A policy inside the role, as `canonical` text; "" when there is none of that name."""
        ...

    def put_inline_policy(self, role: str, name: str, document: str) -> None: ...

    def delete_inline_policy(self, role: str, name: str) -> None: ...


class Functions(Protocol):
    """Functions, their versions, and what hangs on them."""

    def function(self, name: str, qualifier: str = "") -> Function | None: ...

    def functions(self) -> tuple[Function, ...]:
        """All of the region, without tags."""
        ...

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function: ...

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        """Uploads the zip to $LATEST. With a `revision`, only if the function still is at it (else code PRECONDITION)."""
        ...

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function: ...

    def delete_function(self, name: str, version: str = "") -> None:
        """One version, or with "" the function, all its versions, aliases and URLs."""
        ...

    def publish(self, name: str, sha256: str) -> Function:
        """Publishes $LATEST if its code has this digest. If nothing changed since the last version, that one is returned."""
        ...

    def versions(self, name: str) -> tuple[Function, ...]:
        """The published ones, oldest first; empty when there is no such function."""
        ...

    def tag(self, arn: str, tags: Pairs) -> None: ...

    def untag(self, arn: str, keys: tuple[str, ...]) -> None: ...

    def reserve(self, name: str, executions: int | None) -> None:
        """Sets the reserved concurrency; None takes it away."""
        ...

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        """Runs one event to its end, synchronously, and asks for the log's tail."""
        ...

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        """As `invoke`, but stops listening when what has come is `enough`: the function runs on, and the log is ""."""
        ...


class Traffic(Protocol):
    """Aliases, permissions and Function URLs."""

    def alias(self, function: str, name: str) -> Alias | None: ...

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """All of them, also the user's own; empty when there is no such function."""
        ...

    def create_alias(self, function: str, name: str, version: str, description: str = "") -> None: ...

    def move_alias(
        self,
        function: str,
        name: str,
        version: str,
        revision: str = "",
        weights: tuple[tuple[str, float], ...] = (),
        description: str = "",
    ) -> Alias:
        """The alias as it is then. With a `revision`, only if it still was at that (else code PRECONDITION). Without a
        `description` it keeps the one it has.
        """
        ...

    def delete_alias(self, function: str, name: str) -> None: ...

    def provisioned(self, function: str, alias: str) -> Provisioned | None: ...

    def provision(self, function: str, alias: str, executions: int | None) -> None:
        """Sets how many environments are kept warm; None takes it away."""
        ...

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]:
        """Those of a version's or alias's policy, or with "" of the function's own, which is $LATEST's."""
        ...

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None: ...

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None: ...

    def url(self, function: str, qualifier: str) -> Url | None:
        """An alias's, or with "" that of $LATEST."""
        ...

    def create_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url: ...

    def update_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        """What is "" or None stays as it is; `Cors()` takes it away."""
        ...

    def delete_url(self, function: str, qualifier: str) -> None: ...


class Logs(Protocol):
    """CloudWatch Logs."""

    def log_group(self, name: str) -> LogGroup | None: ...

    def create_log_group(self, name: str, tags: Pairs) -> None: ...

    def set_retention(self, name: str, days: int | None) -> None:
        """None keeps the log for ever."""
        ...

    def delete_log_group(self, name: str) -> None: ...

    def log_events(
        self, group: str, stream_prefix: str, since_ms: int, pattern: str = "", most: int | None = None
    ) -> tuple[LogEvent, ...]:
        """What was logged since a moment (milliseconds of Unix time), oldest first, and at most so many.

        `pattern` is CloudWatch's filter pattern; more than it says may come through: moto knows few.
        """
        ...


class Storage(Protocol):
    """S3, for zips above 50 MB."""

    def bucket(self, name: str) -> bool:
        """Whether this account has the bucket. Raises AwsError with code "403" when it is somebody else's."""
        ...

    def create_bucket(self, name: str, tags: Pairs) -> None:
        """A private one: public access blocked, and what is below uploads/ gone after a week."""
        ...

    def upload(self, bucket: str, key: str, path: Path) -> None: ...

    def uploaded(self, bucket: str, key: str) -> bool: ...

    def delete_object(self, bucket: str, key: str) -> None: ...

    def empty_bucket(self, bucket: str, prefix: str) -> None:
        """Deletes the objects whose key begins with `prefix`."""
        ...


class Aws(Roles, Functions, Traffic, Logs, Storage, Protocol):
    """One account in one region."""

    @property
    def region(self) -> str: ...

    def account(self) -> str:
        """The account's twelve digits."""
        ...

    def caller(self) -> str:
        """The ARN of who asks."""
        ...

    def signed(self, url: str) -> Pairs:
        """The headers that make a GET of a Function URL one by this caller, for some minutes. Asks nobody.

        Raises AwsError when there are no credentials to sign with (any more).
        """
        ...
