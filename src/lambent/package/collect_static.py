"""The static files and the SQLite database of a Django project: collectstatic, and migrate if the project brings no database,
are run in a copy of the project, and what they make is packed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent import interpreters
from lambent.config.detection.django_project import settings_named_in
from lambent.config.django_literals import DEBUG_EDIT, URL_DOMAINS, hosts_cure, read_literals
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Notice, Warned
from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.limits import PAYLOAD_MAX
from lambent.package import django_inspection
from lambent.package.build_context import BuildContext
from lambent.package.database_tables import report_databases
from lambent.package.isolated_run import Files, Program, Result, run_cached
from lambent.package.layout import SourceFile, arrange
from lambent.package.shards.shard import Shard
from lambent.units import count, size

if TYPE_CHECKING:
    from lambent.config.variables import unset
else:
    unset = LazyModule("lambent.config.variables.unset")  # only for settings that fail

_BINARY_MAX = PAYLOAD_MAX * 3 // 4  # sent as base64
_TIMEOUT_S = 300  # the migrations of a CMS take half a minute, and on a busy machine many times that
_MISSING_VARIABLE = re.compile(
    r"^KeyError: '([A-Z][A-Z0-9_]*)'|([A-Z][A-Z0-9_]+) not found|Set the ([A-Z][A-Z0-9_]*) environment"
)
"""os.environ, python-decouple, django-environ."""
_BROKEN = ("NameError", "SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError")
"""Settings that don't depend on where they are executed."""
_DANGLING = re.compile(r"The file '([^']+)' could not be found with")
"""A stylesheet names a file that doesn't exist, and the storage gives each file's name a hash."""


def collect_static(
    context: BuildContext, shards: tuple[Shard, ...], files: Files, interpreter: Interpreter | None
) -> tuple[BuildContext, Files]:
    """Return the files with what collectstatic and migrate make, and the context, whose `static` says where files are served.

    Both are unchanged unless the app is a Django project. Warns about settings that would not work on AWS, and has the function
    allow its URL's host if the settings don't.
    """
    config = context.config
    module = _settings_module(config, files) if any(shard.name == "django" for shard in shards) else ""
    if not module or config.app.kind == "handler" or context.options.scope == "layer":
        return context, files
    if interpreter is None:
        hint = interpreters.install_command(context.target.python)
        context.emit(Warned(f"collectstatic was not run, because Python {context.target.python} is missing", hint))
        return _review(context, _read_literals(config, module, dict(arrange((), {}, files, config.app).files))), files
    report, outputs = _inspect(context, module, shards, files, interpreter)
    databases = report.get("databases", ())
    context = _serve_static(_review(context, report), report, len(outputs) - len(databases))
    context = report_databases(context, "migrate", databases, "the zip would have no database")
    return context, {**files, **{name: SourceFile.generated(name, content) for name, content in outputs.items()}}


def _serve_static(context: BuildContext, report: Mapping[str, Any], collected: int) -> BuildContext:
    """Say what collectstatic did. Return the context, whose `static` has its folder unless the app serves it itself."""
    if storage := report.get("elsewhere"):
        text = f"collectstatic was not run, since {storage} keeps static files elsewhere"
        context.emit(Notice(f"{text}: python manage.py collectstatic sends them there"))
    if not collected:
        return context
    path = f"/{report['url'].strip('/')}" if "//" not in report["url"] else ""
    serves = context.config.static is None and path and not report["serves"]
    by = "by WhiteNoise" if report["serves"] else f"at {path}" if serves else "as your settings say"
    context.emit(Notice(f"collectstatic: {count(collected, 'file')} in {report['folder']}/, served {by}"))
    if not serves:
        return context
    return replace(context, config=replace(context.config, static=((path, report["folder"]),)))


def _review(context: BuildContext, report: Mapping[str, Any]) -> BuildContext:
    """Warn about settings that don't suit AWS. Return the context, with the hosts that the settings lack."""
    config = replace(context.config, allowed_hosts=_missing_hosts(context.config, report))
    for warning in _warnings(config, report):
        context.emit(warning)
    return replace(context, config=config)


