"""What a project already says about its app: Procfile, Dockerfile, settings of frameworks and of other platforms.

Nothing here is believed unseen: `detect.py` looks up each declaration, and passes over those that name nothing that exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.detection.declared_function import handler_command
from lambent.config.detection.deployment_files import read_deployment_files
from lambent.config.detection.dockerfile import DOCKERFILES, parse_last_stage, parse_variables
from lambent.config.detection.project_text import read_text
from lambent.config.detection.start_commands import StartCommand, join_folder, parse_commands, parse_words
from lambent.config.detection.web_adapter import find_server_function

_PLATFORM_FILES = (*("app.yaml", "render.yaml", "railway.toml", "railway.json", "nixpacks.toml", "fly.toml", "heroku.yml"),)
_START_LINE = re.compile(
    r"""(?m)(?:^|[{,\s])["']?(?:entrypoint|startCommand|cmd|web|app)["']?\s*[:=]\s*"""
    r"""(?:"(?P<double>[^"\n]+)"|'(?P<single>[^'\n]+)'|(?P<plain>[^"'\s][^\n]*))"""
)
_FOLDED = re.compile(r"(?m)^(?P<indent>[ \t]*)(?P<key>[\w-]+:)[ \t]*>[-+]?[ \t]*\n(?P<lines>(?:(?P=indent)[ \t]+.*(?:\n|\Z))+)")
"""A text of several lines in YAML that stands for one."""
_FLASK_APP = re.compile(
    r"""(?m)^\s*(?:export\s+)?(?:FLASK|QUART|LITESTAR)_APP\s*=\s*(?:"([^"\n]+)"|'([^'\n]+)'|([^"'\s#].*?)(?:\s+#.*|\s*)$)"""
)
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_COMPOSE_COMMAND = re.compile(r"(?m)^(?P<indent>[ \t]+)(?:command|entrypoint):(?P<command>.*(?:\n(?P=indent)[ \t]+.*)*)")
_BLOCK = re.compile(r"\s*(?P<style>[>|])[-+]?[ \t]*\n")


class Declaration(Struct, frozen=True):
    """A command or setting that names the app, and the file that has it."""

    command: StartCommand
    source: str


def read_declarations(folder: Path, pyproject: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Declaration]:
    """Yield what the files of a project say about its app, the most explicit first. `pyproject` is pyproject.toml's content."""
    tool = pyproject.get("tool")
    fastapi = tool.get("fastapi") if isinstance(tool, dict) else None
    entrypoint = fastapi.get("entrypoint") if isinstance(fastapi, dict) else None
    if isinstance(entrypoint, str) and entrypoint:
        yield Declaration(StartCommand((entrypoint,)), "pyproject.toml [tool.fastapi] entrypoint")
    yield from _procfile(folder)
    for name in _PLATFORM_FILES:
        for match in _START_LINE.finditer(_FOLDED.sub(_on_one_line, read_text(folder / name))):
            value = match["double"] or match["single"] or match["plain"]
            commands = parse_words(_command_words(value)) if value.startswith("[") else parse_commands(value)
            yield from _declare(folder, commands, name)
    for name in DOCKERFILES:
        yield from _dockerfile(folder, name)
    for name in COMPOSE_FILES:
        for match in _COMPOSE_COMMAND.finditer(read_text(folder / name)):
            yield from _declare(folder, parse_words(_compose_words(match["command"])), name)
    yield from _flask_app(folder, environ)
    yield from (Declaration(command, source) for command, source in read_deployment_files(folder))
    yield from _server_function(folder)


def _on_one_line(match: re.Match[str]) -> str:
    return f"{match['indent']}{match['key']} {' '.join(match['lines'].split())}\n"


def _procfile(folder: Path) -> Iterator[Declaration]:
    lines = [line.partition(":") for line in read_text(folder / "Procfile").splitlines() if not line.lstrip().startswith("#")]
    processes = {name.strip(): command.strip() for name, colon, command in lines if colon}
    if "web" in processes:
        yield from _declare(folder, parse_commands(processes["web"]), "Procfile")


def _dockerfile(folder: Path, name: str) -> Iterator[Declaration]:
    text = read_text(folder / name)
    stage, variables = parse_last_stage(text), dict(parse_variables(text))
    flask_app = variables.pop("FLASK_APP", "")
    words = [*_command_words(stage.entrypoint), *_command_words(stage.cmd)]
    homes = [path for path in stage.sources() if not path.startswith("..") and (folder / path).is_dir()] or ["."]
    declared = list(_declare(folder, parse_words(words, variables), name, homes))
    if stage.is_lambda and len(words) == 1 and (command := handler_command(words[0], ".")):
        declared.append(Declaration(command, name))
    for declaration in declared:
        command = declaration.command
        placed = [replace(command, folder=join_folder(home, command.folder)) for home in homes]
        command = next((each for each in placed if _has_target(folder, each)), placed[0])
        yield Declaration(command, declaration.source)
    if flask_app:
        yield Declaration(StartCommand((flask_app,)), f"{name}, FLASK_APP")


def _server_function(folder: Path) -> Iterator[Declaration]:
    server = find_server_function(folder)
    if server is None:
        return
    home = folder / server.folder
    commands = _declare(home, parse_commands(read_text(folder / server.source)), "") if server.is_script else ()
    for declaration in commands or _dockerfile(home, server.file):
        command = replace(declaration.command, folder=join_folder(server.folder, declaration.command.folder))
        yield Declaration(command, server.source)


def _has_target(folder: Path, command: StartCommand) -> bool:
    """Return whether the folder of a command has the file that it names first."""
    text = command.targets[0].partition(":")[0]
    path = folder / command.folder / (text if text.endswith(".py") else text.replace(".", "/"))
    return path.is_file() or path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file()


def _compose_words(text: str) -> list[str]:
    """Return the words of a command as YAML has it: on one line, as a block of lines, or as a list."""
    block = _BLOCK.match(text)
    lines = [line.strip() for line in text[block.end() if block else 0 :].splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if lines and all(line.startswith("- ") for line in lines):
        return [line[2:].strip().strip("\"'") for line in lines]
    return _command_words((" ; " if block and block["style"] == "|" else " ").join(lines))


def _command_words(text: str) -> list[str]:
    """Return the words of a command, in its exec form (a list in JSON or YAML) or its shell form."""
    text = text.strip().strip("\"'") if text.strip()[:1] in ("'", '"') else text
    if text.startswith("["):
        try:
            return [str(word) for word in json.loads(text)]
        except ValueError:
            return [word.strip().strip("\"'") for word in text.strip("[] ").split(",")]
    return ["sh", "-c", text] if text else []


def _flask_app(folder: Path, environ: Mapping[str, str]) -> Iterator[Declaration]:
    for name in (".flaskenv", ".env"):
        if match := _FLASK_APP.search(read_text(folder / name)):
            yield Declaration(StartCommand((match[1] or match[2] or match[3],)), f"{name}, FLASK_APP")
    if environ.get("FLASK_APP"):
        yield Declaration(StartCommand((environ["FLASK_APP"],)), "the environment variable FLASK_APP")


def _declare(
    folder: Path, commands: Iterable[StartCommand], source: str, homes: Iterable[str] = (".",)
) -> Iterator[Declaration]:
    """Yield the commands as declarations. Those of a shell script of the project stand for the call of the script.

    `homes` are the folders of the project that the commands may run in.
    """
    for command in commands:
        script = command.targets[0]
        if not script.endswith(".sh"):
            yield Declaration(_in_project(folder, command), source)
            continue
        paths = (path for home in homes for path in _inner_paths(f"{home}/{command.folder}/{script}"))
        name = next((path for path in paths if (folder / path).is_file()), "")
        for each in parse_commands(read_text(folder / name)) if name else ():
            if not each.targets[0].endswith(".sh"):
                yield Declaration(_in_project(folder, each), name)


def _in_project(folder: Path, command: StartCommand) -> StartCommand:
    """Return a command with its folder as the project has it: in an image, web/ may be /app/web."""
    is_outside = command.folder.startswith(("/", "~", ".."))
    inner = (path for path in _inner_paths(command.folder) if (folder / path).is_dir()) if is_outside else ()
    return replace(command, folder=next(iter(inner), ".")) if is_outside else command


def _inner_paths(path: str) -> Iterator[str]:
    """Yield what a path of an image may be in the project, the longest first."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..", "~")]
    yield from ("/".join(parts[at:]) for at in range(len(parts)))
