"""Finds the well-known modules that a file needs without importing them itself. Pure.

Django imports what its settings name, SQLAlchemy the driver of a database's URL, and frameworks need some modules only for
names that the app uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from lambent.module_packages import NEEDS, known_requirement
from lambent.package.shards.import_scanner import ModuleImports

_DATABASE_URL = re.compile(rb"""["'](?:postgresql|mysql|mariadb|sqlite)\+(\w+):|["'](postgresql)://""")
_POSTGRESQL = ("psycopg2", "psycopg", "asyncpg", "pg8000")
"""Drivers, one of which is enough: the first is SQLAlchemy's own choice for a URL that names none."""


def unnamed_imports(
    source: bytes, imports: ModuleImports, starts: Collection[str], is_missing: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Yield each module that a file needs and that is missing, with what needs it ("names yaml, which").

    `starts` are missing modules that Django's settings name. `is_missing` says it of a top-level module.
    """
    classes = {top for name in imports.strings if (top := _top_of_class(name))} if b"INSTALLED_APPS" in source else set()
    named = {name.partition(".")[0] for name in imports.strings}.intersection(starts)
    for module in sorted(named | {top for top in classes if known_requirement(top) and is_missing(top)}):
        yield module, f"names {module}, which"
    for name in sorted(NEEDS.keys() & (imports.eager | imports.strings)):
        if all(map(is_missing, NEEDS[name])):
            yield NEEDS[name][0], f"uses {name}, and {NEEDS[name][0]}"
    for drivers in database_drivers(source) if not is_missing("sqlalchemy") else ():
        if all(map(is_missing, drivers)):
            yield drivers[0], f"names a database, and {drivers[0]}"


def database_drivers(source: bytes) -> list[tuple[str, ...]]:
    """Return the modules for the databases' URLs in a source: for each URL those of which one is needed."""
    drivers = {(driver.decode(),) if driver else _POSTGRESQL for driver, _ in _DATABASE_URL.findall(source)}
    return sorted(modules for modules in drivers if known_requirement(modules[0]))


def _top_of_class(name: str) -> str:
    """Return the top module of a class's dotted name ("storages.backends.s3.S3Storage"), "" for any other name."""
    top, _, rest = name.partition(".")
    return top if rest.rpartition(".")[2][:1].isupper() else ""
