"""What a printed `--env NAME=…` shows in place of a value: its form, so that a copy of the line gets past what reads it.

A library that connects to a database or a service reads its address when the app starts, and connects when a request needs it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lambent.config.detection.project_text import read_text
from lambent.config.django_literals import ANY_HOST
from lambent.config.variables.bound import Read
from lambent.config.variables.own_secrets import is_own_secret
from lambent.config.variables.proposals import read_proposals, usable_proposals

_RANDOM = """"$(python3 -c 'import os; print(os.urandom(32).hex())')\""""
_ADDRESS = re.compile(r"(?:URL|URI|DSN)$")
_CONNECTION = re.compile(r"CONN(?:ECTION)?(?:_?STR(?:ING)?)?$")
_SERVICES = (
    (re.compile(r"SENTRY"), "https://KEY@HOST/1"),
    (re.compile(r"MONGO"), "mongodb://USER:PASSWORD@HOST/NAME"),
    (re.compile(r"AMQP|RABBIT"), "amqp://USER:PASSWORD@HOST"),
    (re.compile(r"REDIS|BROKER|CELERY|CACHE"), "redis://HOST:6379/0"),
)
_DATABASE = re.compile(r"DATABASE|SQL|POSTGRES|(?:^|_)(?:DB|PG)(?:_|$)")
_DRIVERS = (
    ("asyncpg", "postgresql+asyncpg://"), ("aiomysql", "mysql+aiomysql://"), ("asyncmy", "mysql+asyncmy://"),
    ("aiosqlite", "sqlite+aiosqlite:///"), ("psycopg2", "postgresql://"), ("psycopg", "postgresql+psycopg://"),
    ("pymysql", "mysql+pymysql://"), ("mysqlclient", "mysql://"),
)  # fmt: skip
"""The packages that SQLAlchemy and other libraries reach a database with, those for asyncio first."""
_ASYNC = ("asyncpg", "aiomysql", "asyncmy", "aiosqlite")
_SHARED = r"(?m)(?:^|[\[,])\s*[\"']?(?:databases|quart-db)\s*(?=[\[<>=~!\"';]|$)"
"""Requires a library of asyncio that needs no driver in the address. `databases` shares it with SQLAlchemy's create_engine."""
_WITHOUT_DRIVER = (
    (re.compile(rf"{_SHARED}.*\bsqlite\b"), "sqlite:///"),
    (re.compile(rf"{_SHARED}.*\bmysql\b"), "mysql://"),
    (re.compile(rf"{_SHARED}|\bdjango\b"), "postgresql://"),
)
"""What says which database is meant if no driver is required by its own name: an extra, or what the library has by itself."""
_NUMBERS = (
    (re.compile(r"(?:POSTGRES|PG|DB|DATABASE).*PORT$"), "5432"),
    (re.compile(r"MYSQL.*PORT$"), "3306"),
    (re.compile(r"REDIS.*PORT$"), "6379"),
    (re.compile(r"MONGO.*PORT$"), "27017"),
    (re.compile(r"(?:SMTP|MAIL).*PORT$"), "587"),
    (re.compile(r"PORT$"), "8080"),
    (re.compile(r"MINUTES"), "30"),
    (re.compile(r"SECONDS|TTL|EXPIR|TIMEOUT|LIFETIME|MAX_AGE"), "3600"),
    (re.compile(r"(?:^|_)DB$"), "0"),
)
_WORDS = (
    (re.compile(r"HASH\w*ALGO|CRYPT\w*SCHEME"), "bcrypt"),
    (re.compile(r"ALGORITHM$"), "HS256"),
)
"""Names whose values a library checks when the app starts, and the value that tutorials have."""
_STAGE = re.compile(r"(?:\w+_)?(?:ENV|ENVIRONMENT|STAGE)")
_PRODUCTION = ("production", "prod", "PRODUCTION", "PROD", "Production")
_MAIL = re.compile(r"(?:^|_)(?:EMAIL|SENDER|E?MAIL_(?:FROM|USER|USERNAME))$")


def placeholder(name: str, names: Iterable[str], reads: Mapping[str, Read], folder: Path) -> str:
    """Return what stands for the value of a variable of a project in a flag. `reads` say of which types they are."""
    read = reads.get(name)
    if read is not None and (proposals := usable_proposals([read], read_proposals(folder))):
        return shlex.quote(proposals[0].value)
    if read is not None and read.example and not read.is_number:
        return _typed(read.example, folder)
    if name.endswith("ALLOWED_HOSTS"):
        return ANY_HOST
    if is_own_secret(name, names) or (read is not None and read.is_secret_key):
        return _RANDOM
    upper = name.upper()
    if (read is not None and read.is_number) or upper.endswith("_PORT"):
        return _first(_NUMBERS, upper, "1")
    if _ADDRESS.search(upper) or (_CONNECTION.search(upper) and _DATABASE.search(upper)):
        return _address(upper, folder)
    if _STAGE.fullmatch(upper):
        return _stage(folder)
    return "you@example.com" if _MAIL.search(upper) else _first(_WORDS, upper, "VALUE")


def _typed(example: str, folder: Path) -> str:
    driver = _database(folder) if "sql://" in example else ""
    return driver if driver.startswith(example.partition("://")[0]) else shlex.quote(example)


def _stage(folder: Path) -> str:
    """Return the word for production that the project's code has in quotes."""
    text = "\n".join(map(read_text, _sources(folder)))
    return next((word for word in _PRODUCTION if re.search(rf"""["']{word}["']""", text)), _PRODUCTION[0])


def _first(values: Iterable[tuple[re.Pattern[str], str]], name: str, default: str) -> str:
    return next((value for pattern, value in values if pattern.search(name)), default)


def _address(name: str, folder: Path) -> str:
    return _first(_SERVICES, name, _database(folder) if _DATABASE.search(name) else "https://HOST")


def _database(folder: Path) -> str:
    """Return the form of a database's address, for the driver that the project requires."""
    files = [
        *folder.glob("*requirements*.txt"),
        *folder.glob("requirements/*.txt"),
        folder / "pyproject.toml",
        folder / "Pipfile",
    ]
    required = "\n".join(re.sub(r"#.*", "", read_text(file)) for file in files).lower()
    drivers = [(name, scheme) for name, scheme in _DRIVERS if re.search(rf"\b{name}(?:\b|-binary)", required)]
    is_async = _is_async(folder)
    if {name for name, _ in drivers} - set(_ASYNC) and not is_async:
        drivers = [each for each in drivers if each[0] not in _ASYNC]
    if drivers:
        scheme = drivers[0][1]
    else:  # the standard library's sqlite3 is not for asyncio
        scheme = _first(_WITHOUT_DRIVER, required, "postgresql+asyncpg://" if is_async else "sqlite:///")
    if not is_async and re.search(_SHARED, required):
        scheme = scheme.replace("+aiosqlite", "")
    return f"{scheme}/tmp/app.db" if scheme.startswith("sqlite") else f"{scheme}USER:PASSWORD@HOST/NAME"


def _is_async(folder: Path) -> bool:
    pattern = re.compile(r"create_async_engine|async_engine_from_config|AsyncSession")
    return any(pattern.search(read_text(path)) for path in _sources(folder))


def _sources(folder: Path) -> Iterator[Path]:
    return (path for pattern in ("*.py", "*/*.py", "*/*/*.py") for path in folder.glob(pattern))
