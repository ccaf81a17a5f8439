"""What every part of a plan is: steps, and the lines that explain them. And the words they share. Pure."""

from __future__ import annotations

from msgspec import Struct

from lambent.deploy.steps import Step
from lambent.events import PlannedLine


class Part(Struct, frozen=True):
    steps: tuple[Step, ...] = ()
    lines: tuple[PlannedLine, ...] = ()


def because(name: str, origins: dict[str, str]) -> str:
    """Where a value came from, as " (pyproject.toml ...)"; "" when that is not known."""
    return f" ({origins[name]})" if origins.get(name) else ""


def size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
