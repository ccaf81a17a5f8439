"""Sizes, durations, counts and lists, formatted for people, with the words that go with lists."""

from __future__ import annotations

from collections.abc import Sequence


def seconds(duration: float) -> str:
    """Format a duration in seconds: "12 ms", "3.4 s"."""
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.1f} s"


def size(count: int) -> str:
    """Format a number of bytes in decimal units: "812 B", "3.4 kB", "9.9 MB", "2.1 GB"."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.1f} GB"


def count(number: int, noun: str) -> str:
    """Format a count with its noun: "1 file", "2 files"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listing(names: Sequence[str], shown_max: int | None = None) -> str:
    """Format names as a list: "a", "a and b", "a, b and c". With a maximum, the rest is a number: "a, b and 7 more"."""
    if shown_max is not None and len(names) > shown_max:
        names = [*names[:shown_max], f"{len(names) - shown_max} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def verb_for(names: Sequence[str]) -> str:
    """Return the verb of a sentence about names: "is" for one, "are" for several."""
    return "is" if len(names) == 1 else "are"


def pronoun_for(names: Sequence[str]) -> str:
    """Return what the rest of a sentence calls names: "it" for one, "them" for several."""
    return "it" if len(names) == 1 else "them"
