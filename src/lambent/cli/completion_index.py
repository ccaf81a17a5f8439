"""The commands and their options without their code, from a file in the cache, so that completing them takes no imports.

Importing the modules of all commands takes half a second, and a shell waits at each Tab. The file is written again when a
module of a command has changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, shell_complete

from lambent import __version__
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    import tomllib

    import platformdirs

    from lambent import atomic, calendar
    from lambent.cli import rollback_versions
else:
    atomic = LazyModule("lambent.atomic")
    calendar = LazyModule("lambent.calendar")
    platformdirs = LazyModule("platformdirs")
    rollback_versions = LazyModule("lambent.cli.rollback_versions")
    tomllib = LazyModule("tomllib")

VARIABLE = "_LAMBENT_COMPLETE"
"""The environment variable by which a shell asks, as click's scripts do."""

_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-north-1"),
    *("eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "af-south-1", "il-central-1", "me-south-1"),
)


def complete(command: click.Command, instruction: str) -> int:
    """Print the completions that a shell asks for. Return the exit status."""
    return shell_complete(_stub("lambent", read_index(command)), {}, "lambent", VARIABLE, instruction)


def read_index(command: click.Command) -> dict[str, Any]:
    """Return click's description of `command`, from the cache if the modules of the commands haven't changed since."""
    file, stamp = Path(platformdirs.user_cache_path("lambent")) / "completion.json", _stamp()
    with suppress(OSError, ValueError, TypeError):
        written, cached = json.loads(file.read_bytes())
        if written == stamp:
            return dict(cached)
    index = command.to_info_dict(click.Context(command, **command.context_settings))
    with suppress(OSError):
        atomic.write_bytes(file, json.dumps([stamp, index], default=str).encode())
    return index


def _stamp() -> str:
    newest = max(entry.stat().st_mtime_ns for entry in os.scandir(Path(__file__).parent))
    return f"{__version__} {newest}"


def _stub(name: str, index: dict[str, Any]) -> click.Command:
    """Return a command that only knows what it can be called with."""
    shared: dict[str, Any] = {
        "params": list(map(_stub_parameter, index["params"])),
        "short_help": click.Command(name, help=index["help"], short_help=index["short_help"]).get_short_help_str(100),
        "add_help_option": False,  # it is one of the parameters
    }
    if "commands" not in index:
        return click.Command(name, **shared)
    return click.Group(name, {child: _stub(child, below) for child, below in index["commands"].items()}, **shared)


def _stub_parameter(parameter: dict[str, Any]) -> click.Parameter:
    kind, values = _type(parameter["type"]), _VALUES.get(parameter["name"])
    ask = _completer(values) if values and not isinstance(kind, click.Choice) else None
    ask = _complete_version if parameter["name"] == "version" and parameter["param_type_name"] == "argument" else ask
    if parameter["param_type_name"] == "argument":
        return click.Argument([parameter["name"]], nargs=parameter["nargs"], required=False, type=kind, shell_complete=ask)
    names = list(parameter["opts"])
    if parameter["secondary_opts"]:
        names[0] += f"/{parameter['secondary_opts'][0]}"
    shared = {name: parameter[name] for name in ("help", "hidden", "multiple")}
    flag: dict[str, Any] = {"is_flag": True} if parameter["is_flag"] else {"type": kind, "nargs": parameter["nargs"]}
    return click.Option([*names, parameter["name"]], shell_complete=ask, **shared, **flag)


def _type(described: dict[str, Any]) -> click.ParamType[Any]:
    match described:
        case {"param_type": "Choice", "choices": choices}:
            return click.Choice(choices)
        case {"param_type": "Path", "file_okay": file_okay}:
            return click.Path(file_okay=file_okay)
    return click.STRING


_Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _completer(values: Callable[[], Iterable[str]]) -> _Completer:
    def ask(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        return [CompletionItem(value) for value in values() if value.startswith(incomplete)]

    return ask


def _complete_version(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    offered = rollback_versions.rollback_versions(context.params)
    return [CompletionItem(each.version, help=each.subject) for each in offered if each.version.startswith(incomplete)]


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
