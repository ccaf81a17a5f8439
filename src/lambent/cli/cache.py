"""`lambent cache`: show, shrink or clear the build cache."""

from __future__ import annotations

import os
from pathlib import Path

import click

from lambent.cli.options import cache_option, json_option
from lambent.events import CachePruned
from lambent.package import pruning
from lambent.package.pruning import Pruned
from lambent.ui.reporter import reporter


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
@json_option
def prune(limit: str | None, cache_dir: Path, as_json: bool) -> None:
    """Remove the least recently used files, down to a size, and what interrupted builds left behind."""
    _report(pruning.prune(cache_dir, pruning.size_of(limit, "--max") if limit else pruning.limit(os.environ)), as_json)


@command.command()
@cache_option
@json_option
def clean(cache_dir: Path, as_json: bool) -> None:
    """Remove everything. Builds that are running may fail."""
    _report(pruning.clean(cache_dir), as_json)


def _report(pruned: Pruned, as_json: bool) -> None:
    with reporter(as_json) as emit:
        emit(CachePruned(pruned.removed, pruned.freed, pruned.remaining))
