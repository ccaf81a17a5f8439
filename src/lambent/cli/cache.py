"""`lambent cache`: where it is, and how it is made smaller."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lambent.cli.options import cache_option
from lambent.package import pruning
from lambent.package.pruning import Pruned
from lambent.units import size


@click.group()
def command() -> None:
    """What builds keep: wheels, what is made of them, and zips. Builds prune it themselves, to LAMBENT_CACHE_MAX (2GB)."""


@command.command("dir")
@cache_option
def folder(cache_dir: Path) -> None:
    """Print where it is."""
    click.echo(cache_dir.absolute())


@command.command()
@click.option("--max", "most", metavar="SIZE", help="What may stay: 500MB, 2GB. Default: LAMBENT_CACHE_MAX, or 2GB.")
@cache_option
def prune(most: str | None, cache_dir: Path) -> None:
    """Remove what was not used for the longest, down to a size, and what broken builds left."""
    allowed = pruning.size_of(most, "--max") if most else pruning.limit(os.environ)
    _tell(pruning.prune(cache_dir, allowed))


@command.command()
@cache_option
def clean(cache_dir: Path) -> None:
    """Remove everything. Builds that run meanwhile have to make what they need again, or fail."""
    _tell(pruning.clean(cache_dir))


def _tell(done: Pruned) -> None:
    click.echo(f"removed {done.removed:,} files, {size(done.freed)}; {size(done.left)} left")