def _missing_hosts(config: Config, report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts of the URL if the settings don't allow them. A value that the user sets for them decides."""
    is_set = report["variable"] in dict(config.environment)
    return URL_DOMAINS if config.has_url and not report["allows"] and not is_set else ()


def check_static_folders(context: BuildContext, files: Files) -> None:
    """Warn about a file that is too large for a response. Raise PackagingError for a folder of `static` without files."""
    config = context.config
    for path, folder in config.static or ():
        sizes = {name: file.size for name, file in files.items() if name.startswith(f"{folder}/")}
        largest = max(sizes, key=lambda name: sizes[name], default="")
        if largest and sizes[largest] > _BINARY_MAX and not config.stream:
            what = f"{largest} is too large to be served, {size(sizes[largest])}"
            context.emit(
                Warned(f"{what}: a response holds 6 MB, about 4.5 MB of binary data", "--stream, whose limit is 200 MB")
            )
        if not sizes:
            exists = (config.path / folder).is_dir()
            what = f"static serves {path} from {folder}/, " + (
                "which is left out of the zip" if exists else "which doesn't exist"
            )
            hint = f'include = ["{folder}/"]' if exists else f"create {folder}/ before you deploy, or remove it from static"
            raise PackagingError(what, where=config.origins.get("static", "static"), hint=hint)


def _settings_module(config: Config, files: Files) -> str:
    """Return the settings module that the environment, manage.py or the app's own module names."""
    configured = dict(config.environment).get("DJANGO_SETTINGS_MODULE")
    if configured:
        return configured
    prefix = "" if config.app.root == "." else f"{config.app.root}/"
    app = f"{config.app.module.replace('.', '/')}.py"
    for name in (f"{prefix}{app}", app, "manage.py", f"{prefix}manage.py"):
        settings = settings_named_in(files[name].read().decode("utf-8", "replace")) if name in files else ""
        if settings:
            return settings
    return ""


def _inspect(context: BuildContext, module: str, shards: tuple[Shard, ...], files: Files, interpreter: Interpreter) -> Result:
    program = Program(
        name="django",
        file=django_inspection.__file__,
        arguments=(),
        variables=(("DJANGO_SETTINGS_MODULE", module),),
        timeout_s=_TIMEOUT_S,
    )
    placed = dict(arrange((), {}, files, context.config.app).files)
    report, outputs = run_cached(context, program, shards, placed, interpreter)
    return {**_read_literals(context.config, module, placed), **report}, outputs


def _read_literals(config: Config, module: str, placed: Files) -> dict[str, Any]:
    def read(name: str) -> bytes | None:
        return placed[name].read() if name in placed else None

    return read_literals(module, read, dict(config.environment), dict(config.secrets))


def _warnings(config: Config, report: Mapping[str, Any]) -> list[Warned]:
    warnings, settings = [], report["settings"] or "the settings"
    if "error" in report:
        missing = _MISSING_VARIABLE.search(report["error"])
        name = next(filter(None, missing.groups()), "") if missing else ""
        hint = f"{unset.flags_for(config, [name])}, which the function needs too" if name else _COLLECT_YOURSELF
        if dangling := _DANGLING.search(report["error"]):
            hint = f"add {dangling[1]} to the static files, or remove what refers to it: collectstatic fails everywhere"
        if report["error"].startswith(_BROKEN) or (not name and not report.get("starts", True) and _is_bug(report["error"])):
            hint = "fix that first: the app can't start either"
        warnings.append(Warned(f"collectstatic can't run: {report['error']}", hint))
    if report["debug"]:
        file = report.get("debug_settings", settings)
        text = f"DEBUG is True in {file}: on AWS an error page would show the code and the settings to anyone"
        warnings.append(Warned(text, f"import os and set {DEBUG_EDIT}"))
    if not report["allows"] and config.has_url:
        outcome = "lambent adds it in the function" if config.allowed_hosts else "Django would answer 400 on AWS"
        text = (
            f"ALLOWED_HOSTS in {_in_project(config, report['location']) or settings} doesn't allow the URL's host, so {outcome}"
        )
        warnings.append(Warned(text, hosts_cure(report)))
    if folder := report.get("uploads"):
        where = "next to the code" if folder == "." else f"to {folder}/"
        text = f"uploaded files go {where}, and on Lambda they are lost when an environment ends: others never see them"
        warnings.append(Warned(text, _KEEP_UPLOADS))
    if report["unmigrated"]:
        apps = " ".join(report["unmigrated"])
        warnings.append(
            Warned(
                f"models have changed without a migration, or it isn't packed: {apps}",
                f"python manage.py makemigrations {apps}",
            )
        )
    return warnings


def _is_bug(error: str) -> bool:
    """Return whether code that raises this would raise it on every machine."""
    return error.startswith(("AttributeError", "IndexError", "KeyError", "TypeError", "ValueError", "ZeroDivisionError"))


def _in_project(config: Config, path: str) -> str:
    """Return a path in the zip as one in the project, where the user looks for it."""
    return (PurePosixPath(config.app.root) / path).as_posix() if path else ""


_KEEP_UPLOADS = (
    'add django-storages[s3], set STORAGES["default"] to its S3Storage, and allow the bucket with permissions '
    "(docs/how-to/deploy.md, Uploaded files)"
)
_COLLECT_YOURSELF = (
    'run python manage.py collectstatic, and set include = ["staticfiles/"] and static = { "/static" = "staticfiles" }'
)
