"""`lambent help`: the same as `--help`, for those who type it first."""

from __future__ import annotations

import click


@click.command("help", add_help_option=True)
@click.argument("names", nargs=-1, metavar="[COMMAND ...]")
@click.pass_context
def command(context: click.Context, names: tuple[str, ...]) -> None:
    """Say what a command does and which options it takes: lambent help deploy, lambent help env set"""
    root = context.find_root()
    described, parents = root.command, root
    for name in names:
        if not isinstance(described, click.Group):
            parents.fail(f"{parents.command_path} has no subcommands")
        child = described.get_command(parents, name)
        if child is None:
            parents.fail(f"No such command '{name}'.")
        described, parents = child, click.Context(child, info_name=name, parent=parents)
    click.echo(described.get_help(parents))
