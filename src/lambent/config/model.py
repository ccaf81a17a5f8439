"""The configuration of an app, with its defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import normpath
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.limits import TMP_MIN_MB

Kind = Literal["handler", "asgi", "wsgi", "web"]
"""The kind of an app. "web" is ASGI or WSGI: the runtime finds out which when it imports the app."""

MEMORY_DEFAULT_MB = 1024
TIMEOUT_DEFAULT_S = 30

Architecture = Literal["x86_64", "arm64"]
ARCHITECTURES: dict[str, Architecture] = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
"""The names people use for a machine, and Lambda's name for it."""

RuntimeClient = Literal["lambent", "aws"]
"""The client of Lambda's Runtime API that runs the app: lambent's, which is in the zip, or AWS's (awslambdaric)."""
CLIENTS: dict[str, RuntimeClient] = {"lambent": "lambent", "aws": "aws"}


Pairs = tuple[tuple[str, str], ...]
"""Names, each with its value."""


class Cors(Struct, frozen=True):
    """The CORS headers that the Function URL sends in place of the app."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 0


class Route(Struct, frozen=True):
    """The requests that API Gateway sends to one of several functions.

    `method` is "GET" or "ANY", `path` "/items/{id}", or "" for requests that no other route is for. `attribute` of `module` is
    the handler, which gets events of `payload` "1.0" or "2.0". `folder` is where its code is, relative to the project.
    `variables` are the environment variables that only its function has, or with other values.
    """

    method: str
    path: str
    module: str
    attribute: str
    folder: str = "."
    payload: str = "2.0"
    variables: Pairs = ()

    @property
    def handler(self) -> str:
        """The handler in Lambda's form, in its own folder."""
        return f"{self.module}.{self.attribute}"

    @property
    def full_module(self) -> str:
        """The module as seen from the project's folder: "hello.app"."""
        return ".".join((*(part for part in self.folder.split("/") if part != "."), self.module))

    def __str__(self) -> str:
        """Format it for people: "GET /items/{id}"."""
        return f"{self.method} {self.path}" if self.path else "all other requests"


