"""The question which app is meant, if there are several or it is in another folder."""

from __future__ import annotations

import os
from pathlib import Path

import click
from msgspec.structs import replace

from lambent.config.detection.app_choice import AppChoice
from lambent.config.detection.refusals import deploy_command
from lambent.errors import CancelledError, DetectionError
from lambent.events import Emit, Notice, Question
from lambent.library.app_source import AppSource


def choose_app(app: AppSource, error: DetectionError, emit: Emit, *, local: bool) -> AppSource:
    """Return the app that the user chooses among those of an error. Raises CancelledError if it is none of them."""
    choice = _choose(error, emit)
    flags = replace(app.flags, app=choice.app or app.flags.app, name=app.flags.name or choice.name or None)
    command = deploy_command(choice.folder, choice.app, choice.name)
    emit(Notice(f"without this question: {command}{' --local' if local else ''}"))
    return replace(app, path=choice.folder, flags=flags)


def _choose(error: DetectionError, emit: Emit) -> AppChoice:
    emit(Question(error.what))
    if len(error.choices) == 1:
        choice = error.choices[0]
        if not click.confirm(f"Deploy {choice.app or _shown(choice.folder)}?", default=True, err=True):
            raise CancelledError
        return choice
    for number, choice in enumerate(error.choices, 1):
        click.echo(f"{number:>3}  {choice.label}", err=True)
    number = click.prompt("Number of the app to deploy", type=click.IntRange(1, len(error.choices)), err=True)
    return error.choices[number - 1]


def _shown(folder: Path) -> str:
    return f"{os.path.relpath(folder)}/"
