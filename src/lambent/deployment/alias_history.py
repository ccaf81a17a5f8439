"""What the alias's description says about its last move.

AWS changes the alias and its description in the same call, so neither is ever found without the other. A repeated rollback
reads there that the work is done, and a rollback reads which version was live before. Pure.
"""

from __future__ import annotations

import re

from msgspec import Struct

from lambent.aws.values import Alias

_FORMS = (
    re.compile(r"lambent: version (?P<to>\d+)(?:, before it (?P<since>\S+))?"),
    re.compile(r"lambent: back at version (?P<to>\d+) from (?P<since>\S+)"),
)


_UNCHECKED = re.compile(r"lambent: version (?P<to>\d+), not checked yet")


class Move(Struct, frozen=True):
    """A move from version `since`, "" if none was live, to the one that the alias points to; `back` if it undid something."""

    since: str
    back: bool


def describe_unchecked(to: str) -> str:
    """Return the description of a new alias: it exists because a URL needs one, and no one may call it yet."""
    return f"lambent: version {to}, not checked yet"


def is_unchecked(alias: Alias) -> bool:
    """Return whether no version behind this alias has ever passed its check, so that none is live."""
    match = _UNCHECKED.fullmatch(alias.description)
    return match is not None and match["to"] == alias.version


def describe_forward(to: str, since: str) -> str:
    """Return the description of an alias that got a newer version; `since` is "" for the first one."""
    return f"lambent: version {to}, before it {since}" if since else f"lambent: version {to}"


def describe_back(to: str, since: str) -> str:
    """Return the description of an alias that went back."""
    return f"lambent: back at version {to} from {since}"


def describe_move(to: str, since: str) -> str:
    """Return the description of any move. One to a lower version, or away from $LATEST, goes back."""
    return describe_forward(to, since) if since.isdigit() and int(to) > int(since) else describe_back(to, since)


def last_move(alias: Alias) -> Move | None:
    """Return the alias's last move, or None if lambent didn't make it or someone has moved the alias since."""
    for number, form in enumerate(_FORMS):
        match = form.fullmatch(alias.description)
        if match and match["to"] == alias.version:
            return Move(since=match["since"] or "", back=number == 1)
    return None
