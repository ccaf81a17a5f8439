"""What the user asked for, as frozen values. The only home of defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from lambent.limits import TMP_MIN_MB

Kind = Literal["handler", "asgi", "wsgi", "web"]
"""What the app is. "web" is a callable object that is ASGI or WSGI; the runtime tells which once it is imported."""

MEMORY_DEFAULT_MB = 1024
TIMEOUT_DEFAULT_S = 30

Architecture = Literal["x86_64", "arm64"]

RuntimeClient = Literal["lambent", "aws"]
"""Who speaks Lambda's Runtime API: the loop in the zip, or AWS's own client (awslambdaric)."""


class App(Struct, frozen=True):
    """The app that was found: `module` and `attribute` as one would import them from the project's import root.

    `attribute` may end in "()": a factory that is called once. `root` is the folder put first on sys.path, relative to the
    project ("." or "src"). `source` says how it was found, for the plan.
    """

    module: str
    attribute: str
    kind: Kind
    root: str = "."
    source: str = ""

    @property
    def handler(self) -> str:
        """In Lambda's form, "module.attribute"; "module:attribute.attribute" where the last dot would not part them."""
        return f"{self.module}{':' if '.' in self.attribute else '.'}{self.attribute}"

    @property
    def spec(self) -> str:
        """In the form one types, "module:attribute"."""
        return f"{self.module}:{self.attribute}"


class Cors(Struct, frozen=True):
    """What the Function URL itself is to answer about other origins, instead of the app."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 0


class Canary(Struct, frozen=True):
    """A new version first gets a `share` of the traffic, 0 to 1, for so many seconds."""

    share: float
    seconds: int

    def __str__(self) -> str:
        """ "10 % for 5 min"."""
        unit, name = next((each for each in ((3600, "h"), (60, "min")) if self.seconds % each[0] == 0), (1, "s"))
        return f"{self.share * 100:g} % for {self.seconds // unit} {name}"


class Hosting(Struct, frozen=True):
    """How AWS is to host the function, beyond what every app needs.

    `role` is the ARN of a role of the user's own, "" for one that lambent makes; `permissions` are statements of a policy as
    JSON text, `policies` ARNs of managed ones. `log_retention_days` None keeps logs for ever. `mounts` are pairs of an EFS
    access point's ARN and a path below /mnt/. `auth` says who may call the URL: anyone ("NONE"), or signed requests only.
    `bucket` takes zips above 50 MB; "" is one that lambent makes. `cors` None leaves it to the app.
    With a `canary` a new version gets all the traffic only once that went well.
    """

    role: str = ""
    permissions: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    log_retention_days: int | None = 30
    log_format: Literal["Text", "JSON"] = "Text"
    layers: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    tracing: bool = False
    snapstart: bool = False
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    auth: Literal["NONE", "AWS_IAM"] = "NONE"
    cors: Cors | None = None
    canary: Canary | None = None
    bucket: str = ""
    keep_versions: int = 10


class Packaging(Struct, frozen=True):
    """What goes into the zip, beside the app's own files and the packages it asks for.

    `include` are patterns of ignored files that are packed all the same; `allow_secrets` paths of files that may hold some.
    Of dependencies: `keep_all` leaves them as an installer would place them, `keep` and `drop` are patterns for single files,
    `strip` takes debug symbols out of native code, `without` names packages that are left out, `groups` and `extras` are the
    dependency groups and extras of pyproject.toml that are wanted too. `overflow` lets packages that do not fit into the zip
    be fetched from S3 at each start.
    """

    include: tuple[str, ...] = ()
    allow_secrets: tuple[str, ...] = ()
    keep_all: bool = False
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    strip: bool = True
    overflow: bool = False
    without: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


class Config(Struct, frozen=True):
    """One app, ready to be built and deployed. With `stream` its answers leave while they are made, else in one piece.

    `events` ("module:function") takes the events that are no HTTP requests; the app's paths begin at `base_path` ("/shop").

    `secrets` are environment variables whose value is read from AWS by reference ("ssm:/path") when the function starts.
    `region` and `profile` are "" where the user's AWS configuration decides.

    `origins` maps a field's name to where its value came from.
    """

    path: Path
    name: str
    app: App
    runtime: str
    architecture: Architecture = "x86_64"
    memory_mb: int = MEMORY_DEFAULT_MB
    timeout_s: int = TIMEOUT_DEFAULT_S
    tmp_mb: int = TMP_MIN_MB
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    packaging: Packaging = Packaging()
    stream: bool = False
    events: str = ""
    base_path: str = ""
    runtime_client: RuntimeClient | None = None
    hosting: Hosting = Hosting()
    stage: str = ""
    region: str = ""
    profile: str = ""
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> RuntimeClient:
        """The client that was asked for, or else the usual one: ours for a web app, AWS's for a bare handler.

        AWS's does not read secrets, so a handler that has some gets ours.
        """
        return self.runtime_client or ("aws" if self.app.kind == "handler" and not self.secrets else "lambent")
