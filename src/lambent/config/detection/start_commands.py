"""Commands that start a web server, as a Procfile or a Dockerfile has them, read for the app that they name. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from msgspec import Struct

SPEC = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SEPARATORS = frozenset(("&&", "||", ";", "|", "&"))
_LAUNCHERS = (
    *(("exec",), ("poetry", "run"), ("uv", "run"), ("pdm", "run"), ("pipenv", "run"), ("rye", "run"), ("hatch", "run")),
    *(
        ("newrelic-admin", "run-program"),
        ("ddtrace-run",),
        ("opentelemetry-instrument",),
        ("time",),
        ("nohup",),
        ("dumb-init",),
    ),
    *(("tini", "--"), ("env",), ("heroku-php-nginx",), ("bin/start-nginx",), ("bin/start-pgbouncer",)),
)
"""What stands before the command that counts."""
_SHELLS = frozenset(("sh", "bash", "/bin/sh", "/bin/bash"))
_PYTHON = re.compile(r"(.*/)?python[\d.]*")
_FOLDER_OPTIONS = ("--chdir", "--app-dir", "--pythonpath", "--working-dir")
_SERVERS = frozenset(
    (
        "gunicorn",
        "uvicorn",
        "hypercorn",
        "waitress-serve",
        "daphne",
        "granian",
        "uwsgi",
        "sanic",
        "bjoern",
        "meinheld",
        "waitress",
    )
)
_TARGET_OPTIONS = ("--app", "-A", "--module", "-w", "--wsgi-file", "--target")
_DEFAULT_NAMES = {"gunicorn": "application", "uwsgi": "application", "waitress-serve": "app"}


class StartCommand(Struct, frozen=True):
    """What a command runs.

    `targets` are words that may name the app, the likeliest first: "module:attribute", "module" or "path/file.py".
    `folder` is the folder it runs in, relative to the project. `is_factory` means that the attribute is to be called.
    `is_program` means that a Python file or module is run, which may or may not define an app, or a shell script.
    `is_handler` means that Lambda calls the attribute with events.
    """

    targets: tuple[str, ...]
    folder: str = "."
    is_factory: bool = False
    is_program: bool = False
    is_handler: bool = False


def parse_commands(line: str) -> Iterator[StartCommand]:
    """Yield the commands of a shell line that may start an app."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an unbalanced quote
        return
    yield from parse_words(words)


def parse_words(words: list[str]) -> Iterator[StartCommand]:
    """Yield the commands that may start an app in the words of a shell line."""
    folder = "."
    for command in _split(words):
        command = _without_launchers(command)
        if not command:
            continue
        if command[0] == "cd" and len(command) == 2:
            folder = command[1].strip("/") or "."
        elif command[0] in _SHELLS and "-c" in command[:-1]:
            yield from parse_commands(command[command.index("-c") + 1])
        elif command[-1].endswith(".sh"):
            yield StartCommand((command[-1],), folder, is_program=True)
        elif parsed := _parse(command, folder):
            yield parsed


def _split(words: Iterable[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        ends = word in _SEPARATORS or word.endswith(";")
        if word not in _SEPARATORS:
            command.append(word.removesuffix(";"))
        if ends:
            yield command
            command = []
    yield command


def _without_launchers(words: list[str]) -> list[str]:
    while words:
        launcher = next((each for each in _LAUNCHERS if tuple(words[: len(each)]) == each), None)
        if launcher:
            words = words[len(launcher) :]
        elif _ASSIGNMENT.match(words[0]) or words[0].startswith("-") or (words[0].endswith(".sh") and len(words) > 1):
            words = words[1:]
        else:
            break
    return words


def _parse(words: list[str], folder: str) -> StartCommand | None:
    name, arguments = words[0].rpartition("/")[2], words[1:]
    if _PYTHON.fullmatch(words[0]):
        while arguments and arguments[0].startswith("-") and arguments[0] != "-m":
            arguments = arguments[1:]
        if arguments[:1] != ["-m"]:
            return (
                StartCommand((arguments[0],), folder, is_program=True) if arguments and arguments[0].endswith(".py") else None
            )
        name, arguments = (arguments[1], arguments[2:]) if len(arguments) > 1 else ("", [])
        if name not in _SERVERS and name not in ("flask", "fastapi"):
            return StartCommand((name,), folder, is_program=True) if _DOTTED.fullmatch(name) else None
    if name == "flask":
        return _option(arguments, ("--app", "-A"), folder)
    if name == "fastapi":
        files = [word for word in arguments if word.endswith(".py")]
        return StartCommand(tuple(files[:1]), folder) if files else _option(arguments, ("--entrypoint", "-e"), folder)
    return _parse_server(name, arguments, folder) if name in _SERVERS else None


def _option(arguments: list[str], names: tuple[str, ...], folder: str) -> StartCommand | None:
    value = next(_values(arguments, names), "")
    return StartCommand((value,), folder) if value else None


def _values(arguments: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the values of options: "--name value" and "--name=value"."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option in names and (value if equals else following):
            yield value if equals else following


def _parse_server(server: str, arguments: list[str], folder: str) -> StartCommand | None:
    specs = [word for word in arguments if SPEC.fullmatch(word)]
    option_specs = [value for value in _values(arguments, _TARGET_OPTIONS) if SPEC.fullmatch(value) or value.endswith(".py")]
    option_specs += [value for value in _values(arguments, ("--call",)) if SPEC.fullmatch(value)]
    default = _DEFAULT_NAMES.get(server)
    modules = [f"{word}:{default}" for word in _operands(arguments) if default and _DOTTED.fullmatch(word)]
    chdir = next(_values(arguments, _FOLDER_OPTIONS), "").strip("/")
    is_factory = "--factory" in arguments or "--call" in arguments
    targets = tuple(dict.fromkeys([*option_specs, *specs, *modules]))
    return StartCommand(targets, chdir.removeprefix("./") or folder, is_factory) if targets else None


def _operands(arguments: list[str]) -> Iterator[str]:
    """Yield the words that are neither options nor, by all appearances, the values of options."""
    previous = ""
    for word in arguments:
        if not word.startswith("-") and (not previous.startswith("-") or "=" in previous):
            yield word
        previous = word
