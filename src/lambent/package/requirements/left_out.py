"""Packages that are left out of every zip: what Python has itself, and servers that Lambda takes the place of."""

from __future__ import annotations

from collections.abc import Sequence

from lambent.package.lock import Pin

STANDARD_MODULES = {
    **{name: name for name in ("argparse", "asyncio", "contextvars", "dataclasses", "hashlib", "importlib", "ipaddress")},
    **{name: name for name in ("multiprocessing", "pathlib", "ssl", "statistics", "typing", "unittest", "uuid", "wsgiref")},
    "enum34": "enum",
    "futures": "concurrent.futures",
}
"""Packages whose module every Python on Lambda has. In /var/task theirs would win; in a virtual environment it never does."""

_SERVERS = {
    **{name: name for name in ("bjoern", "cheroot", "daphne", "eventlet", "fastwsgi", "gevent", "granian", "gunicorn")},
    **{name: name for name in ("httptools", "hypercorn", "meinheld", "uvicorn", "uvloop", "uwsgi", "waitress")},
    "mod-wsgi": "mod_wsgi",
    "mod-wsgi-standalone": "mod_wsgi",
    "pyuwsgi": "uwsgi",
}
"""Servers and what speeds them up, each with its module. uWSGI and mod_wsgi provide theirs only while they serve."""

SERVER_MODULES = frozenset(_SERVERS.values())
_ALWAYS = {**STANDARD_MODULES, "pkg-resources": ""}


def always() -> tuple[str, ...]:
    """Return the packages that are never resolved."""
    return tuple(sorted(_ALWAYS))


def unused_servers(imported: frozenset[str]) -> frozenset[str]:
    """Return the servers that an app doesn't need if it imports these of `SERVER_MODULES`."""
    return frozenset(name for name, module in _SERVERS.items() if module not in imported)


def servers_in(names: Sequence[str]) -> frozenset[str]:
    """Return the modules of those packages that are servers."""
    return frozenset(_SERVERS[name] for name in names if name in _SERVERS)


def reason(name: str, python: str) -> str:
    """Return why a package is left out, as a line for the user. Empty for one that `without` names."""
    if name == "pkg-resources":
        return "pkg-resources is left out: it isn't a package, Debian's pip lists it by mistake"
    if name in STANDARD_MODULES:
        return f"{name} is left out: Python {python} has {STANDARD_MODULES[name]} itself"
    if name in _SERVERS:
        return f"{name} is left out: it has no wheel, and on Lambda nothing needs it"
    return ""


def without(pins: Sequence[Pin], names: frozenset[str]) -> tuple[Pin, ...]:
    """Return the pins except those with these names."""
    return tuple(pin for pin in pins if pin.name not in names)
