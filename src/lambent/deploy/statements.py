"""The statements that make a URL public, by what they say and not by their ids alone. Pure.

AWS changes no statement, it only adds and removes them. One that somebody has changed by hand is therefore followed by a right
one under a further id (...Access2) before it goes, so that no caller is refused in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count

from msgspec.structs import replace

from lambent.aws.values import Statement
from lambent.names import INVOKE_STATEMENT, URL_STATEMENT

_OURS = re.compile(f"({URL_STATEMENT}|{INVOKE_STATEMENT})[0-9]*")


def base(sid: str) -> str:
    """Which of the two this id belongs to; "" for one that is not lambent's."""
    found = _OURS.fullmatch(sid)
    return found[1] if found else ""


def right(there: Statement, wanted: Statement) -> bool:
    """Whether it is `wanted`, under whichever of its ids."""
    return base(there.sid) == wanted.sid and replace(there, sid=wanted.sid) == wanted


def missing(there: Iterable[Statement], wanted: Iterable[Statement]) -> tuple[Statement, ...]:
    """Those of `wanted` that no statement says."""
    known = tuple(there)
    return tuple(each for each in wanted if not any(right(one, each) for one in known))


def free(sid: str, there: Iterable[Statement]) -> str:
    """An id for a further statement of this one's."""
    taken = {each.sid for each in there}
    return next(each for number in count(1) if (each := f"{sid}{number if number > 1 else ''}") not in taken)
