"""The SQLite database whose tables an app lacks: the build makes it in a copy of the project, and packs it.

A Django project's is made with its static files (`collect_static.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Notice
from lambent.interpreters import Interpreter
from lambent.package.build_context import BuildContext
from lambent.package.isolated_run import Files, Program, run_cached
from lambent.package.layout import SourceFile, arrange
from lambent.package.shards.shard import Shard
from lambent.package.vendor import runtime_files

_PROGRAM, _PART = (str(Path(__file__).with_name(name)) for name in ("table_maker.py", "table_ways.py"))
_TIMEOUT_S = 120
_SUFFIXES = (".db", ".sqlite", ".sqlite3")


class NoTablesError(PackagingError):
    """The build can't make the tables that the app lacks."""


def make_tables(
    context: BuildContext, shards: tuple[Shard, ...], files: Files, interpreter: Interpreter | None
) -> tuple[BuildContext, Files]:
    """Return the files with the database that the app lacks, and the context, whose app may write to it.

    Both are unchanged if an earlier start lacked no table, and no app with Flask-SQLAlchemy lacks all of them. Raises
    NoTablesError if nothing in the app makes the table that a start lacked.
    """
    config = context.config
    table, where = config.missing_table, config.app.spec
    if context.options.scope == "layer" or not (table or _may_lack_tables(config, shards, files)):
        return context, files
    what = f"the build can't make the table {table}"
    if interpreter is None:
        if table:
            raise NoTablesError(f"{what}: Python {context.target.python} is missing", where=where)
        return context, files
    program = Program("tables", _PROGRAM, (config.app.handler, table), (), _TIMEOUT_S, (_PART,))
    placed = dict(arrange((), runtime_files(), files, config.app).files)
    report, databases = run_cached(context, program, shards, placed, interpreter)
    if "error" in report and table:
        raise NoTablesError(f"{what}: {report['error'] or 'nothing in the app makes it'}", where=where)
    context = report_databases(context, report.get("way", ""), databases, f"the database has no table {report['table']}")
    return context, {**files, **{name: SourceFile.generated(name, content) for name, content in databases.items()}}


def _may_lack_tables(config: Config, shards: tuple[Shard, ...], files: Files) -> bool:
    """Return whether Flask-SQLAlchemy may have a database in the project that isn't packed."""
    if config.app.kind == "handler" or not any(shard.name == "flask-sqlalchemy" for shard in shards):
        return False
    names = [name for name in files if name.endswith((".py", ".cfg", ".flaskenv"))]
    return not any(name.endswith(_SUFFIXES) for name in files) and any(b"sqlite" in files[name].read() for name in names)


def report_databases(context: BuildContext, command: str, databases: Iterable[str], reason: str) -> BuildContext:
    """Say which databases a command has made in the build, and why. Return the context, whose app may write to them."""
    config = context.config
    for database in databases:
        text = f"{command}: made {database}, since {reason}"
        if (config.path / database).exists():
            text += f'; include = ["{database}"] packs yours'
        if config.writable is None:  # otherwise a warning about the code that writes says so
            text += "; what the app writes to it is lost when an environment ends"
        context.emit(Notice(text))
        if config.writable is None and config.client == "lambent":
            context = replace(context, config=replace(config, writable=True))
    return context
