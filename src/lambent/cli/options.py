"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lambent.library.default_folders import default_cache, default_state

Command = Callable[..., Any]

FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)
"""A folder as an absolute path: builds and the local Lambda run processes in other folders."""


def add_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    """Return `command` with the options, in the order in which --help lists them."""
    for option in reversed(options):
        command = option(command)
    return command


_PATH_OPTION = "lambent.cli.path"
"""Where the context of a command has the value of `--path`."""


def path_argument(command: Command) -> Command:
    """Add PATH. `--path PATH` is the same, since commands whose arguments are something else have only that."""
    path = click.Path(path_type=Path)
    return add_options(
        command,
        click.argument("path", required=False, type=path, callback=_choose_path),
        click.option("--path", "path_option", type=path, hidden=True, is_eager=True, expose_value=False, callback=_note_path),
    )


def _note_path(context: click.Context, param: click.Parameter, value: Path | None) -> None:
    context.meta[_PATH_OPTION] = value


def _choose_path(context: click.Context, param: click.Parameter, value: Path | None) -> Path:
    option: Path | None = context.meta.get(_PATH_OPTION)
    if value is not None and option is not None:
        raise click.UsageError("PATH and --path are the same: pass one of them", context)
    return value or option or Path()


path_option = click.option(
    "--path", default=".", type=click.Path(path_type=Path), help="Folder or Python file of the app. Default: here."
)
"""PATH for commands whose arguments are something else."""

name_option = click.option("--name", metavar="N", help="Function name. Default: the name of the project or folder.")

stage_option = click.option(
    "--stage", metavar="S", help="Stage: a separate function, with the settings in [tool.lambent.stages.S]."
)

app_option = click.option(
    "--app", metavar="MODULE:ATTR", help="App to run, if lambent can't find it: main:app, mysite.wsgi:application."
)

runtime_option = click.option(
    "--runtime", metavar="python3.X", help="Default: what is live, or the newest that fits the project and its packages."
)

arch_option = click.option(
    "--arch", "architecture", metavar="A", help="x86_64 or arm64. Default: x86_64, or this machine's with --local."
)

overflow_option = click.option(
    "--overflow",
    is_flag=True,
    default=None,
    help="Store packages beyond AWS's 250 MB limit in your bucket. Each start downloads them.",
)

cache_option = click.option(
    "--cache-dir",
    metavar="DIR",
    envvar="LAMBENT_CACHE",
    type=FOLDER,
    default=default_cache,
    help="Folder for the build cache.",
)

state_option = click.option(
    "--state",
    metavar="DIR",
    envvar="LAMBENT_STATE",
    type=FOLDER,
    default=default_state,
    help="Folder for the state of the local Lambda.",
)


class Number(click.IntRange):
    """A whole number in a range. click itself prints the range in --help, as "[0<=x<=65535]"."""

    def _describe_range(self) -> str:
        return ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        digits = str(value)
        if not digits.isdecimal() or not (self.min or 0) <= int(digits) <= (self.max or int(digits)):
            bounds = f"{self.min} or more" if self.max is None else f"between {self.min} and {self.max}"
            self.fail(f"must be {bounds}, got {value}", param, ctx)
        return int(digits)


PORT = Number(0, 65535)

port_option = click.option(
    "--port",
    metavar="P",
    envvar="LAMBENT_PORT",
    type=PORT,
    help="Port of the local Lambda. Default: 4580. 0 picks a free port.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print events as JSON lines on stdout.")

yes_option = click.option("--yes", "-y", is_flag=True, help="Skip the confirmation.")
