"""What goes into AWS and comes out of it, as values.

Sizes are in MB or seconds where the name says so. Environments and tags are sorted tuples of pairs, so that equal
configurations compare equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

BUFFERED, STREAMED = "BUFFERED", "RESPONSE_STREAM"
"""A URL's InvokeMode: how it reads the function's response."""

TRANSITIONAL = frozenset({"Pending", "Deactivating", "Deleting"})
"""A function's states that end on their own."""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
"""The role's trust policy: only Lambda may assume it."""

Pairs = tuple[tuple[str, str], ...]


class Settings(Struct, frozen=True):
    """The part of a function's configuration that lambent sets. `role` is an ARN.

    `layers` are ARNs, in order. `subnets` and `security_groups` are IDs of a VPC's, both empty for none. `mounts` pairs the ARN
    of an EFS access point with its path in the function. `log_format` is "Text" or "JSON".
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

    @property
    def takes_commands(self) -> bool:
        """Whether the runtime in the zip takes the commands of `lambent run` (runtime/command_gate.py)."""
        return dict(self.environment).get("LAMBENT_RUN") == "on"


class Code(Struct, frozen=True):
    """A zip on disk; `sha256` in the base64 form that AWS calls CodeSha256, `size` in bytes.

    With a `bucket` the zip goes there first, as `key`, and Lambda fetches it: a direct upload may have at most 50 MB.
    """

    path: Path
    sha256: str
    size: int
    architecture: str
    bucket: str = ""
    key: str = ""


class Function(Struct, frozen=True):
    """A function version as AWS describes it: `version` is "$LATEST" or a number, `log_group` "" if the endpoint has none.

    `state` and `update` are AWS's State and LastUpdateStatus. `revision` is "" if the endpoint has none. `modified` is AWS's
    text (2025-11-25T02:43:27.000+0000). A version has the `description` that it was published with. `tags` and `reserved` are
    known only from GetFunction, not from the answer to a write or from a list of versions.
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
    log_group: str = ""
    description: str = ""

    @property
    def settled(self) -> bool:
        """Whether no change is in progress (what the waiters function_active_v2 and function_updated_v2 wait for).

        Inactive is settled: AWS has removed the network of an idle function, and restores it with the next call.
        """
        return self.state not in TRANSITIONAL and self.update != "InProgress"

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
    """An alias. `weights` are the shares, 0 to 1, of further versions: those of a canary."""

    name: str
    version: str
    revision: str = ""
    weights: tuple[tuple[str, float], ...] = ()
    description: str = ""


class Statement(Struct, frozen=True):
    """One statement of a resource policy.

    `url_auth` is the condition FunctionUrlAuthType, `via_url` InvokedViaFunctionUrl, and `limits` are the other conditions as
    `canonical` text.
    """

    sid: str
    action: str
    principal: str
    url_auth: str = ""
    via_url: bool = False
    effect: str = "Allow"
    limits: str = ""


class Cors(Struct, frozen=True):
    """The CORS headers that a Function URL itself sends. `max_age_s` is 0 if it isn't set."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 0

    @property
    def members(self) -> dict[str, Any]:
        """The settings in AWS's form, without empty ones."""
        members = {
            "AllowOrigins": list(self.origins),
            "AllowMethods": list(self.methods),
            "AllowHeaders": list(self.headers),
            "ExposeHeaders": list(self.expose),
            "AllowCredentials": self.credentials,
            "MaxAge": self.max_age_s,
        }
        return {key: value for key, value in members.items() if value}


class Url(Struct, frozen=True):
    """A Function URL; `auth` is "NONE" or "AWS_IAM", `mode` is BUFFERED or STREAMED. `cors` None leaves CORS to the app."""

    address: str
    auth: str
    mode: str = BUFFERED
    cors: Cors | None = None


class Provisioned(Struct, frozen=True):
    """An alias's provisioned concurrency: the number requested, and "READY", "IN_PROGRESS" or "FAILED" with a reason."""

    requested: int
    status: str = "READY"
    reason: str = ""


class LogGroup(Struct, frozen=True):
    """A log group; `retention_days` None keeps logs forever. `arn` is "" if the endpoint has none."""

    name: str
    retention_days: int | None = None
    arn: str = ""


class LogEvent(Struct, frozen=True):
    """One event of a log, of one line or several; `at_ms` in milliseconds of Unix time, `id` unique."""

    id: str
    stream: str
    at_ms: int
    text: str


class LogSpan(Struct, frozen=True):
    """A span of time in milliseconds of Unix time; `until_ms` None for no end."""

    since_ms: int
    until_ms: int | None = None


class Invoked(Struct, frozen=True):
    """The result of an invocation: the raw payload, "" or "Unhandled", the last 4 KB of its log, and its request ID."""

    payload: bytes
    error: str
    log: str
    request_id: str = ""


def canonical(document: Any) -> str:
    """Return a policy, parsed or as text, as text that is equal if the policies are: keys sorted, no spaces."""
    parsed = json.loads(document) if isinstance(document, str) else document
    return json.dumps(parsed, sort_keys=True, separators=(",", ":"))
