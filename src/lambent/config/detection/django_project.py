"""The app of a Django project, found through manage.py and the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from lambent.config.detection.declarations import COMPOSE_FILES
from lambent.config.detection.dockerfile import DOCKERFILES
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.project_text import read_text

_SETTINGS_MODULE = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*[,\]]\s*=?\s*(?:["']([\w.]+)["']|([A-Za-z_]\w*)\b(?![.(]))""")
_DOTTED = re.compile(r"""["']([A-Za-z_]\w*(?:\.\w+)+)["']""")
_SETTING = re.compile(r"""(?i)\bDJANGO_SETTINGS_MODULE\b["']?\s*[:=\s]\s*["']?([A-Za-z_][\w.]*\.\w+)""")
_SETTING_FILES = (
    *(".env", *DOCKERFILES, *COMPOSE_FILES, "Procfile", "app.yaml", "render.yaml", "fly.toml", "pytest.ini", "pyproject.toml"),
    *("setup.cfg", "tox.ini", "mypy.ini", ".env.example", "Makefile"),
)
"""Files that may name the settings where no manage.py does. Those of tests are near the app too."""
_URLS = re.compile(r"""(?m)^ROOT_URLCONF\s*=\s*["']([\w.]+)|\binclude\(\s*\(?["']([\w.]+)""")
_CHANNELS = re.compile(r"""(?m)^ASGI_APPLICATION\s*=\s*["']([\w.]+)\.\w+["']""")
_LIST = re.compile(r"(?m)^(\w*(?:APPS|MIDDLEWARE))\s*\+?=(?:[^\n]+|\n[ \t)\]#]|\n(?=\n))*")
_STRING = re.compile(r"""["']([A-Za-z_][\w.]*)["']""")
_CONSTANT = re.compile(r"\b[A-Z_]+\b")
_COMMENT = re.compile(r"(?m)#.*$")
_APPLICATION = re.compile(r"""(?m)^(WSGI_APPLICATION|ASGI_APPLICATION)\s*=\s*["']([\w.]+)["']""")
_SITE = re.compile(r"(?m)^ROOT_URLCONF\s*=")
WSGI_FACTORY = "django.core.wsgi.get_wsgi_application()"
"""What `manage.py runserver` serves for settings without WSGI_APPLICATION."""


def find_application(modules: ProjectModules, configured: str = "") -> tuple[Module, str] | None:
    """Return the module and the name of the app: the one that the settings name, or the one in wsgi.py, or in asgi.py.

    `configured` are the settings that a variable of the function names. None when this is not a Django project, or an
    unusual one.
    """
    others = (settings for _, settings in named_settings(modules.folder))
    named = ((".", name) for name in filter(None, (configured, *others)))
    for root, settings in chain(_managed(modules), named):
        roots = [root, *modules.roots]
        for dotted in (*_from_settings(modules, settings, roots), *_near_settings(settings)):
            module_name, _, name = dotted.rpartition(".")
            module = modules.find(module_name, roots)
            if module is not None and name in modules.scan(module).names:
                return module, name
    return None


def managed_settings(modules: ProjectModules) -> tuple[Path, str] | None:
    """Return the folder of a manage.py and the settings that it names, if they are here."""
    projects = _managed(modules)
    return next(((modules.folder / root, name) for root, name in projects if modules.find(name, [root, *modules.roots])), None)


def site_without_wsgi(modules: ProjectModules) -> Module | None:
    """Return the settings that a manage.py names, if they have URLs and name no WSGI app, as those of many examples."""
    for root, name in _managed(modules):
        roots = [root, *modules.roots]
        settings = modules.find(name, roots)
        if settings is not None and not _from_settings(modules, name, roots):
            files = ImportGraph(modules, settings).files
            if any(_SITE.search(path.read_text("utf-8-sig", "replace")) for path in files):
                return settings
    return None


def _managed(modules: ProjectModules) -> Iterator[tuple[str, str]]:
    """Yield the folder of each manage.py, and the settings that it names."""
    for root in (*modules.roots, *_packages_with_manage(modules)):
        manage = modules.folder / root / "manage.py"
        if settings := settings_named_in(read_text(manage)):
            yield root, settings


