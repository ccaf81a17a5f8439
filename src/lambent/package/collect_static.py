"""The static files and the SQLite database of a Django project: collectstatic, and migrate if the project brings no database,
are run in a copy of the project, and what they make is packed.

The result is cached under what it depends on: the packages, the environment, every file that isn't a module, and the modules
that the project's settings and apps imported.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import re
import subprocess
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent import interpreters
from lambent.config import django_literals
from lambent.config.detection.django_project import SETTINGS_MODULE
from lambent.config.django_literals import DEBUG_EDIT, URL_DOMAINS, hosts_cure, read_literals
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Notice, Warned
from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.package import django_inspection
from lambent.package.build_context import BuildContext
from lambent.package.cache import read_checked, write_checked
from lambent.package.layout import SourceFile, arrange
from lambent.package.shards.shard import Shard
from lambent.units import count

if TYPE_CHECKING:
    from lambent.config.variables import unset
else:
    unset = LazyModule("lambent.config.variables.unset")  # only for settings that fail

_TIMEOUT_S = 120
_MISSING_VARIABLE = re.compile(
    r"^KeyError: '([A-Z][A-Z0-9_]*)'|([A-Z][A-Z0-9_]+) not found|Set the ([A-Z][A-Z0-9_]*) environment"
)
"""os.environ, python-decouple, django-environ."""
_TEMPLATES = re.compile(r"(^|/)templates/|\.(md|rst|po|mo)$")

Files = dict[str, SourceFile]
Result = tuple[dict[str, Any], dict[str, bytes]]
"""What `django_inspection` found, and the collected files by their path in the zip."""


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
    report, made = _cached_or_run(context, module, shards, files, interpreter)
    context = _serve_static(_review(context, report), report, len(made) - bool(report.get("database")))
    if database := report.get("database"):
        text = f"migrate: made {database}, since the zip would have no database"
        if (config.path / database).exists():
            text += f'; include = ["{database}"] packs yours'
        context.emit(Notice(text))
    return context, {**files, **{name: SourceFile.generated(name, content) for name, content in made.items()}}


def _serve_static(context: BuildContext, report: Mapping[str, Any], collected: int) -> BuildContext:
    """Say what collectstatic did. Return the context, whose `static` has its folder unless the app serves it itself."""
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
    config = context.config
    if config.has_url and not report["allows"] and not report["variable"]:
        config = replace(config, allowed_hosts=URL_DOMAINS)
    for warning in _warnings(config, report):
        context.emit(warning)
    return replace(context, config=config)


def check_static_folders(config: Config, files: Files) -> None:
    """Raise PackagingError for a folder of `static` that has no files in the zip."""
    for path, folder in config.static or ():
        if not any(name.startswith(f"{folder}/") for name in files):
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
        match = SETTINGS_MODULE.search(files[name].read().decode("utf-8", "replace")) if name in files else None
        if match:
            return match[1]
    return ""


def _cached_or_run(
    context: BuildContext, module: str, shards: tuple[Shard, ...], files: Files, interpreter: Interpreter
) -> Result:
    placed = dict(arrange((), {}, files, context.config.app).files)
    path = context.cache / "proofs" / f"{_key(context.config, module, shards, placed, interpreter)}.django"
    cached = read_checked(path)
    if cached is not None:
        report, collected, modules = marshal.loads(cached)
        if modules == _dates(placed, modules):
            return report, collected
    report, collected = _run(context, module, shards, placed, interpreter)
    report = {**_read_literals(context.config, module, placed), **report}
    if "error" in report:
        return report, {}
    write_checked(path, marshal.dumps((report, collected, _dates(placed, report["modules"])), 2))
    return report, collected


def _read_literals(config: Config, module: str, placed: Files) -> dict[str, Any]:
    def read(name: str) -> bytes | None:
        return placed[name].read() if name in placed else None

    return read_literals(module, read, dict(config.environment), dict(config.secrets))


def _key(config: Config, module: str, shards: tuple[Shard, ...], placed: Files, interpreter: Interpreter) -> str:
    programs = [Path(file).stat() for file in (django_inspection.__file__, django_literals.__file__)]
    others = [name for name in placed if not name.endswith(".py") and not _TEMPLATES.search(name)]
    parts = (
        *((program.st_size, program.st_mtime_ns) for program in programs),
        *(str(interpreter.path), module, config.environment, config.secrets),
        *([shard.path.name for shard in shards], sorted(placed), _dates(placed, others)),
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:40]


def _dates(placed: Files, names: Any) -> dict[str, tuple[int, int]]:
    """Return size and date of these files: a file counts as unchanged while both are."""
    return {name: _date(placed[name]) for name in names if name in placed}


def _date(file: SourceFile) -> tuple[int, int]:
    if file.content is not None:
        return len(file.content), zlib.crc32(file.content)
    stat = file.path.stat()
    return stat.st_size, stat.st_mtime_ns


def _run(context: BuildContext, module: str, shards: tuple[Shard, ...], placed: Files, interpreter: Interpreter) -> Result:
    with tempfile.TemporaryDirectory(prefix="lambent-django-") as temporary:
        copy, packages, result = (Path(temporary) / name for name in ("project", "packages", "result.json"))
        _write(copy, {name: file.read() for name, file in placed.items()})
        for shard in shards:
            _write(packages, {entry.name: shard.archive.content(entry) for entry in shard.entries})
        command = [str(interpreter.path), "-I", "-B", django_inspection.__file__, str(copy), str(packages), str(result)]
        environment = _environment(context, module, temporary)
        try:
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S)
            report = json.loads(result.read_text("utf-8"))
        except subprocess.TimeoutExpired:
            return {"error": f"it takes longer than {_TIMEOUT_S} s"}, {}
        except (OSError, ValueError):
            return {"error": "its process ended early"}, {}
        folder, database = report.get("folder"), report.get("database")
        paths = sorted(path for path in (copy / folder).rglob("*") if path.is_file() and path.suffix != ".py") if folder else []
        paths += [copy / database] if database else []
        return report, {path.relative_to(copy).as_posix(): path.read_bytes() for path in paths}


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for parent in {(folder / name).parent for name in contents}:
        parent.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def _environment(context: BuildContext, module: str, home: str) -> dict[str, str]:
    """Return the function's environment variables, with a stand-in for each secret."""
    config = context.config
    return {
        "PATH": context.environ.get("PATH", ""),
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "AWS_LAMBDA_FUNCTION_NAME": config.name,  # settings may depend on it
        "DJANGO_SETTINGS_MODULE": module,
        **dict.fromkeys(dict(config.secrets), "unknown"),
        **dict(config.environment),
    }


def _warnings(config: Config, report: Mapping[str, Any]) -> list[Warned]:
    warnings, settings = [], report["settings"] or "the settings"
    if "error" in report:
        missing = _MISSING_VARIABLE.search(report["error"])
        name = next(filter(None, missing.groups()), "") if missing else ""
        hint = f"{unset.flags_for(config, [name])}, which the function needs too" if name else _COLLECT_YOURSELF
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
