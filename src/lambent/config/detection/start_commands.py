"""Commands that start a web server, as a Procfile or a Dockerfile has them, read for the app that they name. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from posixpath import normpath

from msgspec import Struct
from msgspec.structs import replace

_SPEC = re.compile(r"[A-Za-z_][\w./]*:[A-Za-z_][\w.]*(\(.*\))?")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\})")
_CONTINUED = re.compile(r"\\\r?\n")
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
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
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
_LOADERS = {"flask": "FLASK_APP", "quart": "QUART_APP", "litestar": "LITESTAR_APP"}
"""Commands of frameworks, and the variable that names the app unless an option does."""
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


def parse_commands(text: str, variables: Mapping[str, str] | None = None) -> Iterator[StartCommand]:
    """Yield the commands of a shell script that may start an app. `variables` are those that it inherits."""
    words: list[str] = []
    for line in _CONTINUED.sub(" ", text).splitlines():
        try:
            words += [*shlex.split(line, comments=True), ";"]
        except ValueError:  # an unbalanced quote
            continue
    yield from parse_words(words, variables)


def parse_words(words: list[str], variables: Mapping[str, str] | None = None) -> Iterator[StartCommand]:
    """Yield the commands that may start an app in the words of a shell script."""
    folder, values = ".", dict(variables or {})
    for command in _split(words):
        command = [expand_variables(word, values) for word in command]
        values |= {match[1]: match[2] for match in map(_ASSIGNMENT.fullmatch, command) if match}
        script = next((word for word in command if word.endswith(".sh")), "")
        command = _without_launchers(command)
        if not command:
            continue
        if command[0] in ("cd", "pushd") and len(command) == 2:
            folder = join_folder(folder, command[1])
        elif inner := _script_of_shell(command):
            below = parse_commands(inner, values)
            yield from (replace(each, folder=join_folder(folder, each.folder)) for each in below)
        elif command[-1].endswith(".sh"):
            yield StartCommand((command[-1],), folder, is_program=True)
        elif parsed := _parse(command, folder, values) or _parse_launched(command, folder, values):
            yield parsed
        elif script:
            yield StartCommand((script,), folder, is_program=True)


def join_folder(folder: str, below: str) -> str:
    """Return a folder as seen from another one. "/" in front means a place in an image, as does `~`."""
    return normpath(below if below.startswith(("/", "~")) else f"{folder}/{below}")


def _split(words: Iterable[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        ends = word in _SEPARATORS or word.endswith(";")
        if word not in _SEPARATORS:
            command.append(_without_parentheses(word.removesuffix(";")))
        if ends:
            yield command
            command = []
    yield command


def _script_of_shell(words: list[str]) -> str:
    """Return what a shell runs, which another command may start: `tini -- sh -c "..."`."""
    shells = [at for at, word in enumerate(words) if word.rpartition("/")[2] in _SHELLS]
    rest = words[shells[0] :] if shells else []
    option = next((word for word in rest[:-1] if word in ("-c", "-lc", "-ec")), "")
    return rest[rest.index(option) + 1] if option else ""


def _without_parentheses(word: str) -> str:
    """Return a word without the parentheses around the commands of a subshell: `(cd web && gunicorn core:app)`."""
    word = word.lstrip("(")
    return word[: len(word) - max(0, word.count(")") - word.count("("))] if word.endswith(")") else word


def expand_variables(word: str, variables: Mapping[str, str]) -> str:
    """Return a word or a text with the variables that are known, or that have a default."""

    def value(match: re.Match[str]) -> str:
        return variables.get(match["plain"] or match["braced"]) or match["default"] or match[0]

    return _VARIABLE.sub(value, word)


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


def _parse_launched(words: list[str], folder: str, variables: Mapping[str, str]) -> StartCommand | None:
    """Return what an unknown command starts: `doppler run -- gunicorn web:app`, `wait-for-it db:80 -- uvicorn main:app`."""
    for start in range(1, len(words)):
        parsed = _parse(words[start:], folder, variables)
        if parsed and not set(parsed.targets).isdisjoint(words):  # no mere guess, as in `pip install gunicorn eventlet`
            return parsed
    return None


def _parse(words: list[str], folder: str, variables: Mapping[str, str]) -> StartCommand | None:
    name, arguments = words[0].rpartition("/")[2], words[1:]
    if _PYTHON.fullmatch(words[0]):
        while arguments and arguments[0].startswith("-") and arguments[0] != "-m":
            arguments = arguments[1:]
        if arguments[:1] != ["-m"]:
            is_file = bool(arguments) and arguments[0].endswith(".py")
            return StartCommand((arguments[0],), folder, is_program=True) if is_file else None
        name, arguments = (arguments[1], arguments[2:]) if len(arguments) > 1 else ("", [])
        if name not in _SERVERS and name not in _LOADERS and name != "fastapi":
            if "-m" in arguments:  # python -m debugpy -m uvicorn main:app
                return _parse([words[0], *arguments[arguments.index("-m") :]], folder, variables)
            return StartCommand((name,), folder, is_program=True) if _DOTTED.fullmatch(name) else None
    if name in _LOADERS:
        return _option(arguments, ("--app", "-A"), folder, variables.get(_LOADERS[name], ""))
    if name == "fastapi":
        files = [word for word in arguments if word.endswith(".py")]
        return StartCommand(tuple(files[:1]), folder) if files else _option(arguments, ("--entrypoint", "-e"), folder)
    return _parse_server(name, arguments, folder) if name in _SERVERS else None


def _option(arguments: list[str], names: tuple[str, ...], folder: str, default: str = "") -> StartCommand | None:
    value = next(_values(arguments, names), default)
    return StartCommand((value,), _folder(arguments, folder)) if value else None


def _folder(arguments: list[str], folder: str) -> str:
    return join_folder(folder, next(_values(arguments, _FOLDER_OPTIONS), "."))


def _values(arguments: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """Yield the values of options: "--name value" and "--name=value"."""
    for word, following in pairwise([*arguments, ""]):
        option, equals, value = word.partition("=")
        if option in names and (value if equals else following):
            yield value if equals else following


def _parse_server(server: str, arguments: list[str], folder: str) -> StartCommand | None:
    specs = [word for word in arguments if _SPEC.fullmatch(word)]
    option_specs = [value for value in _values(arguments, _TARGET_OPTIONS) if _SPEC.fullmatch(value) or value.endswith(".py")]
    option_specs += [value for value in _values(arguments, ("--call",)) if _SPEC.fullmatch(value)]
    default = _DEFAULT_NAMES.get(server)
    modules = [f"{word}:{default}" for word in _operands(arguments) if default and _DOTTED.fullmatch(word)]
    is_factory = "--factory" in arguments or "--call" in arguments
    targets = tuple(dict.fromkeys([*option_specs, *specs, *modules]))
    return StartCommand(targets, _folder(arguments, folder), is_factory) if targets else None


def _operands(arguments: list[str]) -> Iterator[str]:
    """Yield the words that are neither options nor, by all appearances, the values of options."""
    previous = ""
    for word in arguments:
        if not word.startswith("-") and (not previous.startswith("-") or "=" in previous):
            yield word
        previous = word
