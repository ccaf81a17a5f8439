"""The questions asked before a URL becomes public and before an app is deleted."""

from __future__ import annotations

import sys

import click

from lambent.config.model import Config
from lambent.deploy.deploy import refuse_move
from lambent.deploy.plan import Plan
from lambent.errors import UsageError


def is_explicit(config: Config) -> bool:
    """Whether the user set `auth`, by a flag or in a file."""
    return config.origins.get("auth", "default") != "default"


def confirm_public(plan: Plan, *, interactive: bool) -> None:
    """Ask whether to create the public URL of `plan`.

    Raises UsageError if there is no terminal to ask on, click.Abort if the answer is no.
    """
    if not (interactive and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "this deploy creates a public URL, and there is no terminal to ask for confirmation",
            where="lambent deploy",
            hint='--yes, or set auth = "none" in [tool.lambent]; to allow only signed requests, --auth iam',
        )
    _confirm(f"Create a public URL for {plan.names.app}?")


def confirm_move(plan: Plan, *, interactive: bool) -> None:
    """Ask whether this project takes over the app of another one. --yes doesn't answer it.

    Raises UsageError if there is no terminal to ask on, click.Abort if the answer is no.
    """
    if not (interactive and sys.stdin.isatty() and sys.stderr.isatty()):
        refuse_move(plan)
    _confirm(f"{plan.names.app} was deployed from another project, {plan.moved_from}. Replace it with this one?")


def confirm_deletion(app: str, origin: str, *, yes: bool) -> None:
    """Ask whether to delete an app; `origin` is the other project that it comes from, "" if it is this one.

    Raises UsageError if there is no terminal to ask on, click.Abort if the answer is no.
    """
    if yes and not origin:
        return
    if not sys.stdin.isatty():
        what, hint = "there is no terminal to ask for confirmation", "--yes"
        if origin:
            what, hint = f"{app} was deployed from another project: {origin}", f"--name {app} --yes deletes it all the same"
        raise UsageError(what, where="lambent destroy", hint=hint)
    _confirm(f"{app} was deployed from another project, {origin}. Delete it?" if origin else f"Delete {app}?")


def _confirm(question: str) -> None:
    if not click.confirm(question, err=True):
        raise click.Abort
