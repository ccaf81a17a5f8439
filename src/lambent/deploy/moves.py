"""What the alias says of its last move, in its description: AWS writes both in the same call, so no rerun finds one alone.

So a rollback that was broken off after its move is known to be done, and a rollback knows what was live before. Pure.
"""

from __future__ import annotations

import re

from msgspec import Struct

from lambent.aws.values import Alias

_FORMS = (
    re.compile(r"lambent: version (?P<to>\d+), before it (?P<since>\S+)"),
    re.compile(r"lambent: back at version (?P<to>\d+) from (?P<since>\S+)"),
)


class Move(Struct, frozen=True):
    """From version `since` to the one that the alias points at; `back` when that undid something."""

    since: str
    back: bool


def forth(to: str, since: str) -> str:
    """The description of an alias that got a newer version; `since` is "" for a first one."""
    return f"lambent: version {to}, before it {since}" if since else f"lambent: version {to}"


def back(to: str, since: str) -> str:
    """The description of an alias that went back."""
    return f"lambent: back at version {to} from {since}"


def described(to: str, since: str) -> str:
    """Of any move: one to a lower version, or away from $LATEST, goes back."""
    return forth(to, since) if since.isdigit() and int(to) > int(since) else back(to, since)


def last(alias: Alias) -> Move | None:
    """The alias's last move; None when it was not lambent's, or somebody has moved it by hand since."""
    for number, form in enumerate(_FORMS):
        found = form.fullmatch(alias.description)
        if found and found["to"] == alias.version:
            return Move(since=found["since"], back=number == 1)
    return None
