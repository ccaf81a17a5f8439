"""The entry point to the configuration: flags, the environment and pyproject.toml become one `Config`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from lambent import names
from lambent.config.app_name import DefaultName, default_name
from lambent.config.compatibility import check_settings, oldest_python
from lambent.config.declared_settings import take_over
from lambent.config.detection.declared_app import with_limits
from lambent.config.detection.detect import find_app, suggest_app
from lambent.config.detection.rest_events import with_payload
from lambent.config.detection.triggers import with_trigger
from lambent.config.environment import Environment, Variables, read_environment
from lambent.config.hosting import read_hosting
from lambent.config.identity import project_identities
from lambent.config.live_environment import refuse_unset_of_set
from lambent.config.model import ARCHITECTURES, CLIENTS, MEMORY_DEFAULT_MB, NO_APP, TIMEOUT_DEFAULT_S, App, Architecture, Config
from lambent.config.packaging import read_packaging
from lambent.config.parsers import (
    choice_parser,
    list_parser,
    parse_automatic_switch,
    parse_base_path,
    parse_function,
    parse_static,
    parse_switch,
    parse_text,
    text_parser,
)
from lambent.config.project import Project, find_project, with_script_range
from lambent.config.python_runtime import AWS, Machine, RuntimeRules, read_runtime
from lambent.config.quantities import MEGABYTES, SECONDS, quantity_parser
from lambent.config.settings import HOSTING, PACKAGING, Settings, gather
from lambent.config.sourced import Sourced
from lambent.config.stages import choose_stage
from lambent.config.target_flag import with_target
from lambent.errors import DetectionError, UsageError
from lambent.limits import MEMORY_MAX_MB, MEMORY_MIN_MB, TIMEOUT_MAX_S, TIMEOUT_MIN_S, TMP_MAX_MB, TMP_MIN_MB


class Flags(Struct, frozen=True):
    """The flags on the command line, unparsed. None or an empty tuple means that a flag was not used."""

    app: str | None = None
    name: str | None = None
    runtime: str | None = None
    architecture: str | None = None
    memory: int | str | None = None
    timeout: int | str | None = None
    tmp: int | str | None = None
    env: tuple[str, ...] = ()
    unset_env: tuple[str, ...] = ()
    stream: bool | None = None
    writable: bool | None = None
    url: bool | None = None
    check_path: str | None = None
    run: bool | None = None
    auth: str | None = None
    canary: str | None = None
    stage: str | None = None
    env_file: str | None = None
    target: str | None = None
    keep_all: bool | None = None
    overflow: bool | None = None

    def settings(self) -> dict[str, Any]:
        """Return the flags that set one setting each."""
        return {key: value for key, value in asdict(self).items() if key not in ("env", "unset_env", "target", "stage")}


class AppLocation(Struct, frozen=True):
    """The name of a deployed app, with the region and profile from its settings ("" for none).

    `identities` are those of the project that the command is about. They are empty if the name was typed. `path` and `stage`
    are the project's, and `former` is the name that the app had before its default changed, "" for the same.
    """

    app: str
    region: str = ""
    profile: str = ""
    identities: tuple[str, ...] = ()
    path: Path = Path()
    stage: str = ""
    former: str = ""


def load(
    path: Path, flags: Flags, environ: Mapping[str, str], on: date, *, machine: Machine = AWS, app_required: bool = True
) -> Config:
    """Return the configuration of the app at `path`, a folder or a Python file. AWS's rules are those of the day `on`.

    It runs on `machine`. Without `app_required`, a project whose app can't be found has `NO_APP`.
    Raises UsageError, DetectionError, or LocalError when this machine has no fitting Python.
    """
    project = _find_project(path)
    stage = choose_stage(flags.stage, environ)
    settings = with_target(gather(project, stage, environ, flags.settings()), flags.target, on)
    # Everything that needs no look at the app's code comes first, so that a wrong number is reported at once.
    name = _read_name(settings, project, stage.value)
    values: dict[str, Sourced[Any]] = {"stage": stage, "name": Sourced(name.name, name.origin)}
    values |= _read_function_settings(settings, machine.architecture)
    environment = read_environment(settings, flags.env, project.folder)
    fields = _fields_without_app(project, settings, flags, environment)
    app, declared = _read_app(settings, project, environ, environment, app_required)
    rules = RuntimeRules(on, environ, *oldest_python(app.value, values["runtime_client"]), machine.installed)
    runtime, candidates = read_runtime(settings, with_script_range(project, app.value), rules)
    check_settings(app.value, runtime, values)
    values |= {"app": app, "runtime": runtime, **declared}
    origins = {field: value.origin for field, value in values.items()} | environment.origins()
    if cors := values.pop("cors", None):
        fields["hosting"] = replace(fields["hosting"], cors=cors.value)
    config = Config(
        former_name=name.former,
        candidates=candidates,
        origins=settings.origins((*PACKAGING, *HOSTING)) | origins,
        **fields,
        **{field: value.value for field, value in values.items()},
    )
    refuse_unset_of_set(config)
    return config


def _fields_without_app(project: Project, settings: Settings, flags: Flags, environment: Environment) -> dict[str, Any]:
    """Return the parts of the configuration that need no look at the app's code."""
    return {
        "path": project.path,
        "identities": project_identities(project.path),
        "unset_variables": flags.unset_env,
        "flag_variables": environment.flag_variables,
        "environment": _pairs(environment.plain),
        "secrets": _pairs(environment.secrets),
        "packaging": read_packaging(settings),
        "hosting": read_hosting(settings),
    }


