"""Settings of Django that a start names and that aren't there or are empty.

Those of one developer are often not in the repository, and a package of settings may leave it to the server to name one.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection.django_project import WSGI_FACTORY, managed_settings, named_settings, settings_module
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config
from lambent.errors import UsageError
from lambent.events import Emit, Notice
from lambent.units import listing

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_SETTINGS = re.compile(r"(?m)^(?:INSTALLED_APPS|DATABASES|DEBUG|ALLOWED_HOSTS|ROOT_URLCONF|SECRET_KEY)\b|^from \S+ import \*")
_IN_USE = re.compile(r"SECRET_KEY|ROOT_URLCONF|import \*")
_CONFIGURES = rf"{_VARIABLE}|settings\.configure\("
_FOR_OTHERS = re.compile(r"test|ci$|dev|local|example")
"""Settings that hardly are those of a deployed app."""


def refuse_missing_settings(config: Config) -> None:
    """Raise UsageError if the app names a module of settings that isn't here, next to others that are."""
    modules = ProjectModules(config.folder)
    start = modules.of_app(config.app) if config.app.kind != "handler" else None
    if start is None:
        return
    settings = settings_module([start.path], dict(config.environment).get(_VARIABLE, ""))
    package, _, name = settings.rpartition(".")
    roots = list(dict.fromkeys((config.app.root, *modules.roots)))
    if not package or modules.find(settings, roots):
        return
    folder = next((path for root in roots if (path := config.folder / root / package.replace(".", "/")).is_dir()), None)
    others = _settings_in(folder) if folder is not None else []
    if folder is None or not others:
        return
    value = f"{package}.{others[0]}"
    file, parent = modules.relative(start.path), modules.relative(folder)
    hint = f"--env {_VARIABLE}={value}" if _is_default(start.path) else f'in {file}, os.environ["{_VARIABLE}"] = "{value}"'
    what = f"the app starts with the settings {settings}, but {parent}/ has no {name}.py, only {listing(others)}"
    raise UsageError(what, where=file, hint=hint)


def empty_settings(config: Config) -> tuple[str, str, str] | None:
    """Return the settings that the app names, if they are empty, those that manage.py or another file names, and that file."""
    if not config.path.is_dir() or _VARIABLE in dict(config.environment):
        return None
    modules, roots = ProjectModules(config.path), [config.app.root]
    module = modules.find(config.app.module, roots)
    app_settings = settings_module([module.path]) if module is not None else ""
    settings = modules.find(app_settings, roots)
    if settings is None or _IN_USE.search(settings.path.read_text("utf-8-sig", "replace")):
        return None
    managed = ("manage.py", settings_module([config.path / config.app.root / "manage.py"]))
    for file, name in (managed, *_named_settings(config.path)):
        if name != app_settings and modules.find(name, roots) is not None:
            return app_settings, name, file
    return None


def use_settings_of_manage(config: Config, emit: Emit) -> Config:
    """Return the configuration with the settings that manage.py or another file names, if the app's are a file without code.

    They may be for development, so in AWS they are for the user to choose.
    """
    empty, modules = empty_settings(config), ProjectModules(config.path)
    start, settings = (modules.find(name, [config.app.root]) for name in (config.app.module, empty[0] if empty else ""))
    if empty is None or start is None or settings is None or not (_is_default(start.path) and _is_blank(settings.path)):
        return config
    emit(Notice(f"{empty[0]} is empty, so lambent sets {_VARIABLE}={empty[1]}, as {empty[2]} does"))
    return _with_settings(config, *empty[1:])


def use_named_settings(config: Config, emit: Emit) -> Config:
    """Return the configuration with the settings that another file of the project names, if the app's start names none.

    Such an app expects the variable from its server, which reads it from .env, a Dockerfile or a compose file.
    """
    modules = ProjectModules(config.folder)
    start = modules.of_app(config.app) if config.app.kind in ("wsgi", "asgi") else None
    if start is None or _VARIABLE in dict(config.environment):
        return config
    if config.app.attribute == WSGI_FACTORY:
        return _with_settings(config, config.app.module, "manage.py")
    texts = [file.read_text("utf-8-sig", "replace") for file in ImportGraph(modules, start).files]
    if not re.search(r"\bget_[aw]sgi_application\(", texts[0]) or any(re.search(_CONFIGURES, text) for text in texts):
        return config
    managed = managed_settings(modules)
    roots = [config.app.root, *modules.roots]
    for file, settings in _named_settings(config.folder, *([("manage.py", managed[1])] if managed else ())):
        if modules.find(settings, roots) is not None:
            emit(Notice(f"the app's start names no settings, so lambent sets {_VARIABLE}={settings}, as {file} does"))
            return _with_settings(config, settings, file)
    return config


def _named_settings(folder: Path, *others: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the files that name settings, and those, with the likeliest ones of a deployed app first."""
    return sorted((*named_settings(folder), *others), key=lambda proposal: _is_for_others(proposal[1]))


def _is_for_others(settings: str) -> bool:
    return _FOR_OTHERS.search(settings.rpartition(".")[2]) is not None


def _with_settings(config: Config, settings: str, origin: str) -> Config:
    values = tuple(sorted((*config.environment, (_VARIABLE, settings))))
    return replace(config, environment=values, origins={**config.origins, f"env.{_VARIABLE}": origin})


def _is_default(start: Path) -> bool:
    """Return whether a start lets the variable name other settings."""
    return f'setdefault("{_VARIABLE}"' in start.read_text("utf-8-sig", "replace").replace("'", '"').replace(" ", "")


def _is_blank(path: Path) -> bool:
    with suppress(SyntaxError, ValueError):
        return all(isinstance(each, ast.Expr) for each in ast.parse(path.read_bytes()).body)  # a docstring
    return False


def _settings_in(folder: Path) -> list[str]:
    """Return the names of the modules of settings in a folder, those for a deployed app first."""
    files = (file for file in folder.glob("*.py") if file.stem != "__init__")
    names = sorted(file.stem for file in files if _SETTINGS.search(file.read_text("utf-8-sig", "replace")))
    return sorted(names, key=lambda name: (_FOR_OTHERS.search(name) is not None, "prod" not in name))
