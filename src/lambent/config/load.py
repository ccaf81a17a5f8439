"""From a path, flags, the environment and pyproject.toml to one `Config`, each value with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from lambent import names
from lambent.config import clients, environment, hosting, packaging, stages, web
from lambent.config import python_runtime as runtimes
from lambent.config import target_flag as target
from lambent.config.detect import find
from lambent.config.model import MEMORY_DEFAULT_MB, TIMEOUT_DEFAULT_S, App, Architecture, Config, RuntimeClient
from lambent.config.project import Project, locate
from lambent.config.settings import Given, Settings, Table, gather
from lambent.errors import UsageError
from lambent.limits import MEMORY_MAX_MB, MEMORY_MIN_MB, TIMEOUT_MAX_S, TIMEOUT_MIN_S, TMP_MAX_MB, TMP_MIN_MB

_OLDEST_WEB = (3, 10)  # what runtime/ in the zip needs


class Flags(Struct, frozen=True):
    """What was said on the command line, as it was said. None (or nothing) means it was not."""

    app: str | None = None
    name: str | None = None
    runtime: str | None = None
    architecture: str | None = None
    memory: int | str | None = None
    timeout: int | str | None = None
    tmp: int | str | None = None
    env: tuple[str, ...] = ()
    stream: bool | None = None
    auth: str | None = None
    canary: str | None = None
    stage: str | None = None
    env_file: str | None = None
    target: str | None = None
    keep_all: bool | None = None
    overflow: bool | None = None


def load(
    path: Path, flags: Flags, environ: Mapping[str, str], on: date, *, native_architecture: Architecture = "x86_64"
) -> Config:
    """The configuration of the app at `path`, a folder or a Python file. `on` is the day whose rules of AWS hold.

    `native_architecture` is the default: x86_64 for AWS, this machine's own for the local Lambda.
    Raises UsageError, DetectionError, or LocalError when this machine has no fitting Python.
    """
    project = locate(path)
    table = _table(project, flags, environ)
    said = {key: value for key, value in asdict(flags).items() if key not in ("env", "target", "stage")}
    settings = target.spread(gather(said, environ, table), flags.target, on)
    origins: dict[str, str] = {"stage": table.stage_origin or "default"}
    name = _name(settings, project, table.stage, origins)
    spec = settings.text("app")
    # plain values are checked before the search: a wrong number needs no reading of code
    memory = _number(settings, "memory", "MB", (MEMORY_MIN_MB, MEMORY_MAX_MB), MEMORY_DEFAULT_MB)
    timeout = _number(settings, "timeout", "seconds", (TIMEOUT_MIN_S, TIMEOUT_MAX_S), TIMEOUT_DEFAULT_S)
    tmp = _number(settings, "tmp", "MB", (TMP_MIN_MB, TMP_MAX_MB), TMP_MIN_MB)
    for field, key in (("memory_mb", "memory"), ("timeout_s", "timeout"), ("tmp_mb", "tmp")):
        origins[field] = settings.given[key].origin if key in settings.given else "default"
    variables, secrets = _environment(settings, flags, project, origins)
    architecture = _architecture(settings, origins, native_architecture)
    exclude = _exclude(settings, origins)
    zipped = packaging.options(settings, origins)
    stream = settings.switch("stream")
    origins["stream"] = stream.origin if stream else "default"
    app = find(project, spec.value if spec else None, spec.origin if spec else "")
    origins["app"] = app.source
    runtime = _runtime(settings, project, on, environ, origins)
    client = clients.asked(settings, origins)
    _check_version(app, client, runtime, origins)
    if stream:
        _check_stream(app, stream)
        clients.check_stream(client, stream, origins)
    return Config(
        path=project.path,
        name=name,
        app=app,
        runtime=runtime,
        architecture=architecture,
        memory_mb=memory,
        timeout_s=timeout,
        tmp_mb=tmp,
        environment=variables,
        secrets=secrets,
        exclude=exclude,
        packaging=zipped,
        stream=bool(stream and stream.value),
        events=web.events(settings, app, origins),
        base_path=web.base_path(settings, app, origins),
        runtime_client=client,
        hosting=hosting.hosting(settings, origins),
        stage=table.stage,
        region=_plain(settings, "region", origins),
        profile=_plain(settings, "profile", origins),
        origins=origins,
    )


class AppLocation(Struct, frozen=True):
    """What a command needs to find an app that is there: its name, and the region and profile that its settings name."""

    app: str
    region: str = ""
    profile: str = ""


def locate_app(path: Path, flags: Flags, environ: Mapping[str, str]) -> AppLocation:
    """Where the app at `path` is, without a look at its code. Raises UsageError."""
    project = locate(path)
    table = _table(project, flags, environ)
    settings = gather({"name": flags.name}, environ, table)
    app = _name(settings, project, table.stage, {})
    return AppLocation(app, _plain(settings, "region", {}), _plain(settings, "profile", {}))


def _table(project: Project, flags: Flags, environ: Mapping[str, str]) -> Table:
    return Table(project.table, project.table_source, *stages.chosen(flags.stage, environ))


def _plain(settings: Settings, key: str, origins: dict[str, str]) -> str:
    given = settings.text(key)
    origins[key] = given.origin if given else "default"
    return str(given.value) if given else ""


def _name(settings: Settings, project: Project, stage: str, origins: dict[str, str]) -> str:
    """The function's name. Each stage has its own: that which its table says, or the app's with the stage's after it."""
    ending = f"-{stage}" if stage else ""
    given = settings.text("name")
    if given is not None:
        whole = given.value if f"stages.{stage}]" in given.origin or given.origin.startswith("--") else given.value + ending
        if not names.is_app_name(whole):
            raise given.refuse(
                f"name must be 1 to 56 letters, digits, - and _, got {whole}", names.to_app_name(given.value) or "my-app"
            )
        origins["name"] = given.origin
        return str(whole)
    folder = project.path.stem if project.path.is_file() else project.path.name
    for raw, origin in ((project.name, f"{project.table_source} [project] name"), (folder, f"the folder {folder}")):
        name = names.to_app_name(raw)
        if name:
            origins["name"] = origin
            return name[: names.APP_MAX - len(ending)].rstrip("-_") + ending
    raise UsageError(f"no name can be made from the folder {folder!r}", where=str(project.path), hint="--name my-app")


