"""Functions that make the app and need arguments: the error for them, with a value that the project's own files show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.refusals import deploy_command
from lambent.config.detection.scanned import HiddenApp
from lambent.errors import DetectionError

_LITERAL = r"""'[^'\s]*'|"[^"\s]*"|\d+|None|True|False|\{\}"""
_FILES_MAX = 300
_KEYS = ("production", "prod", "default", "development", "dev")
"""Keys of a dictionary of configurations, the best first."""
_CLASSES = ("ProductionConfig", "ProdConfig", "Production", "Config", "DefaultConfig", "BaseConfig", "DevelopmentConfig")
_LIVE_CLASSES = frozenset(_CLASSES) - {"DevelopmentConfig"}
_UPDATES = r"\.(?:from_mapping|update)\(\s*(?:\*\*)?{}\b"


def factory_error(modules: ProjectModules, module: Module, app: HiddenApp) -> DetectionError:
    """Return the error for an app that a function with required parameters makes."""
    file, call = modules.relative(module.path), f"{app.factory}({', '.join(app.parameters)})"
    line = f"add a line to {file}, at its end, with a value for {' and '.join(app.parameters)}:\napp = {call}"
    value = _value(modules, module, app) if len(app.parameters) == 1 else ""
    spec = f"{module.name}:{app.factory}({value})"
    return DetectionError(
        f"no app found: {call} makes it, and nothing says with which {' and '.join(app.parameters)} to call it",
        where=f"{file}:{app.line}",
        hint=f"{deploy_command(modules.folder, spec)}\nor {line}" if value else line,
    )


def production_settings(modules: ProjectModules) -> tuple[str, str]:
    """Return the class of a configuration module for an app that is live, as a dotted name, and the module's file. Or ""."""
    texts = {path: path.read_text("utf-8-sig", "replace") for path in _python_files(modules.folder)}
    dotted = next(iter(_classes(modules, texts)), "")
    module, _, name = dotted.rpartition(".")
    settings = modules.find(module)
    return (dotted, modules.relative(settings.path)) if settings and name in _LIVE_CLASSES else ("", "")


def _value(modules: ProjectModules, module: Module, app: HiddenApp) -> str:
    """Return a literal for the parameter of a factory that the project's files show, or ""."""
    [parameter] = app.parameters
    texts = {path: path.read_text("utf-8-sig", "replace") for path in _python_files(modules.folder)}
    source = texts.get(module.path) or module.path.read_text("utf-8-sig", "replace")
    call = re.compile(rf"\b{app.factory}\(\s*(?:{parameter}\s*=\s*)?({_LITERAL})\s*\)")
    programs = [text for path, text in texts.items() if "test" not in modules.relative(path)]
    calls = [match[1] for text in programs for match in call.finditer(text)]
    if calls:
        return calls[0].replace('"', "'")
    if table := re.search(rf"\b(\w+)\[{parameter}\]", source):
        return next((repr(key) for key in _sorted(_keys(table[1], texts.values()), _KEYS)), "")
    if re.search(rf"\.from_object\(\s*{parameter}\s*\)", source):
        return next((repr(name) for name in _classes(modules, texts)), "")
    return "{}" if re.search(_UPDATES.format(parameter), source) else ""


def _python_files(folder: Path) -> Iterator[Path]:
    for _, path in zip(range(_FILES_MAX), chain(folder.glob("*.py"), folder.glob("[!.]*/*.py")), strict=False):
        if not (path.parent / "pyvenv.cfg").exists():
            yield path


def _keys(name: str, texts: Iterable[str]) -> list[str]:
    """Return the keys of a literal dictionary of this name."""
    for text in texts:
        if match := re.search(rf"(?ms)^{name}\s*(?::[^=\n]+)?=\s*(?:dict\(|\{{)(.*?)[)}}]", text):
            return [first or second for first, second in re.findall(r"""['"](\w+)['"]\s*:|\b(\w+)\s*=""", match[1])]
    return []


def _classes(modules: ProjectModules, texts: dict[Path, str]) -> list[str]:
    """Return the classes of configuration modules, as dotted names, the best first."""
    dotted_names = {
        name: f"{modules.at(path).name}.{name}"
        for path, text in texts.items()
        if path.stem in ("config", "settings", "configuration", "configs")
        for name in re.findall(r"(?m)^class (\w+)", text)
    }
    return [dotted_names[name] for name in _sorted(list(dotted_names), _CLASSES)]


def _sorted(names: list[str], preferred: tuple[str, ...]) -> list[str]:
    return sorted(names, key=lambda name: preferred.index(name) if name in preferred else len(preferred))
