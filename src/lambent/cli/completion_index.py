"""The commands and their options without their code, from a file in the cache, so that completing them takes no imports.

Importing the modules of all commands takes half a second, and a shell waits at each Tab. The file is made anew when a module
of a command has changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.shell_completion import CompletionItem, shell_complete

from lambent import __version__
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    import tomllib

    import platformdirs

    from lambent import atomic, calendar
else:
    atomic = LazyModule("lambent.atomic")
    calendar = LazyModule("lambent.calendar")
    platformdirs = LazyModule("platformdirs")
    tomllib = LazyModule("tomllib")

VARIABLE = "_LAMBENT_COMPLETE"
"""The environment variable by which a shell asks, as click's scripts do."""

_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-north-1"),
    *("eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "af-south-1", "il-central-1", "me-south-1"),
)


class Parameter(NamedTuple):
    """An option, or an argument if it has no dashes. `type` is "file", "dir" or "text"; `choices` are all that is allowed."""

    name: str
    names: list[str]
    secondary: list[str]
    help: str
    type: str
    choices: list[str]
    is_flag: bool
    nargs: int
    multiple: bool


class Entry(NamedTuple):
    """A command, with what is below it. `passes_on` says that options may be another program's."""

    name: str
    help: str
    parameters: list[Parameter]
    children: list[Entry]
    passes_on: bool


def complete(command: click.Command, instruction: str) -> int:
    """Print the completions that a shell asks for. Return the exit status."""
    return shell_complete(_stub(read_index(command)), {}, "lambent", VARIABLE, instruction)


def read_index(command: click.Command) -> Entry:
    """Return the entry of `command`, from the cache if the modules of the commands haven't changed since."""
    file, stamp = Path(platformdirs.user_cache_path("lambent")) / "completion.json", _stamp()
    with suppress(OSError, ValueError, TypeError):
        written, entry = json.loads(file.read_bytes())
        if written == stamp:
            return _read(entry)
    root = _entry("lambent", command)
    with suppress(OSError):
        atomic.write_bytes(file, json.dumps([stamp, root]).encode())
    return root


def _stamp() -> str:
    newest = max(entry.stat().st_mtime_ns for entry in os.scandir(Path(__file__).parent))
    return f"{__version__} {newest}"


def _read(row: list[Any]) -> Entry:
    name, text, parameters, children, passes_on = row
    return Entry(name, text, [Parameter(*each) for each in parameters], list(map(_read, children)), passes_on)


def _entry(name: str, command: click.Command) -> Entry:
    context = click.Context(command, info_name=name)
    children: list[Entry] = []
    if isinstance(command, click.Group):
        below = ((child, command.get_command(context, child)) for child in command.list_commands(context))
        children = [_entry(child, found) for child, found in below if found is not None]
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False) and "--help" not in each.opts]
    passes_on = bool(command.context_settings.get("ignore_unknown_options"))
    return Entry(name, command.get_short_help_str(100), list(map(_parameter, shown)), children, passes_on)


def _parameter(parameter: click.Parameter) -> Parameter:
    is_path = isinstance(parameter.type, click.Path)
    return Parameter(
        name=parameter.name or "",
        names=list(parameter.opts),
        secondary=list(parameter.secondary_opts),
        help=getattr(parameter, "help", "") or "",
        type="text" if not is_path else "file" if getattr(parameter.type, "file_okay", True) else "dir",
        choices=list(map(str, parameter.type.choices)) if isinstance(parameter.type, click.Choice) else [],
        is_flag=bool(getattr(parameter, "is_flag", False)),
        nargs=parameter.nargs,
        multiple=bool(getattr(parameter, "multiple", False)),
    )


def _stub(entry: Entry) -> click.Command:
    """Return a command that only knows what it can be called with."""
    parameters = list(map(_stub_parameter, entry.parameters))
    settings = {"help_option_names": ["-h", "--help"], "ignore_unknown_options": entry.passes_on}
    if not entry.children:
        return click.Command(entry.name, context_settings=settings, params=parameters, short_help=entry.help)
    children = {child.name: _stub(child) for child in entry.children}
    return click.Group(entry.name, children, context_settings=settings, params=parameters, short_help=entry.help)


def _stub_parameter(parameter: Parameter) -> click.Parameter:
    values = _VALUES.get(parameter.name)
    choice = click.Choice(parameter.choices) if parameter.choices else None
    kind = choice or _TYPES.get(parameter.type, click.STRING)
    ask = _completer(values) if values and choice is None else None
    if not parameter.names[0].startswith("-"):
        return click.Argument([parameter.name], nargs=parameter.nargs, required=False, type=kind, shell_complete=ask)
    names = [*parameter.names]
    if parameter.secondary:
        names = [f"{names[0]}/{parameter.secondary[0]}", *names[1:]]
    flag: dict[str, Any] = {"is_flag": True} if parameter.is_flag else {"type": kind, "nargs": parameter.nargs}
    return click.Option([*names, parameter.name], help=parameter.help, multiple=parameter.multiple, shell_complete=ask, **flag)


_TYPES: dict[str, click.ParamType[Any]] = {"file": click.Path(), "dir": click.Path(file_okay=False)}
_Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _completer(values: Callable[[], Iterable[str]]) -> _Completer:
    def ask(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return [CompletionItem(value) for value in values() if value.startswith(incomplete)]

    return ask


def _runtimes() -> Iterable[str]:
    return [runtime.name for runtime in calendar.accepted_runtimes(date.today())]


def _stages() -> Iterable[str]:
    """Return the stages of the project in this folder."""
    with suppress(OSError, ValueError, AttributeError):
        table = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
        return list(table.get("tool", {}).get("lambent", {}).get("stages", {}))
    return ()


def _profiles() -> Iterable[str]:
    """Return the profiles of the aws CLI."""
    with suppress(OSError, ValueError):
        text = Path(os.environ.get("AWS_CONFIG_FILE", Path.home() / ".aws/config")).expanduser().read_text("utf-8")
        lines = (line.strip() for line in text.splitlines())
        headings = [line[1:-1].split() for line in lines if line.startswith("[") and line.endswith("]")]
        return [words[-1] for words in headings if words[0] == "profile" or words == ["default"]]
    return ()


_VALUES: dict[str, Callable[[], Iterable[str]]] = {
    "runtime": _runtimes,
    "architecture": lambda: ("x86_64", "arm64"),
    "auth": lambda: ("none", "iam"),
    "region": lambda: _REGIONS,
    "profile": _profiles,
    "stage": _stages,
}
"""What an option takes, by the name of its parameter."""
