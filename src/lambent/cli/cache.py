"""`lambent cache`: show, shrink or clear the build cache."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lambent.cli.options import cache_option
from lambent.package import pruning
from lambent.package.pruning import Pruned
from lambent.units import count, size


@click.group()
def command() -> None:
    """Show, shrink or clear the build cache: wheels, what builds make of them, and zips.

    Builds prune the cache on their own, once a day, to 2 GB. Set LAMBENT_CACHE_MAX to change that.
    """


@command.command("dir")
@cache_option
def folder(cache_dir: Path) -> None:
    """Print the path of the cache."""
    click.echo(cache_dir)


@command.command(short_help="Remove the least recently used files, down to a size.")
@click.option("--max", "limit", metavar="SIZE", help="Size to keep: 500MB, 2GB. Default: LAMBENT_CACHE_MAX, or 2GB.")
@cache_option
def prune(limit: str | None, cache_dir: Path) -> None:
    """Remove the least recently used files, down to a size, and what interrupted builds left behind."""
    _report(pruning.prune(cache_dir, pruning.size_of(limit, "--max") if limit else pruning.limit(os.environ)))


@command.command()
@cache_option
def clean(cache_dir: Path) -> None:
    """Remove everything. Builds that are running may fail."""
    _report(pruning.clean(cache_dir))


def _report(pruned: Pruned) -> None:
    click.echo(f"removed {count(pruned.removed, 'file')}, {size(pruned.freed)}; {size(pruned.remaining)} left")
