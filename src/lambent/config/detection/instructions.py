"""What a project's programs run, and the commands in its files for people. They count where nothing else decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.config.detection.declarations import Declaration
from lambent.config.detection.project_text import read_text
from lambent.config.detection.start_commands import StartCommand, parse_commands

_FILES = (
    *("README*", "Makefile", "makefile", "package.json", "*.sh", "justfile", "Taskfile.yml", "tasks.py"),
    *("pyproject.toml", "Pipfile", "supervisord.conf", "*.service"),
)
_SERVER = r"uvicorn|gunicorn|hypercorn|granian|daphne|waitress-serve|fastapi (?:run|dev)|flask (?:--app|-A)|pserve|python3?"
_LINE = re.compile(
    rf"(?P<quote>['\"`]?)\b(?P<command>(?:{_SERVER})[ \t][^\n`\"]+)"
    r"|\bFLASK_APP[ \t]*=[ \t]*[\"']?(?P<flask>[\w./:-]+)"
    r"|^[ \t>$]*cd[ \t]+(?P<folder>[\w./-]+)[ \t]*$",
    re.MULTILINE,
)
_UVICORN_RUN = re.compile(r"""uvicorn\.run\(\s*["']([A-Za-z_][\w.]*:[A-Za-z_]\w*)["'](?P<options>[^)]*)""")
_PROGRAMS = ("main.py", "app.py", "run.py", "server.py", "__main__.py", "start.py")


def read_programs(folder: Path, pyproject: Mapping[str, Any]) -> Iterator[Declaration]:
    """Yield what the project's own programs and instructions run. `pyproject` is pyproject.toml's content."""
    scripts = list(_scripts(pyproject))
    files = [f"{root}{module.replace('.', '/')}.py" for _, module in scripts for root in ("", "src/")]
    for file in dict.fromkeys((*_PROGRAMS, *files)):
        for match in _UVICORN_RUN.finditer(read_text(folder / file)):
            is_factory = re.search(r"factory\s*=\s*True", match["options"]) is not None
            yield Declaration(StartCommand((match[1],), is_factory=is_factory), f"uvicorn.run in {file}")
    for source, module in scripts:
        yield Declaration(StartCommand((module,), is_program=True), source)
    for path in (path for pattern in _FILES for path in sorted(folder.glob(pattern)) if path.is_file()):
        for command in _commands(folder, read_text(path)):
            yield Declaration(command, path.name)


def _scripts(pyproject: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the table and name of each script of the project, and the module of its function."""
    tool = pyproject.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    for table, owner in (("project", pyproject.get("project")), ("tool.poetry", poetry)):
        scripts = owner.get("scripts") if isinstance(owner, dict) else None
        for name, script in (scripts if isinstance(scripts, dict) else {}).items():
            if isinstance(script, str):
                yield f"pyproject.toml [{table}.scripts] {name}", script.partition(":")[0].strip()


def _commands(folder: Path, content: str) -> Iterator[StartCommand]:
    """Yield the commands in a file that may start an app, each in the folder that the last `cd` before it leads to."""
    below = "."
    for match in _LINE.finditer(content):
        if match["folder"]:
            below = match["folder"] if (folder / match["folder"]).is_dir() else below
        elif match["flask"]:
            yield StartCommand((match["flask"],), below, is_program=True)
        else:
            text = match["command"].partition(match["quote"] or "\n")[0]
            for command in parse_commands(text):
                yield replace(command, folder=below if command.folder == "." else command.folder)
