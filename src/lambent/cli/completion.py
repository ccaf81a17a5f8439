"""`lambent completion`: Tab in bash, zsh and fish."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lambent.cli.completion_index import read_index
from lambent.cli.shell_setup import SHELLS, script, setup_of
from lambent.errors import UsageError
from lambent.events import CompletionChanged
from lambent.ui.reporter import reporter


@click.command("completion")
@click.argument("shell", required=False, type=click.Choice(SHELLS))
@click.option("--install", "action", flag_value="install", help="Set it up for the shell, and say what was written.")
@click.option("--uninstall", "action", flag_value="uninstall", help="Remove what --install has written.")
@click.pass_context
def command(context: click.Context, shell: str | None, action: str | None) -> None:
    """Complete commands, options and their values with Tab.

    lambent completion --install sets it up for your shell. SHELL is bash, zsh or fish. Default: that of $SHELL.

    Without an option, it prints the script, for you to put where you want it.
    """
    shell = shell or _default_shell()
    if action is None:
        click.echo(script(shell), nl=False)
        return
    setup = setup_of(shell, Path.home(), os.environ)
    changed = setup.install() if action == "install" else setup.uninstall()
    if action == "install":
        read_index(context.find_root().command)  # so that the first Tab is fast too
    with reporter(as_json=False) as emit:
        emit(CompletionChanged(shell, action == "install", tuple(map(str, changed)), str(setup.script)))


def _default_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        what = f"$SHELL is {name}, for which there is no completion" if name else "$SHELL isn't set"
        raise UsageError(what, where="SHELL", hint="lambent completion bash --install, or zsh, or fish")
    return name