def _number(settings: Settings, key: str, unit: str, bounds: tuple[int, int], default: int) -> int:
    given = settings.number(key, unit, *bounds)
    return int(given.value) if given else default


Pairs = tuple[tuple[str, str], ...]


def _environment(settings: Settings, flags: Flags, project: Project, origins: dict[str, str]) -> tuple[Pairs, Pairs]:
    """The plain variables and the references to secrets. A flag is stronger than the .env file, and that than the table."""
    configured = settings.given.get("env")
    where = configured.origin if configured else ""
    pairs, secrets = environment.from_table(configured.value, where) if configured else ({}, {})
    places = dict.fromkeys([*pairs, *secrets], where)
    file = settings.text("env_file")
    if file is not None:
        folder = Path() if file.origin.startswith("--") else project.folder
        found = environment.from_file(folder / file.value, file.origin)
        pairs |= found
        places |= dict.fromkeys(found, f"{file.value} ({file.origin})")
    said = environment.from_flags(flags.env)
    places |= dict.fromkeys(said, "--env")
    pairs |= said
    origins["environment"] = " and ".join(dict.fromkeys(places.values())) or "default"
    origins |= {f"env.{name}": place for name, place in places.items()}
    left = {name: told for name, told in secrets.items() if places[name] == where}
    return environment.check({name: value for name, value in pairs.items() if name not in left}, places), tuple(
        sorted(left.items())
    )


def _architecture(settings: Settings, origins: dict[str, str], native: Architecture) -> Architecture:
    given = settings.text("architecture")
    if given is None:
        origins["architecture"] = "default"
        return native
    origins["architecture"] = given.origin
    if given.value not in target.ARCHITECTURES:
        raise given.refuse(f"architecture must be x86_64 or arm64, got {given.value}", native)
    return target.ARCHITECTURES[given.value]


def _exclude(settings: Settings, origins: dict[str, str]) -> tuple[str, ...]:
    given = settings.texts("exclude", '["*.psd", "raw/"]', "patterns")
    origins["exclude"] = given.origin if given else "default"
    return given.value if given else ()


def _runtime(settings: Settings, project: Project, on: date, environ: Mapping[str, str], origins: dict[str, str]) -> str:
    given: Given | None = settings.text("runtime")
    if given is not None:
        origins["runtime"] = given.origin
        return runtimes.asked(given, on)
    runtime, origins["runtime"] = runtimes.choose(project, on, environ)
    return runtime


def _check_version(app: App, client: RuntimeClient | None, runtime: str, origins: dict[str, str]) -> None:
    """Web apps run on the runtime in the zip, which needs Python 3.10; a bare handler under AWS's client runs on anything."""
    version = tuple(int(part) for part in runtime.removeprefix("python").split("."))
    if app.kind == "handler" and client == "lambent" and version < _OLDEST_WEB:
        raise UsageError(
            f"lambent's own loop needs python3.10 or newer, not {runtime}",
            where=origins["runtime"],
            hint="--runtime python3.13, or leave runtime_client out: AWS's client runs it",
        )
    if app.kind != "handler" and version < _OLDEST_WEB:
        raise UsageError(
            f"{app.spec} is a web app, and web apps need python3.10 or newer, not {runtime}",
            where=origins["runtime"],
            hint="--runtime python3.13, or give a handler: def lambda_handler(event, context)",
        )


def _check_stream(app: App, stream: Given) -> None:
    """A bare handler returns its answer in one piece, and over a streaming URL a client would see it as raw JSON."""
    if stream.value and app.kind == "handler":
        raise UsageError(
            f"{app.spec} is a bare handler, and what it returns cannot be streamed",
            where=stream.origin,
            hint="leave stream out, or give a web app (ASGI or WSGI): --app main:app",
        )