class App(Struct, frozen=True):
    """An app, as `attribute` of `module`.

    An `attribute` that ends in "()", or in literal arguments, is a factory, which is called once. `root` is the folder that
    goes first on sys.path, relative to the project ("." or "src"). `source` is where the app was found, for the plan;
    `remarks` are lines about what else the project says. `payload` is "1.0" for a handler of an API Gateway REST API's events.
    `trigger` says what calls a handler that no HTTP request calls: "schedule", "" if one may. `shared_modules` are files and
    folders, relative to the project, that are imported as if they were in the root: those of a layer, for example.
    With `routes`, the app is several functions that the deployment file `source` describes, and it has no module of its own.
    `cors` is what their HTTP API adds to all responses. `preflights` are what their REST API answers to OPTIONS, by path.
    `memory_mb` and `timeout_s` are what the file `limits_source` has for the app, the most that one of several functions has,
    0 if it doesn't say.
    """

    module: str
    attribute: str
    kind: Kind
    root: str = "."
    source: str = ""
    remarks: tuple[str, ...] = ()
    payload: str = ""
    trigger: str = ""
    shared_modules: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    cors: Cors | None = None
    preflights: tuple[tuple[str, Cors], ...] = ()
    memory_mb: int = 0
    timeout_s: int = 0
    limits_source: str = ""

    def is_same(self, other: App) -> bool:
        """Return whether both are the same object, wherever each was found: "hello.app" is the module "app" of "hello/"."""
        return (self._path, self.attribute) == (other._path, other.attribute)

    @property
    def _path(self) -> str:
        """The module's file without its suffix, relative to the project."""
        return normpath(f"{self.root}/{self.module.replace('.', '/')}")

    @property
    def handler(self) -> str:
        """The app in Lambda's form, "module.attribute", or "module:attribute.attribute" when the attribute has dots itself."""
        return f"{self.module}{':' if set('.:') & set(self.attribute) else '.'}{self.attribute}"

    @property
    def spec(self) -> str:
        """The app in the form of `--app`: "module:attribute", or the file that describes several functions."""
        return self.source if self.routes else f"{self.module}:{self.attribute}"

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that a start imports first, as seen from the root."""
        return tuple(dict.fromkeys(route.full_module for route in self.routes)) or ((self.module,) if self.module else ())

    @property
    def gettable_paths(self) -> tuple[str, ...]:
        """The paths of the routes that GET can ask for, those without parameters. Other apps may have any."""
        return tuple(route.path or "/" for route in self.routes if route.method in ("GET", "ANY") and "{" not in route.path)

    @property
    def code_folders(self) -> tuple[str, ...]:
        """The folders, relative to the root, that one function each has on its import path. Empty for any other app."""
        return tuple(dict.fromkeys(route.folder for route in self.routes if route.folder != "."))


NO_APP = App("", "", "handler")
"""The app of a layer whose project has none."""


class Canary(Struct, frozen=True):
    """The share of the traffic (0 to 1) that a new version gets first, and for how many seconds."""

    share: float
    seconds: int

    def __str__(self) -> str:
        """Format it for people: "10 % for 5 min"."""
        length, unit = next((unit for unit in ((3600, "h"), (60, "min")) if self.seconds % unit[0] == 0), (1, "s"))
        return f"{self.share * 100:g} % for {self.seconds // length} {unit}"


class Hosting(Struct, frozen=True):
    """How AWS runs the function.

    `role` is the ARN of a role of your own; "" means that lambent creates one. `permissions` are policy statements as JSON
    text, `policies` the ARNs of managed policies. `log_retention_days` None keeps logs forever. `mounts` are pairs of an EFS
    access point's ARN and a path below /mnt/. `url` None gives the function a URL unless only other events than HTTP requests
    call it. `check_path` is what the check of a new version requests, "" for "/". `auth` "NONE" lets anyone call the URL,
    "AWS_IAM" only signed requests. `cors` None leaves CORS to the app. With a `canary`, a new version only gets all the traffic
    once the canary has succeeded. `bucket` is for zips above 50 MB; "" means that lambent creates one.
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
    url: bool | None = None
    check_path: str = ""
    auth: Literal["NONE", "AWS_IAM"] = "NONE"
    cors: Cors | None = None
    canary: Canary | None = None
    bucket: str = ""
    keep_versions: int = 10


