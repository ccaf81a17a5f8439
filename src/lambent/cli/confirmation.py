"""The questions asked before a URL becomes public and before an app is deleted."""

from __future__ import annotations

import shlex
import sys
from functools import wraps
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from lambent.cli.options import Command, add_options, yes_option
from lambent.deployment.deploy import refuse_move
from lambent.deployment.plan import Plan
from lambent.errors import CancelledError, UsageError


class Consent(Struct, frozen=True):
    """What the command line agrees to: a public URL, and to take the app over from the project `moved_from`, "" for none."""

    yes: bool
    moved_from: str


def with_consent(command: Command) -> Command:
    """Add --yes and --moved-from, and pass them on as `consent`."""

    @wraps(command)
    def call(*, yes: bool, moved_from: str, **values: Any) -> Any:
        return command(consent=Consent(yes, moved_from), **values)

    help_text = "Take the app over from another project, as `lambent status` names it."
    return add_options(call, click.option("--moved-from", metavar="ORIGIN", default="", help=help_text), yes_option)


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm_public(plan: Plan, *, interactive: bool) -> None:
    """Ask whether to create the public URL of `plan`.

    Raises UsageError if there is no terminal to ask on, CancelledError if the answer is no.
    """
    if not (interactive and is_terminal()):
        raise UsageError(
            "this deploy creates a public URL, and there is no terminal to ask for confirmation",
            where="lambent deploy",
            hint='--yes, or set auth = "none" in [tool.lambent]; to allow only signed requests, --auth iam',
        )
    _confirm(f"Create a public URL for {plan.names.app}?")


def confirm_move(plan: Plan, *, moved_from: str, interactive: bool) -> None:
    """Ask whether this project takes over the app of another one, unless `moved_from` is that one. --yes doesn't answer it.

    Raises UsageError if there is no terminal to ask on, CancelledError if the answer is no.
    """
    if moved_from == plan.moved_from:
        return
    if not (interactive and is_terminal()):
        refuse_move(plan)
    _confirm(f"{plan.names.app} was deployed from another project, {plan.moved_from}. Replace it with this one?")


def confirm_deletion(app: str, origin: str, *, yes: bool) -> None:
    """Ask whether to delete an app; `origin` is the other project that it comes from, "" if it is this one.

    Raises UsageError if there is no terminal to ask on, CancelledError if the answer is no.
    """
    if yes and not origin:
        return
    if not sys.stdin.isatty():
        what, hint = "there is no terminal to ask for confirmation", "--yes"
        if origin:
            what, hint = f"{app} was deployed from another project: {origin}", f"--name {app} --yes deletes it all the same"
        raise UsageError(what, where="lambent destroy", hint=hint)
    _confirm(f"{app} was deployed from another project, {origin}. Delete it?" if origin else f"Delete {app}?")


def confirm_overwrite(path: Path) -> None:
    """Ask whether to write a file again. Raises UsageError without a terminal to ask on, CancelledError if the answer is no."""
    if not sys.stdin.isatty():
        hint = f"{shlex.join(['rm', str(path)])}, then try again"
        raise UsageError(f"{path.name} exists, and there is no terminal to ask for confirmation", where=str(path), hint=hint)
    _confirm(f"{path} exists. Write it again?")


def _confirm(question: str) -> None:
    if not click.confirm(question, err=True):
        raise CancelledError
