"""What a printed `--env NAME=…` shows in place of a value: its form, so that a copy of the line gets past what reads it.

A library that connects to a database or a service reads its address when the app starts, and connects when a request needs it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from pathlib import Path

from lambent.config.detection.project_text import read_text
from lambent.config.django_literals import ANY_HOST
from lambent.config.variables.own_secrets import is_own_secret

_RANDOM = """"$(python3 -c 'import os; print(os.urandom(32).hex())')\""""
_ADDRESS = re.compile(r"(?:URL|URI|DSN)$")
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
_MAIL = re.compile(r"(?:^|_)(?:EMAIL|SENDER|E?MAIL_(?:FROM|USER|USERNAME))$")


def placeholder(name: str, names: Iterable[str], numbers: Container[str], folder: Path) -> str:
    """Return what stands for the value of a variable of a project in a flag. `numbers` are the variables read as numbers."""
    if name.endswith("ALLOWED_HOSTS"):
        return ANY_HOST
    if is_own_secret(name, names):
        return _RANDOM
    if name in numbers or name.endswith("_PORT"):
        return "NUMBER"
    if _ADDRESS.search(name.upper()):
        return _address(name.upper(), folder)
    return "you@example.com" if _MAIL.search(name.upper()) else "VALUE"


def _address(name: str, folder: Path) -> str:
    for pattern, address in _SERVICES:
        if pattern.search(name):
            return address
    return _database(folder) if _DATABASE.search(name) else "https://HOST"


def _database(folder: Path) -> str:
    """Return the form of a database's address, for the driver that the project requires."""
    files = [
        *folder.glob("*requirements*.txt"),
        *folder.glob("requirements/*.txt"),
        folder / "pyproject.toml",
        folder / "Pipfile",
    ]
    required = " ".join(read_text(file) for file in files).lower()
    drivers = [(name, scheme) for name, scheme in _DRIVERS if re.search(rf"\b{name}(?:\b|-binary)", required)]
    if {name for name, _ in drivers} - set(_ASYNC) and not _is_async(folder):
        drivers = [each for each in drivers if each[0] not in _ASYNC]
    scheme = drivers[0][1] if drivers else "postgresql://" if re.search(r"\bdjango\b", required) else "sqlite:///"
    return f"{scheme}/tmp/app.db" if scheme.startswith("sqlite") else f"{scheme}USER:PASSWORD@HOST/NAME"


def _is_async(folder: Path) -> bool:
    paths = (path for pattern in ("*.py", "*/*.py", "*/*/*.py") for path in folder.glob(pattern))
    return any(re.search(r"create_async_engine|async_engine_from_config|AsyncSession", read_text(path)) for path in paths)
