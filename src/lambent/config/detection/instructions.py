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
    *("pyproject.toml", "Pipfile", "supervisord.conf", "*.service", "[Jj]ustfile", "mise.toml", "tox.ini", ".replit"),
    *("Dockerfile*", "*/Dockerfile*", "compose*.y*ml", "docker-compose*.y*ml", "Procfile*", "startup.txt", "apprunner.yaml"),
    *(".platform.app.yaml", ".do/*.yaml", "bin/*", "scripts/*", "deploy/*", "docs/*.md", ".github/workflows/*.y*ml"),
)
_LIST = re.compile(r"""["'],[ \t]*["']""")
"""Between the words of a command in the form of a list."""
_SERVER = r"uvicorn|gunicorn|hypercorn|granian|daphne|waitress-serve|fastapi (?:run|dev)|flask (?:--app|-A)|pserve|python3?"
_LINE = re.compile(
    rf"(?P<quote>['\"`]?)\b(?P<command>(?:{_SERVER})[ \t][^\n`\"]+)"
    r"|\bFLASK_APP[ \t]*=[ \t]*[\"']?(?P<flask>[\w./:-]+)"
    r"|^[ \t>$]*cd[ \t]+(?P<folder>[\w./-]+)[ \t]*$",
    re.MULTILINE,
)
_UVICORN_RUN = re.compile(
    r"""uvicorn\.(?:run|Config)\(\s*(?:app\s*=\s*)?["']([A-Za-z_][\w.]*:[A-Za-z_]\w*)["'](?P<options>[^)]*)"""
)
_SERVED = re.compile(
    r"\b(?:uvicorn\.run|serve|run_simple)\(\s*(?:app\s*=\s*)?(?P<served>[A-Za-z_]\w*)(?P<call>\(\))?\s*[,)]|\b(?P<runs>\w+)\.run\("
)
_IMPORT = r"from[ \t]+(?P<dots>\.*)(?P<module>[\w.]*)[ \t]+import[ \t]+(?:[^\n]*[ \t,(])?{}\b"
_CONSOLE_SCRIPTS = re.compile(
    r"""console_scripts["']?\s*[=:](?P<lines>(?:\s*[\[("',]*\s*[\w.-]+\s*=\s*[\w.]+:[\w.]+["',]*)+)"""
)
_CONSOLE_SCRIPT = re.compile(r"([\w.-]+)\s*=\s*([\w.]+):")
_TEST = re.compile(r"(?:^|[/.])(?:test_\w+|\w+_test)(?:\.py)?(?::|$)")
"""A file of tests, which makes an app of its own for them."""
_PROGRAMS = ("main.py", "app.py", "run.py", "server.py", "__main__.py", "start.py")


def read_programs(folder: Path, pyproject: Mapping[str, Any]) -> Iterator[Declaration]:
    """Yield what the project's own programs and instructions run. `pyproject` is pyproject.toml's content."""
    scripts = [*_scripts(pyproject), *_console_scripts(folder)]
    files = [f"{root}{module.replace('.', '/')}.py" for _, module in scripts for root in ("", "src/")]
    for file in dict.fromkeys((*_PROGRAMS, *files)):
        for match in _UVICORN_RUN.finditer(read_text(folder / file)):
            is_factory = re.search(r"factory\s*=\s*True", match["options"]) is not None
            yield Declaration(StartCommand((match[1],), is_factory=is_factory), f"uvicorn.run in {file}")
        for spec in _served_imports(file, read_text(folder / file)):
            yield Declaration(StartCommand((spec,), is_program=True), f"{file}, which serves it")
    for source, module in scripts:
        yield Declaration(StartCommand((module,), is_program=True), source)
    has_only_tests = all(_TEST.search(path.as_posix()) for pattern in ("*.py", "*/*.py") for path in folder.glob(pattern))
    for path in (path for pattern in _FILES for path in sorted(folder.glob(pattern)) if path.is_file()):
        for command in _commands(folder, read_text(path)):
            if has_only_tests or not _TEST.search(command.targets[0]):
                yield Declaration(command, path.name)


def _served_imports(file: str, text: str) -> Iterator[str]:
    """Yield the apps that a program imports and serves: `from shop.web import app`, then `uvicorn.run(app)`."""
    package = file.removesuffix(".py").split("/")
    for match in _SERVED.finditer(text):
        name = match["served"] or match["runs"]
        source = re.search(_IMPORT.format(name), text)
        if source is None:
            continue
        parents = package[: len(package) - len(source["dots"])] if source["dots"] else []
        module = ".".join([*parents, *filter(None, [source["module"]])]).removeprefix("src.")
        yield f"{module}:{name}{match['call'] or ''}"


def _console_scripts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the file and the name of each script that setup.cfg or setup.py describes, and the module of its function."""
    for file in ("setup.cfg", "setup.py"):
        for match in _CONSOLE_SCRIPTS.finditer(read_text(folder / file)):
            yield from ((f"{file}, console_scripts {name}", module) for name, module in _CONSOLE_SCRIPT.findall(match["lines"]))


def _scripts(pyproject: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the table and name of each script of the project, and the module of its function."""
    tool = pyproject.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    project = pyproject.get("project")
    for table, key, owner in (
        ("project", "scripts", project),
        ("project", "gui-scripts", project),
        ("tool.poetry", "scripts", poetry),
    ):
        scripts = owner.get(key) if isinstance(owner, dict) else None
        for name, value in (scripts if isinstance(scripts, dict) else {}).items():
            script = value.get("callable", value.get("reference")) if isinstance(value, dict) else value
            if isinstance(script, str):
                yield f"pyproject.toml [{table}.{key}] {name}", script.partition(":")[0].strip()


def _commands(folder: Path, content: str) -> Iterator[StartCommand]:
    """Yield the commands in a file that may start an app, each in the folder that the last `cd` before it leads to."""
    below = "."
    for match in _LINE.finditer(_LIST.sub(" ", content)):
        if match["folder"]:
            below = match["folder"] if (folder / match["folder"]).is_dir() else below
        elif match["flask"]:
            yield StartCommand((match["flask"],), below, is_program=True)
        else:
            text = match["command"].partition(match["quote"] or "\n")[0]
            for command in parse_commands(text):
                yield replace(command, folder=below if command.folder == "." else command.folder)
