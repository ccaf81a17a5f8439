"""What a bench hands back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """The table to print, the part of the page, and whether every bar is met."""

    table: str
    part: str
    met: bool
