"""A Django project's app, from manage.py: the settings name it, or wsgi.py (then asgi.py) stands beside them."""

from __future__ import annotations

import re

from lambent.config.modules import File, Modules

_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*[,\]]\s*=?\s*["']([\w.]+)["']""")


def application(modules: Modules) -> tuple[File, str] | None:
    """The file and name of a Django project's app, or None when this is no Django project, or an unusual one."""
    for root in modules.roots:
        manage = modules.folder / root / "manage.py"
        if not manage.is_file():
            continue
        found = _SETTINGS.search(manage.read_text("utf-8", "replace"))
        if found is None:
            continue
        for dotted in (*_from_settings(modules, found[1]), *_beside(found[1])):
            module, _, name = dotted.rpartition(".")
            file = modules.of(module)
            if file is not None and name in modules.read(file).names:
                return file, name
    return None


def _from_settings(modules: Modules, settings: str) -> list[str]:
    """WSGI_APPLICATION, then ASGI_APPLICATION; also from the base.py of a settings package."""
    package = settings.rpartition(".")[0]
    found: dict[str, str] = {}
    for name in (settings, f"{package}.base", f"{package}.common"):
        file = modules.of(name)
        if file is None:
            continue
        text = file.path.read_text("utf-8", "replace")
        for key, dotted in re.findall(r"""(?m)^(WSGI_APPLICATION|ASGI_APPLICATION)\s*=\s*["']([\w.]+)["']""", text):
            found.setdefault(key, dotted)
    return [found[key] for key in ("WSGI_APPLICATION", "ASGI_APPLICATION") if key in found]


def _beside(settings: str) -> list[str]:
    """wsgi.py and asgi.py in the settings' folder and those above it."""
    parts = settings.split(".")
    folders = [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
    return [f"{folder}.{kind}.application" for folder in folders for kind in ("wsgi", "asgi")]