def _pairs(variables: Variables) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, variable.value) for name, variable in variables.items()))


def _find_project(path: Path) -> Project:
    """Return the project of a path. Raises UsageError, which suggests `--app` for a path that is the name of an app."""
    hint = "" if path.exists() else suggest_app(Path.cwd(), str(path))
    if hint:
        raise UsageError(f"no such file or folder: {path}", where="PATH", hint=hint)
    return find_project(path)


def locate_app(path: Path, flags: Flags, environ: Mapping[str, str]) -> AppLocation:
    """Return where the app at `path` is deployed, without reading its code. Raises UsageError."""
    project = find_project(path)
    stage = choose_stage(flags.stage, environ)
    settings = gather(project, stage, environ, {"name": flags.name})
    region, profile = _read_region(settings), _read_profile(settings)
    identities = () if flags.name else project_identities(project.path)
    app = _read_name(settings, project, stage.value)
    return AppLocation(app.name, region.value, profile.value, identities, path, stage.value, app.former)


def configured_variables(location: AppLocation, environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the value (or reference) and the origin of each environment variable that a project configures.

    Empty if the command is about an app by its name, which may be of another project.
    """
    if not location.identities:
        return {}
    project = find_project(location.path)
    settings = gather(project, choose_stage(location.stage or None, environ), environ, {})
    environment = read_environment(settings, (), project.folder)
    variables = {**environment.plain, **environment.secrets}
    return {name: (variable.value, variable.origin) for name, variable in variables.items()}


def _read_region(settings: Settings) -> Sourced[str]:
    return settings.read("region", text_parser("eu-west-1"), "")


def _read_profile(settings: Settings) -> Sourced[str]:
    return settings.read("profile", text_parser("default"), "")


def _read_function_settings(settings: Settings, native: Architecture) -> dict[str, Sourced[Any]]:
    memory = quantity_parser(MEGABYTES, MEMORY_MIN_MB, MEMORY_MAX_MB)
    timeout = quantity_parser(SECONDS, TIMEOUT_MIN_S, TIMEOUT_MAX_S)
    return {
        "memory_mb": settings.read("memory", memory, MEMORY_DEFAULT_MB),
        "timeout_s": settings.read("timeout", timeout, TIMEOUT_DEFAULT_S),
        "tmp_mb": settings.read("tmp", quantity_parser(MEGABYTES, TMP_MIN_MB, TMP_MAX_MB), TMP_MIN_MB),
        "architecture": settings.read("architecture", choice_parser(ARCHITECTURES, "x86_64 or arm64", native), native),
        "exclude": settings.read("exclude", list_parser('["*.psd", "raw/"]', "patterns"), ()),
        "stream": settings.read("stream", parse_switch, False),
        "static": settings.read("static", parse_static, None),
        "writable": settings.read("writable", parse_automatic_switch, None),
        "run": settings.read("run", parse_switch, False),
        "events": settings.read("events", parse_function, ""),
        "base_path": settings.read("base_path", parse_base_path, ""),
        "runtime_client": settings.read("runtime_client", choice_parser(CLIENTS, "lambent or aws", "lambent"), None),
        "region": _read_region(settings),
        "profile": _read_profile(settings),
    }


def _read_name(settings: Settings, project: Project, stage: str) -> DefaultName:
    """Return the function's name. A stage adds its own name as a suffix, unless a flag or its table names the function."""
    suffix = f"-{stage}" if stage else ""
    setting = settings.raw.get("name")
    if setting is not None:
        text = parse_text(setting, "my-app")
        name = text if setting.layer in ("flag", "stage") else text + suffix
        if not names.is_app_name(name):
            message = f"name must be 1 to {names.APP_MAX} letters, digits, - or _, got {name}"
            raise setting.refuse(message, names.to_app_name(text) or "my-app")
        return DefaultName(name, setting.origin)
    return default_name(project, suffix)


def _read_app(
    settings: Settings, project: Project, environ: Mapping[str, str], environment: Environment, required: bool
) -> tuple[Sourced[App], dict[str, Sourced[Any]]]:
    """Return the app, and the settings that its deployment file has. An app that isn't `required` may be `NO_APP`."""
    setting = settings.raw.get("app")
    spec = Sourced(parse_text(setting, "main:app"), setting.origin) if setting else None
    try:
        app = with_limits(project.folder, find_app(project, spec, environ))
        app = with_trigger(project.folder, with_payload(project.folder, app))
    except DetectionError:
        if required or spec:
            raise
        return Sourced(NO_APP, ""), {}
    remarks = (*app.remarks, *filter(None, [environment.remark]))
    app, declared = take_over(replace(app, remarks=remarks), settings, {*environment.plain, *environment.secrets})
    return Sourced(app, app.source), declared
