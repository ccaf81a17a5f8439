"""Packages that a release no longer brings, although what the app imports from it needs them. Pure, but for reading the app."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from lambent.package.lock import Pin
from lambent.package.requirements.resolve_request import ResolveRequest


class Implied(Struct, frozen=True):
    """`name`, which releases of `package` since `since` need for some of their `modules` and don't require.

    Without `modules` everything in the package needs it. `requirement` brings it, if that isn't its name, and `why` completes
    the line about it.
    """

    name: str
    package: str
    since: tuple[int, int]
    why: str
    modules: frozenset[str] = frozenset()
    requirement: str = ""

    @property
    def reason(self) -> str:
        return f"{self.name} is added: {self.why}"


_ASYNC = "sqlalchemy.ext.asyncio needs it, and sqlalchemy 2.1 no longer brings it"
_TABLE = (
    Implied("greenlet", "sqlalchemy", (2, 1), _ASYNC, frozenset(("sqlalchemy.ext.asyncio", "sqlmodel.ext.asyncio"))),
    Implied(
        "psycopg-binary", "psycopg", (3, 0), "psycopg needs libpq, which Lambda doesn't have", requirement="psycopg[binary]"
    ),
)


def find_implied(pins: Sequence[Pin], request: ResolveRequest) -> list[Implied]:
    """Return what the pins lack. The app is only read if a release is that new."""
    versions = {pin.name: pin.version for pin in pins}
    present = (*versions, *request.without)
    lacking = [each for each in _TABLE if each.name not in present and _release(versions.get(each.package, "")) >= each.since]
    return [each for each in lacking if not each.modules or request.imported(each.modules)]


def _release(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, () for none. `packaging` takes 0.1 s, which a cached lock saves."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return tuple(map(int, match.groups())) if match else ()
