"""What a row of a table of breaks is, and the patterns of its failures. Pure."""

from __future__ import annotations

from msgspec import Struct


class Break(Struct, frozen=True):
    """What a release removed, and the requirements that keep it.

    A lower limit is for releases that work on no Python that web apps run on: it counts instead of the user's own requirement.
    """

    what: str
    requirements: tuple[str, ...]


def removed_from(module: str, *names: str) -> str:
    """Return the pattern of a use of these names that fails. The names and the module are regular expressions."""
    any_name = f"(?:{'|'.join(names)})"
    return rf"cannot import name '{any_name}' from '{module}'|module '{module}' has no attribute '{any_name}'"


def no_module(*names: str) -> str:
    return rf"No module named '(?:{'|'.join(names)})'"


Row = tuple[tuple[str, ...], Break]
"""Patterns of failures, of which one is enough, and the break that they show."""
