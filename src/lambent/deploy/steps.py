"""The steps of a deploy: frozen values, one per call to AWS (or one question to the new version).

`title` is what a person reads while it runs; `changes` is false for the steps that only look. What AWS invents on the way
(the version's number, the URL) is not in here: `apply.py` carries it from the step that gets it to the steps after.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.aws.values import BUFFERED, Code, Cors, Pairs, Settings, Statement
from lambent.config.model import Canary
from lambent.package.artifact import OVERFLOW


class Step(Struct, frozen=True):
    changes: ClassVar[bool] = True

    @property
    def title(self) -> str:
        raise NotImplementedError


class CreateRole(Step, frozen=True):
    role: str
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create role {self.role}"


class CreateFunction(Step, frozen=True):
    name: str
    settings: Settings
    code: Code
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create function {self.name}"


class UpdateCode(Step, frozen=True):
    name: str
    code: Code

    @property
    def title(self) -> str:
        return "upload code"


class UpdateSettings(Step, frozen=True):
    name: str
    settings: Settings

    @property
    def title(self) -> str:
        return "update configuration"


class PublishVersion(Step, frozen=True):
    """Publishes $LATEST, provided that it is what the plan meant: another deploy may have written to it meanwhile. `group` is
    its log's.
    """

    name: str
    settings: Settings
    code: Code
    group: str

    @property
    def title(self) -> str:
        return "publish version"


class CheckVersion(Step, frozen=True):
    """Asks the new version once, before any traffic. `strict`: an answer of 5xx counts as a failure too (a web app's), and so
    does one in another form than that of the URL's `mode`. With another `auth` than NONE the question has a caller.
    """

    changes: ClassVar[bool] = False
    name: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED
    auth: str = "NONE"

    @property
    def title(self) -> str:
        return "check version"


class CheckKnownVersion(Step, frozen=True):
    """As CheckVersion, of a version that was published earlier."""

    changes: ClassVar[bool] = False
    name: str
    version: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED
    auth: str = "NONE"

    @property
    def title(self) -> str:
        return f"check version {self.version}"


class PointAlias(Step, frozen=True):
    """Makes or moves the alias. `previous` and `revision` are what it was when looked at; "" when there was none."""

    name: str
    alias: str
    previous: str = ""
    revision: str = ""

    @property
    def title(self) -> str:
        return f"point {self.alias} at the version"


class Try(Step, frozen=True):
    """Sends the new version a share of the traffic, and watches the log group meanwhile.

    `previous` and `revision` are what the alias was when looked at.
    """

    name: str
    alias: str
    canary: Canary
    group: str
    previous: str
    revision: str = ""

    @property
    def title(self) -> str:
        return f"canary: {self.canary}"


class Grant(Step, frozen=True):
    """Adds one statement to the alias's policy."""

    name: str
    alias: str
    statement: Statement

    @property
    def title(self) -> str:
        return f"allow {self.statement.action.removeprefix('lambda:')} through the URL"


class CreateUrl(Step, frozen=True):
    name: str
    alias: str
    auth: str
    mode: str = BUFFERED
    cors: Cors | None = None

    @property
    def title(self) -> str:
        return "create URL"


class UpdateUrl(Step, frozen=True):
    """Changes what is not "" or None; `Cors()` takes it away."""

    name: str
    alias: str
    auth: str = ""
    mode: str = ""
    cors: Cors | None = None

    @property
    def title(self) -> str:
        if self.auth:
            return "open the URL to anyone" if self.auth == "NONE" else "let only signed requests into the URL"
        return f"set the URL to {self.mode}" if self.mode else "update URL"


class Probe(Step, frozen=True):
    """Asks the URL as anybody would."""

    changes: ClassVar[bool] = False
    name: str
    alias: str
    settings: Settings
    strict: bool
    mode: str = BUFFERED
    auth: str = "NONE"

    @property
    def title(self) -> str:
        return "ask the URL"


class Single(Step, frozen=True):
    """A step that is one call which may be made again: nothing hangs on its answer."""

    def call(self, aws: Aws) -> None:
        raise NotImplementedError


class TrustLambda(Single, frozen=True):
    role: str

    @property
    def title(self) -> str:
        return f"let Lambda assume role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.trust_lambda(self.role)


class AttachPolicy(Single, frozen=True):
    role: str
    arn: str

    @property
    def title(self) -> str:
        return f"attach {self.arn.rpartition('/')[2]}"

    def call(self, aws: Aws) -> None:
        aws.attach_policy(self.role, self.arn)


class PutPolicy(Single, frozen=True):
    """`document` is the policy's JSON text."""

    role: str
    policy: str
    document: str

    @property
    def title(self) -> str:
        return f"set the permissions of role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.put_inline_policy(self.role, self.policy, self.document)


class DeletePolicy(Single, frozen=True):
    role: str
    policy: str

    @property
    def title(self) -> str:
        return f"take away the permissions of role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.delete_inline_policy(self.role, self.policy)


class CreateLogGroup(Step, frozen=True):
    group: str
    tags: Pairs

    @property
    def title(self) -> str:
        return "create log group"


class SetRetention(Single, frozen=True):
    group: str
    days: int | None

    @property
    def title(self) -> str:
        return f"keep logs {self.days} days" if self.days else "keep logs for ever"

    def call(self, aws: Aws) -> None:
        aws.set_retention(self.group, self.days)


class Upload(Step, frozen=True):
    """Puts the zip into its bucket, unless it is there; `makes_bucket` when the bucket is lambent's own."""

    code: Code
    makes_bucket: bool
    tags: Pairs
    what: str = "code"

    @property
    def title(self) -> str:
        return f"upload {self.what} to s3://{self.code.bucket}"


class Tag(Single, frozen=True):
    arn: str
    tags: Pairs

    @property
    def title(self) -> str:
        return "set tags"

    def call(self, aws: Aws) -> None:
        aws.tag(self.arn, self.tags)


class Untag(Single, frozen=True):
    arn: str
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        return "remove tags"

    def call(self, aws: Aws) -> None:
        aws.untag(self.arn, self.keys)


class Reserve(Single, frozen=True):
    name: str
    executions: int | None

    @property
    def title(self) -> str:
        return "set reserved concurrency"

    def call(self, aws: Aws) -> None:
        aws.reserve(self.name, self.executions)


class Provision(Step, frozen=True):
    """Waits until the environments are warm."""

    name: str
    alias: str
    executions: int | None

    @property
    def title(self) -> str:
        return "set provisioned concurrency"


class AwaitProvisioned(Step, frozen=True):
    """Waits until the environments of the alias's new version are warm: AWS makes them anew when an alias moves."""

    changes: ClassVar[bool] = False
    name: str
    alias: str

    @property
    def title(self) -> str:
        return "wait for the provisioned environments"


class MoveAlias(Step, frozen=True):
    """Sends all traffic to a version that is known already. `description` "" leaves the alias's as it is: see `moves`."""

    name: str
    alias: str
    version: str
    revision: str = ""
    description: str = ""

    @property
    def title(self) -> str:
        return f"point {self.alias} at version {self.version}"


class Revoke(Single, frozen=True):
    name: str
    alias: str
    sid: str

    @property
    def title(self) -> str:
        return f"remove permission {self.sid}"

    def call(self, aws: Aws) -> None:
        aws.remove_statement(self.name, self.alias, self.sid)


class DeleteVersions(Single, frozen=True):
    name: str
    versions: tuple[str, ...]

    @property
    def title(self) -> str:
        return "delete old versions"

    def call(self, aws: Aws) -> None:
        for version in self.versions:
            aws.delete_function(self.name, version)


class DeleteArchives(Single, frozen=True):
    """Archives of packages that no version fetches any more, each as "s3://bucket/key". A version that could not be deleted,
    for something of the user's or another deploy uses it by now, keeps its own.
    """

    places: tuple[str, ...]
    name: str

    @property
    def title(self) -> str:
        return "delete their packages"

    def call(self, aws: Aws) -> None:
        needed = {dict(each.settings.environment).get(OVERFLOW, "") for each in aws.versions(self.name)}
        for place in self.places:
            bucket, _, key = place.removeprefix("s3://").partition("/")
            if place not in needed:
                aws.delete_object(bucket, key)
