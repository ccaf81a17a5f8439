"""What the files of other deployment tools say about the app: SAM's template, serverless.yml, and Zappa's settings.

They are read as far as that needs: nested mappings of YAML. A file with several functions says nothing about which is the app.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambent.config.detection.start_commands import StartCommand

_READ_MAX = 500_000
_TEMPLATES = ("template.yaml", "template.yml")
_SERVERLESS = ("serverless.yml", "serverless.yaml")
_LINE = re.compile(r"""^(?P<indent> *)["']?(?P<key>[\w.:/-]+)["']?\s*:(?:\s+(?P<value>.*))?$""")
_HANDLER = re.compile(r"(?P<module>[\w./-]+)\.(?P<name>[A-Za-z_]\w*)")


def read_deployment_files(folder: Path) -> Iterator[tuple[StartCommand, str]]:
    """Yield what these files start, and the file that says it."""
    for name in _TEMPLATES:
        yield from ((command, name) for command in _only(_sam_functions(folder, read_mappings(_read(folder / name)))))
    for name in _SERVERLESS:
        mappings = read_mappings(_read(folder / name))
        wsgi = _text(_at(mappings, "custom", "wsgi"), "app")
        commands = list(_only(_serverless_functions(folder, mappings)))
        yield from ((command, name) for command in (_command(wsgi, ".") if wsgi else None, *commands) if command)
    yield from ((command, "zappa_settings.json") for command in _only(_zappa_apps(folder)))


def read_mappings(text: str) -> dict[str, Any]:
    """Return the nested mappings of YAML, whose values are mappings or texts. Lists and what else there may be are left out."""
    top: dict[str, Any] = {}
    open_mappings: list[tuple[int, dict[str, Any]]] = [(-1, top)]
    for line in text.splitlines():
        match = _LINE.match(line.rstrip())
        if match is None:
            continue
        indent = len(match["indent"])
        while open_mappings[-1][0] >= indent:
            open_mappings.pop()
        value = re.sub(r"(?:^|\s)#.*$", "", match["value"] or "").strip()
        mapping = open_mappings[-1][1]
        if value:
            mapping[match["key"]] = value.strip("\"'")
        else:
            mapping[match["key"]] = {}
            open_mappings.append((indent, mapping[match["key"]]))
    return top


def _sam_functions(folder: Path, template: dict[str, Any]) -> Iterator[StartCommand]:
    """Yield the Python functions of a SAM or CloudFormation template whose code is in the project."""
    shared = _at(template, "Globals", "Function")
    for resource in _at(template, "Resources").values():
        kind = _text(resource, "Type")
        if kind not in ("AWS::Serverless::Function", "AWS::Lambda::Function"):
            continue
        properties = {**shared, **_at(resource, "Properties")}
        code = _text(properties, "CodeUri") or _text(properties, "Code") or "."
        if _text(properties, "Runtime").startswith(("python", "!")) or "Runtime" not in properties:
            yield from filter(None, [_command(_text(properties, "Handler"), code, folder)])


def _serverless_functions(folder: Path, service: dict[str, Any]) -> Iterator[StartCommand]:
    for function in _at(service, "functions").values():
        yield from filter(None, [_command(_text(function, "handler"), ".", folder)])


def _zappa_apps(folder: Path) -> Iterator[StartCommand]:
    """Yield the apps of Zappa's stages. A Django project's is found by its settings."""
    try:
        stages = json.loads(_read(folder / "zappa_settings.json") or "{}")
    except ValueError:
        return
    for stage in stages.values() if isinstance(stages, dict) else ():
        yield from filter(None, [_command(_text(stage, "app_function"), ".")])


def _command(handler: str, code: str, folder: Path | None = None) -> StartCommand | None:
    """Return the start of "path/module.name" in a folder of code, None if that has no such file."""
    match = _HANDLER.fullmatch(handler)
    code = code.strip("/").removeprefix("./") or "."
    if match is None:
        return None
    module = match["module"].removeprefix("./")
    if folder is not None and not (folder / code / f"{module.replace('.', '/')}.py").is_file():
        return None
    if (
        folder is not None and code != "." and (folder / code / "__init__.py").is_file()
    ):  # its own imports say how it is started
        return StartCommand((f"{code}/{module.replace('.', '/')}:{match['name']}",), ".", is_program=True)
    return StartCommand((f"{module}:{match['name']}",), code, is_program=True)


def _only(commands: Iterator[StartCommand]) -> list[StartCommand]:
    """Return the one command, or nothing if there are several: none of them is the app then."""
    different = list(dict.fromkeys(commands))
    return different if len(different) == 1 else []


def _at(mapping: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping if isinstance(mapping, dict) else {}


def _text(mapping: Any, key: str) -> str:
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, str) else ""


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_READ_MAX)
    except OSError:
        return ""
