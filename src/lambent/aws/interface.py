"""The small part of AWS that lambent uses, as Protocols: `boto.py` implements them, and so do the tests, in memory.

A resource that doesn't exist is None or empty, never an exception. Every refusal is an `AwsError` whose `code` is AWS's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    LogSpan,
    Pairs,
    Provisioned,
    Role,
    Settings,
    Statement,
    Url,
)


class Roles(Protocol):
    """IAM roles and their policies."""

    def role(self, name: str) -> Role | None: ...

    def create_role(self, name: str, tags: Pairs) -> None:
        """Create a role that Lambda may assume."""
        ...

    def tag_role(self, name: str, tags: Pairs) -> None: ...

    def trust_lambda(self, role: str) -> None:
        """Set the role's trust policy to Lambda alone."""
        ...

    def delete_role(self, role: str) -> None:
        """Delete the role. AWS refuses while it has a policy, attached or inline."""
        ...

    def attached_policies(self, role: str) -> tuple[str, ...]:
        """Return the ARNs of the managed policies attached to the role; empty if the role doesn't exist."""
        ...

    def attach_policy(self, role: str, arn: str) -> None: ...

    def detach_policy(self, role: str, arn: str) -> None: ...

    def inline_policies(self, role: str) -> tuple[str, ...]:
        """Return the names of the role's inline policies."""
        ...

    def inline_policy(self, role: str, name: str) -> str:
        """Return an inline policy of the role as `canonical` text; "" if there is none of that name."""
        ...

    def put_inline_policy(self, role: str, name: str, document: str) -> None: ...

    def delete_inline_policy(self, role: str, name: str) -> None: ...


class Functions(Protocol):
    """Functions, their versions, tags and concurrency."""

    def function(self, name: str, qualifier: str = "") -> Function | None: ...

    def code_url(self, name: str, qualifier: str) -> str:
        """Return an address from which the zip of a version can be downloaded, for some minutes and without credentials."""
        ...

    def functions(self) -> tuple[Function, ...]:
        """Return all functions of the region, without tags."""
        ...

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function: ...

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        """Upload the zip to $LATEST. With a `revision`, only if the function is still at it (else error code PRECONDITION)."""
        ...

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function: ...

    def delete_function(self, name: str, version: str = "") -> None:
        """Delete one version, or with "" the function with all its versions, aliases and URLs."""
        ...

    def publish(self, name: str, sha256: str, description: str = "") -> Function:
        """Publish $LATEST if its code has this digest. If nothing has changed since the last version, return that one.

        The `description` is the version's alone, unless it is "".
        """
        ...

    def versions(self, name: str) -> tuple[Function, ...]:
        """Return the published versions, oldest first; empty if the function doesn't exist."""
        ...

    def tag(self, arn: str, tags: Pairs) -> None: ...

    def untag(self, arn: str, keys: tuple[str, ...]) -> None: ...

    def reserve(self, name: str, executions: int | None) -> None:
        """Set the reserved concurrency; None removes it."""
        ...

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        """Run one event to its end, synchronously, and return the end of its log too. `qualifier` "" is $LATEST."""
        ...

    def invoke_async(self, function: str, qualifier: str, payload: bytes) -> str:
        """Queue one event, which AWS tries three times if it fails, and return its request ID."""
        ...

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        """As `invoke`, but stop reading when the payload so far is `enough`. The function runs on, and the log is ""."""
        ...

    def run_command(self, function: str, version: str, payload: bytes, receive: Callable[[bytes], bool]) -> Invoked:
        """Send an event that the runtime takes for a command, and pass each part of its response on to `receive`.

        Stop reading when that returns true. The result's payload is empty unless the function failed.
        """
        ...


class Traffic(Protocol):
    """Aliases, permissions and Function URLs."""

    def alias(self, function: str, name: str) -> Alias | None: ...

    def aliases(self, function: str) -> tuple[Alias, ...]:
        """Return all aliases, including the user's own; empty if the function doesn't exist."""
        ...

    def create_alias(self, function: str, name: str, version: str, description: str = "") -> Alias: ...

    def move_alias(
        self,
        function: str,
        name: str,
        version: str,
        revision: str = "",
        weights: tuple[tuple[str, float], ...] = (),
        description: str = "",
    ) -> Alias:
        """Move the alias and return it. With a `revision`, only if it was still at that (else error code PRECONDITION).

        Without a `description` it keeps its own.
        """
        ...

    def delete_alias(self, function: str, name: str) -> None: ...

    def provisioned(self, function: str, alias: str) -> Provisioned | None: ...

    def provision(self, function: str, alias: str, executions: int | None) -> None:
        """Set the provisioned concurrency; None removes it."""
        ...

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]:
        """Return the policy's statements of a version or alias, or with "" of the function itself, which is $LATEST."""
        ...

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None: ...

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None: ...

    def url(self, function: str, qualifier: str) -> Url | None:
        """Return the URL of an alias, or with "" that of $LATEST."""
        ...

    def create_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url: ...

    def update_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        """Change what isn't "" or None; `Cors()` removes the CORS settings."""
        ...

    def delete_url(self, function: str, qualifier: str) -> None: ...


class Logs(Protocol):
    """CloudWatch Logs."""

    def log_group(self, name: str) -> LogGroup | None: ...

    def create_log_group(self, name: str, tags: Pairs) -> None: ...

    def set_retention(self, name: str, days: int | None) -> None:
        """Set how long the log is kept; None means forever."""
        ...

    def delete_log_group(self, name: str) -> None: ...

    def log_events(self, group: str, stream_prefix: str, since_ms: int, pattern: str = "") -> tuple[LogEvent, ...]:
        """Return what was logged since a moment (milliseconds of Unix time), oldest first.

        `pattern` is CloudWatch's filter pattern. More than it selects may be returned: moto supports few patterns.
        """
        ...

    def log_pages(self, group: str, span: LogSpan, pattern: str = "", stream: str = "") -> Iterator[tuple[LogEvent, ...]]:
        """Yield what was logged in a span of time, oldest first, as the pages arrive; with a `stream`, only in that one."""
        ...

    def live_tail(self, group_arn: str) -> Iterator[tuple[LogEvent, ...]]:
        """Yield what is logged from now on, every second, even if it is nothing. The events have no `id`.

        Raises AwsError at once if that isn't allowed, and later when the session ends, or (code SAMPLED) leaves out events.
        """
        ...


class Storage(Protocol):
    """S3, for zips above 50 MB."""

    def bucket(self, name: str) -> bool:
        """Return whether this account has the bucket. Raises AwsError with code "403" if it is someone else's."""
        ...

    def create_bucket(self, name: str, tags: Pairs) -> None:
        """Create a private bucket: public access is blocked, and objects below uploads/ expire after a week."""
        ...

    def upload(self, bucket: str, key: str, path: Path) -> None: ...

    def uploaded(self, bucket: str, key: str) -> bool: ...

    def delete_object(self, bucket: str, key: str) -> None: ...

    def empty_bucket(self, bucket: str, prefix: str) -> None:
        """Delete the objects whose key begins with `prefix`."""
        ...


class Aws(Roles, Functions, Traffic, Logs, Storage, Protocol):
    """One account in one region."""

    @property
    def region(self) -> str: ...

    def account(self) -> str:
        """Return the account's twelve digits."""
        ...

    def caller(self) -> str:
        """Return the caller's ARN."""
        ...

    def signed(self, url: str, method: str = "GET", body: bytes = b"") -> Pairs:
        """Return the headers that sign a request to a Function URL, for some minutes. Makes no call.

        Raises AwsError if there are no credentials (any more).
        """
        ...
