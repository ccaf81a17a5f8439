"""The SQLite database whose tables an app lacks: the build makes it in a copy of the project, and packs it.

A Django project's is made with its static files (`collect_static.py`).
"""

from __future__ import annotations

from pathlib import Path

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Notice
from lambent.interpreters import Interpreter
from lambent.package.build_context import BuildContext
from lambent.package.isolated_run import Files, Program, run_cached
from lambent.package.layout import SourceFile, arrange
from lambent.package.shards.shard import Shard
from lambent.package.vendor import runtime_files

_PROGRAM = Path(__file__).with_name("table_maker.py")
_TIMEOUT_S = 120


class NoTablesError(PackagingError):
    """The build can't make the tables that the app lacks."""


def make_tables(context: BuildContext, shards: tuple[Shard, ...], files: Files, interpreter: Interpreter | None) -> Files:
    """Return the files with the database that has the table which an earlier start lacked. Raises NoTablesError."""
    config = context.config
    table = config.missing_table
    if not table or context.options.scope == "layer":
        return files
    what = f"the build can't make the table {table}"
    if interpreter is None:
        raise NoTablesError(f"{what}: Python {context.target.python} is missing", where=config.app.spec)
    arguments = (config.app.handler, table)
    program = Program("tables", str(_PROGRAM), arguments, variables=(), timeout_s=_TIMEOUT_S)
    placed = dict(arrange((), runtime_files(), files, config.app).files)
    report, made = run_cached(context, program, shards, placed, interpreter)
    if "error" in report:
        raise NoTablesError(f"{what}: {report['error'] or 'nothing in the app makes it'}", where=config.app.spec)
    for database in made:
        context.emit(made_database(config, report["way"], database, f"the database has no table {table}"))
    return {**files, **{name: SourceFile.generated(name, content) for name, content in made.items()}}


def made_database(config: Config, command: str, database: str, reason: str) -> Notice:
    """Return the line about a database that the build has made."""
    text = f"{command}: made {database}, since {reason}"
    if (config.path / database).exists():
        text += f'; include = ["{database}"] packs yours'
    return Notice(text)
