"""The small AWS that lambent uses: a Protocol and the values that go in and out. `boto.py` implements it.

What is not there is None or empty, never an exception; every refusal is an `AwsError` whose `code` is AWS's own.
Sizes are in MB or seconds where the name says so; environments and tags are sorted tuples of pairs, so that equal is equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

CONFLICT = "ResourceConflictException"
PRECONDITION = "PreconditionFailedException"
ROLE_EXISTS = "EntityAlreadyExists"
ROLE_IN_USE = "DeleteConflict"
INVALID = "InvalidParameterValueException"
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
ABSENT = frozenset({"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NoSuchBucket", "NoSuchKey", "404"})

BUFFERED, STREAMED = "BUFFERED", "RESPONSE_STREAM"
"""A URL's InvokeMode: how it reads what the function answers."""

UNDER_WAY = frozenset({"Pending", "Deactivating", "Deleting"})
"""A function's states that end by themselves."""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
"""The role's trust policy: Lambda, and nobody else."""

Pairs = tuple[tuple[str, str], ...]


class Settings(Struct, frozen=True):
    """The part of a function's configuration that lambent sets. `role` is an ARN.

    `layers` are ARNs, in their order; `subnets` and `security_groups` ids of a VPC, both empty for none; `mounts` pairs of an
    EFS access point's ARN and the path it is seen at. `log_format` is "Text" or "JSON".
    """

    role: str
    runtime: str
    handler: str
    memory_mb: int
    timeout_s: int
    tmp_mb: int
    environment: Pairs = ()
    layers: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    mounts: Pairs = ()
    tracing: bool = False
    log_format: str = "Text"
    snapstart: bool = False


class Code(Struct, frozen=True):
    """A zip on disk; `sha256` in the base64 form that AWS calls CodeSha256, `size` in bytes.

    With a `bucket` the zip goes there first, as `key`, and Lambda fetches it: a direct upload takes at most 50 MB.
    """

    path: Path
    sha256: str
    size: int
    architecture: str
    bucket: str = ""
    key: str = ""


class Function(Struct, frozen=True):
    """A function version as AWS describes it: `version` is "$LATEST" or a number.

    `state` and `update` are AWS's State and LastUpdateStatus; `revision` is "" where the endpoint has none; `modified` is AWS's
    own text (2025-11-25T02:43:27.000+0000). `tags` and `reserved` come only from a description of the function, not from the
    answer to a write or from a list of versions.
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
    modified: str = ""
    size: int = 0
    reserved: int | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing is under way (what the waiters function_active_v2 and function_updated_v2 wait for).

        Inactive is settled: AWS took the network of a function that nobody called away, and gives it back at the next call.
        """
        return self.state not in UNDER_WAY and self.update != "InProgress"

    @property
    def failed(self) -> bool:
        return self.state == "Failed" or self.update == "Failed"


class Role(Struct, frozen=True):
    """An IAM role; `trusts_lambda` says whether Lambda may assume it."""

    name: str
    arn: str
    trusts_lambda: bool
    tags: Pairs = ()


class Alias(Struct, frozen=True):
    """`weights` are the shares, 0 to 1, of further versions: a canary's."""

    name: str
    version: str
    revision: str = ""
    weights: tuple[tuple[str, float], ...] = ()
    description: str = ""


class Statement(Struct, frozen=True):
    """One statement of a resource policy. `url_auth` is the FunctionUrlAuthType condition, `via_url` InvokedViaFunctionUrl, and
    `limits` its other conditions as `canonical` text.
    """

    sid: str
    action: str
    principal: str
    url_auth: str = ""
    via_url: bool = False
    effect: str = "Allow"
    limits: str = ""


class Cors(Struct, frozen=True):
    """What a Function URL itself answers about other origins. `max_age_s` is 0 when it does not say."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 0

    @property
    def members(self) -> dict[str, Any]:
        """In AWS's form, without what is empty."""
        told = {
            "AllowOrigins": list(self.origins),
            "AllowMethods": list(self.methods),
            "AllowHeaders": list(self.headers),
            "ExposeHeaders": list(self.expose),
            "AllowCredentials": self.credentials,
            "MaxAge": self.max_age_s,
        }
        return {key: value for key, value in told.items() if value}


class Url(Struct, frozen=True):
    """A Function URL; `auth` is "NONE" or "AWS_IAM", `mode` BUFFERED or STREAMED. `cors` None leaves it to the app."""

    address: str
    auth: str
    mode: str = BUFFERED
    cors: Cors | None = None


class Provisioned(Struct, frozen=True):
    """Environments kept warm for an alias: how many were asked for, and "READY", "IN_PROGRESS" or "FAILED" with a reason."""

    requested: int
    status: str = "READY"
    reason: str = ""


class LogGroup(Struct, frozen=True):
    """`retention_days` is None when the log is kept for ever."""

    name: str
    retention_days: int | None = None


class LogEvent(Struct, frozen=True):
    """One event of a log, of one line or several; `at_ms` in milliseconds of Unix time, `id` unlike that of any other."""

    id: str
    stream: str
    at_ms: int
    text: str


class Invoked(Struct, frozen=True):
    """What came of an invocation: the raw payload, "" or "Unhandled", and the last 4 KB of its log."""

    payload: bytes
    error: str
    log: str


def canonical(document: Any) -> str:
    """A policy, parsed or as text, as text that is equal when the policies are: keys sorted, no blanks."""
    parsed = json.loads(document) if isinstance(document, str) else document
    return json.dumps(parsed, sort_keys=True, separators=(",", ":"))


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
