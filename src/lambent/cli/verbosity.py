"""`--verbose` and `--quiet`, which every command takes before and after its name."""

from __future__ import annotations

import click

from lambent.errors import UsageError
from lambent.ui.detail import DETAIL

_DETAILS = {"verbose": "steps", "quiet": "result"}


def verbosity_options() -> list[click.Option]:
    """Return the two options, for one command."""
    helps = {"verbose": "Show every step.", "quiet": "Show only the result."}
    return [
        click.Option([f"--{name}", f"-{name[0]}"], is_flag=True, help=text, callback=_choose, expose_value=False)
        for name, text in helps.items()
    ]


def add_verbosity(command: click.Command) -> None:
    """Add the options to a command and to everything below it, unless it passes options on to another program."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            add_verbosity(child)
    elif not (command.context_settings.get("ignore_unknown_options") or _has_verbosity(command)):
        command.params.extend(verbosity_options())


def _has_verbosity(command: click.Command) -> bool:
    """Return whether the options are there already: a process may ask for the same command more than once, as tests do."""
    return any("--verbose" in param.opts for param in command.params)


def _choose(context: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    detail = _DETAILS[param.name or ""]
    if context.meta.setdefault(DETAIL, detail) != detail:
        raise UsageError("--verbose and --quiet can't be used together", where=context.command_path, hint="pass one of them")
