"""What a bench hands back."""

from __future__ import annotations

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """The table to print, the part of the page, and whether every bar is met."""

    table: str
    part: str
    met: bool
