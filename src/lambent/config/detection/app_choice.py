"""The apps that a refusal offers, for a user to choose one."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class AppChoice(Struct, frozen=True):
    """An app that a command could be about: its project's folder, and its `--app` and `--name`, "" for those of the project.

    `label` is its line in a list.
    """

    folder: Path
    app: str = ""
    name: str = ""
    label: str = ""