def named_settings(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the settings that files other than manage.py name, each after the file's name."""
    for name in _SETTING_FILES:
        yield from ((name, settings) for settings in _SETTING.findall(read_text(folder / name)))


def _packages_with_manage(modules: ProjectModules) -> list[str]:
    """Return the one package at the top with a manage.py: what it starts is imported from there, whatever else it is."""
    files = list(modules.folder.glob("*/manage.py"))
    return [file.parent.name for file in files if len(files) == 1 and (file.parent / "__init__.py").is_file()]


def _from_settings(modules: ProjectModules, settings: str, roots: list[str]) -> list[str]:
    """Return WSGI_APPLICATION, then ASGI_APPLICATION. A settings package may have them in base.py or common.py."""
    package = settings.rpartition(".")[0]
    applications: dict[str, str] = {}
    for name in (settings, f"{package}.base", f"{package}.common"):
        module = modules.find(name, roots)
        if module is not None:
            pairs = _APPLICATION.findall(module.path.read_text("utf-8-sig", "replace"))
            applications = dict(reversed(pairs)) | applications
    return [applications[key] for key in ("WSGI_APPLICATION", "ASGI_APPLICATION") if key in applications]


def _near_settings(settings: str) -> list[str]:
    """Return wsgi.py and asgi.py in the folder of the settings and in those above it."""
    parts = settings.split(".")
    folders = [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    return [f"{folder}.{kind}.application" for folder in folders for kind in ("wsgi", "asgi")]


def settings_module(files: Iterable[Path], configured: str = "") -> str:
    """Return the settings that the start of an app names, unless a variable `configured` them, or ""."""
    if configured:
        return configured
    return next(filter(None, (settings_named_in(read_text(path)) for path in files)), "")


def settings_named_in(text: str) -> str:
    """Return the settings that a module sets for Django, or "".

    If they depend on a variable (`"site.production" if "WEBSITE_HOSTNAME" in os.environ else "site.settings"`), it is what
    they are without it, the last ones.
    """
    for match in _SETTINGS_MODULE.finditer(text):
        if match[1]:
            return match[1]
        values = re.findall(rf"(?m)^[ \t]*{match[2]}\s*=\s*(.+)", text)
        if names := _DOTTED.findall("\n".join(values)):
            return str(names[-1])
    return ""


def files_by_name(modules: ProjectModules, settings: str) -> Iterator[Path]:
    """Yield the files that Django finds by their names: the settings, the URLs, Channels' routes and what they import."""
    names = [settings]
    visited: set[Path] = set()
    for name in names:  # grows while it is read
        module = modules.find(name)
        for path in ImportGraph(modules, module).files if module is not None else ():
            if path not in visited:
                visited.add(path)
                text = path.read_text("utf-8-sig", "replace")
                names += [first or second for first, second in _URLS.findall(text)] + _CHANNELS.findall(text)
                yield path


def start_modules(modules: ProjectModules, app: str, root: str, configured: str = "") -> list[str]:
    """Return the modules that Django imports by their names: the settings, apps with their models, middleware, the URLs.

    `app` is the module of the WSGI or ASGI app. Apps that the settings add on a condition are left out.
    """
    roots = [root, *modules.roots]
    module = modules.find(app, roots)
    settings = settings_module([module.path], configured) if module is not None else ""
    settings_file = modules.find(settings, roots)
    if settings_file is None:
        return []
    files = ImportGraph(modules, settings_file).files
    text = "\n".join(_COMMENT.sub("", path.read_text("utf-8-sig", "replace")) for path in files)
    starts = [settings]
    for package in (name.partition(".apps.")[0] for name in _listed(text, "INSTALLED_APPS")):
        starts += [package, f"{package}.apps", f"{package}.models"]
    starts += [name.rpartition(".")[0] for name in _listed(text, "MIDDLEWARE") if "." in name]
    starts += [name for name, _ in _URLS.findall(text) if name]
    return list(dict.fromkeys(starts))


def _listed(text: str, setting: str) -> Iterator[str]:
    """Yield the strings in a list of the settings, and in the lists that it is made of, such as THIRD_PARTY_APPS."""
    lists: dict[str, str] = {}
    for match in _LIST.finditer(text):
        lists[match[1]] = lists.get(match[1], "") + match[0].partition("=")[2]
    names = [setting]
    for name in names:  # grows while it is read
        value = lists.get(name, "")
        yield from _STRING.findall(value)
        names += [each for each in _CONSTANT.findall(value) if each in lists and each not in names]