class Packaging(Struct, frozen=True):
    """What goes into the zip in addition to the app's own files, and what stays out.

    `include` are patterns of ignored files to pack anyway, `allow_secrets` paths of files that may contain secrets. `groups`
    and `extras` are dependency groups and extras of pyproject.toml to install, `without` packages to leave out. `keep` and
    `drop` are patterns for single files of dependencies; `keep_all` packs dependencies exactly as an installer would.
    `strip` removes debug symbols from native code. With `overflow`, packages that do not fit into the zip are fetched from S3
    at each start.
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


class RuntimeCandidates(Struct, frozen=True):
    """The runtimes that an app may have, best first. Empty if the user named the runtime.

    `origin` is where they come from. `named_by` is the file of the project that names the first one, and `live` the one that is
    live. AWS accepts those in `updates_only` only for functions that have them. `excluded` are pairs of any other runtime and
    why it can't be taken. `note` says which wish couldn't be met.
    """

    runtimes: tuple[str, ...] = ()
    origin: str = ""
    named_by: str = ""
    live: str = ""
    updates_only: tuple[str, ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def origin_of(self, runtime: str) -> str:
        """Return why this one of the runtimes is taken."""
        if self.named_by and runtime == self.runtimes[0]:
            return self.named_by
        return "what is live" if runtime == self.live else self.origin


class Config(Struct, frozen=True):
    """The configuration of one app, complete: everything a build and a deploy need.

    `macos` is the version of macOS that the zip is for, on the user's own machine; None for Amazon Linux.
    `events` ("module:function") handles events that are not HTTP requests. The app's paths start with `base_path` ("/shop").
    `secrets` are environment variables whose value is a reference ("ssm:/path") that the function resolves when it starts.
    `static` are pairs of a path ("/static") and the folder whose files the runtime serves there; None leaves that to Django's
    settings. `allowed_hosts` are added to Django's ALLOWED_HOSTS. `stream` sends responses while the app produces them instead
    of in one piece. `writable` runs the app from a copy
    of its own files in /tmp; None does so only if the app turns out to write next to its code. `run` lets the function take the
    commands of `lambent run`. `region` and `profile` are "" to
    use the user's AWS configuration. `origins` maps the name of a field or setting to where its value came from. `runtime` is
    the first of the `candidates` until it is known which of them the dependencies fit. `identities`
    tell the project from others of the same name, strongest first. `former_name` is what it was called before its default
    name changed, "" for the same. `description` says what a version is made from (`provenance.py`).
    `uncompiled` are packages that are built from their source without its compiled part, because no runtime has a wheel.
    `corrections` are requirements that a failed start has shown to be needed ("starlette<1"), each with the reason. Only
    releases until the day `released_until` ("2021-03-04") are taken, "" for all.
    `missing_table` is a table that such a start didn't find: the build makes the SQLite database that has it.
    `flag_variables` are the names of the environment variables that flags have set, `unset_variables` those to remove.
    """

    path: Path
    name: str
    app: App
    runtime: str
    architecture: Architecture = "x86_64"
    macos: tuple[int, int] | None = None
    memory_mb: int = MEMORY_DEFAULT_MB
    timeout_s: int = TIMEOUT_DEFAULT_S
    tmp_mb: int = TMP_MIN_MB
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    packaging: Packaging = Packaging()
    stream: bool = False
    static: tuple[tuple[str, str], ...] | None = None
    allowed_hosts: tuple[str, ...] = ()
    writable: bool | None = None
    run: bool = False
    events: str = ""
    base_path: str = ""
    runtime_client: RuntimeClient | None = None
    hosting: Hosting = Hosting()
    stage: str = ""
    region: str = ""
    profile: str = ""
    identities: tuple[str, ...] = ()
    former_name: str = ""
    description: str = ""
    flag_variables: tuple[str, ...] = ()
    unset_variables: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    candidates: RuntimeCandidates = RuntimeCandidates()
    uncompiled: frozenset[str] = frozenset()
    corrections: tuple[tuple[str, str], ...] = ()
    released_until: str = ""
    missing_table: str = ""

    def with_runtime(self, runtime: str, origin: str, candidates: RuntimeCandidates | None = None) -> Config:
        """Return this configuration with another runtime, and with other candidates unless they are None."""
        origins = {**self.origins, "runtime": origin}
        return replace(self, runtime=runtime, origins=origins, candidates=candidates or self.candidates)

    def with_variables(self, values: Mapping[str, str], origins: Mapping[str, str], flagged: Iterable[str]) -> Config:
        """Return this configuration with more environment variables; later deploys keep those that count as `flagged`."""
        return replace(
            self,
            environment=tuple(sorted({**dict(self.environment), **values}.items())),
            flag_variables=tuple(sorted({*self.flag_variables, *flagged})),
            origins={**self.origins, **{f"env.{name}": origin for name, origin in origins.items()}},
        )

    @property
    def folder(self) -> Path:
        """The project's folder: `path`, or that of a script."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def has_url(self) -> bool:
        """Whether the function gets a URL if it has none yet."""
        return self.hosting.url if self.hosting.url is not None else not self.app.trigger

    @property
    def client(self) -> RuntimeClient:
        """The configured client, or the default: lambent's for a web app, AWS's for a bare handler.

        AWS's client neither resolves secrets, nor copies the app to /tmp, nor changes events, nor calls one of several
        functions, nor starts a handler without calling it, nor runs commands, so a handler that needs this gets lambent's.
        """
        needs_lambent = (
            *(self.app.kind != "handler", self.secrets, self.writable, self.app.payload, self.app.routes, self.run),
            not self.has_url,
        )
        return self.runtime_client or ("lambent" if any(needs_lambent) else "aws")

    @property
    def function_environment(self) -> dict[str, str]:
        """The user's environment variables as the function gets them.

        lambent's client is started by an exec wrapper, which starts the user's own one (`runtime/bootstrap`).
        """
        variables = dict(self.environment)
        if self.client == "lambent" and "AWS_LAMBDA_EXEC_WRAPPER" in variables:
            variables["LAMBENT_EXEC_WRAPPER"] = variables.pop("AWS_LAMBDA_EXEC_WRAPPER")
        return variables
