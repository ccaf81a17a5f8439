"""A URL that anyone may call is made only when somebody wants it: asked at a terminal, and said in words elsewhere."""

from __future__ import annotations

import sys

import click

from lambent.config.model import Config
from lambent.errors import UsageError
from lambent.events import Emit, Event, Planned


def is_said(config: Config) -> bool:
    """Whether `auth` was set, by a flag or in a file, and is not merely the default."""
    return config.origins.get("auth", "default") != "default"


def asking(emit: Emit, agreed: bool, as_json: bool) -> Emit:
    """An `Emit` that, once a plan which makes a URL public was shown, asks before anything is done.

    Raises UsageError when nobody can be asked, click.Abort when the answer is no: nothing was changed then.
    """
    asked = [agreed]

    def told(event: Event) -> None:
        emit(event)
        if isinstance(event, Planned) and event.opens and not asked[0]:
            _ask(as_json)
            asked[0] = True

    return told


def _ask(as_json: bool) -> None:
    if as_json or not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError(
            "this makes a URL that anyone may call, and nobody is there to be asked",
            where="lambent deploy",
            hint='--yes, or auth = "none" in [tool.lambent]; with --auth iam only signed requests are let in',
        )
    if not click.confirm("make a URL that anyone may call?", err=True):
        raise click.Abort
