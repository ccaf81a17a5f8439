"""Reads of variables through a library: python-decouple, django-environ, environs, Starlette's Config."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from lambent.config.variables.bound import NOTHING, Bound, Library

_CLASSES = {
    **dict.fromkeys(("decouple.AutoConfig", "decouple.Config"), "decouple"),
    **dict.fromkeys(("environ.Env", "environ.FileAwareEnv"), "environ"),
    **dict.fromkeys(("environs.Env", "environs.FileAwareEnv"), "environs"),
    "starlette.config.Config": "starlette",
}
"""Classes whose objects read variables by name."""

_OBJECTS = {"decouple.config": "decouple", "environs.env": "environs"}
"""Such objects that a package has already."""

_NAMES = {
    "db": "DATABASE_URL", "db_url": "DATABASE_URL", "cache": "CACHE_URL", "cache_url": "CACHE_URL", "email": "EMAIL_URL",
    "email_url": "EMAIL_URL", "search_url": "SEARCH_URL", "channels": "CHANNELS_URL", "channels_url": "CHANNELS_URL",
}  # fmt: skip
"""What a method of django-environ reads if it is called without a name."""

_METHODS = frozenset(
    [
        *("str", "bytes", "bool", "int", "float", "json", "list", "tuple", "dict", "url", "path", "unicode", "decimal", "date"),
        *("datetime", "time", "timedelta", "uuid", "log_level", "enum", "literal", "get_value", "get"),
        *("dj_db_url", "dj_cache_url", "dj_email_url", *_NAMES),
    ]
)
_NUMBERS = frozenset(("int", "float", "bool"))  # 1 is a bool too
_TAKE_CAST = frozenset(("list", "tuple", "dict", "get_value"))
"""Methods of django-environ whose second argument is a type, as that of the object itself is."""


def from_package(dotted: str) -> Bound:
    """Return a name that was imported from a package: perhaps an object that reads variables."""
    kind = _OBJECTS.get(dotted)
    return Bound(library=Library(kind)) if kind else Bound(dotted=dotted)


def create(dotted: str, tuples: Iterable[str], prefix: str) -> Bound | None:
    """Return the result of calling a class, or None if its objects don't read variables.

    `tuples` are the keywords whose values are tuples: for django-environ the variables that have defaults.
    """
    kind = _CLASSES.get(dotted)
    return Bound(library=Library(kind, frozenset(tuples if kind == "environ" else ()), prefix)) if kind else None


def default_of(library: Library, call: ast.Call) -> ast.expr | None:
    """Return the default that a call gives, or None."""
    takes_cast = library.kind in ("environ", "starlette") and library.method in ("", *_TAKE_CAST)
    by_name = (word.value for word in call.keywords if word.arg == "default")
    return next(iter((*by_name, *call.args[1 + takes_cast :])), None)


def read(library: Library, arguments: Sequence[Bound], keywords: Mapping[str, Bound], location: str) -> Bound:
    """Return the variable that a call without a default reads, NOTHING if it reads none."""
    if library.method and library.method not in _METHODS:
        return NOTHING
    if not arguments:
        name = _NAMES.get(library.method, "") if library.kind == "environ" else ""
        return Bound(variable=name, location=location)
    name = arguments[0].text or ""
    if not name or name in library.defaults:
        return NOTHING
    casts = (keywords.get("cast", NOTHING).dotted, *(argument.dotted for argument in arguments[1:]), library.method)
    is_number = not _NUMBERS.isdisjoint(casts)
    return Bound(variable=library.prefix + name, location=arguments[0].location, is_number=is_number)


def with_method(library: Library, method: str) -> Bound:
    return Bound(library=replace(library, method=method))
