# mypy: disable-error-code="import-not-found,import-untyped"
"""A program for the target's Python: tries one of the ways in which an app's tables can be made.

Its arguments are those of `table_maker.py`, which starts it, except for the table, then a group of ways and a number in it. It
can neither write outside of the copy, nor start commands, nor reach a network: the developer's database, or one on a server, is
never touched.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

_NAMES = frozenset(
    [
        *("initdb", "dbinit", "createdb", "dbcreate", "makedb", "setupdb", "dbsetup", "builddb", "initdbcommand"),
        *("createall", "createalldb", "dbcreateall", "createtables", "maketables", "inittables", "setuptables"),
        *("initdatabase", "createdatabase", "setupdatabase", "databasesetup", "initializedb", "initializedatabase"),
        *("initschema", "createschema", "createdbtables", "createdbandtables"),
    ]
)
"""What commands, functions and files are called that make tables. None that drops them, or fills them with examples."""
_PROGRAMS = frozenset(
    [
        *("app", "application", "db", "database", "main", "manage", "model", "models", "run", "server", "wsgi"),
        *("bootstrap", "init", "initialize", "install"),
    ]
)
"""Files whose `if __name__ == "__main__"` may make tables."""
_MAKES = re.compile(rf"CREATE\s+TABLE|executescript\(|(?:{'|'.join(sorted(_NAMES))})\(", re.IGNORECASE)
"""A sign in a source without underscores."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    **dict.fromkeys(
        ["os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "shutil.rmtree"], 1
    ),
    **dict.fromkeys(["os.rename", "os.link", "os.symlink", "shutil.move"], 2),
}
"""For each audit event of a change, how many paths come first in its arguments."""
_COMMANDS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn")
_NETWORK = ("socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")

_opened: list[str] = []
"""The SQLite databases that the app has opened."""


def main(copy: str, packages: str, result: str, handler: str, group: str, number: int) -> None:
    """Run one way of a group, and report what it was and how it ended."""
    root = os.environ.get("LAMBENT_ROOT")  # as in runtime/startup.py
    sys.path[:0] = [*([f"{copy}/{root}"] if root else []), copy, packages]
    os.chdir(copy)
    report: dict[str, Any] = {}
    _guard(str(Path(copy).parent))
    try:
        if group == "lacking":
            report = {"table": _lacking(handler, copy)}
        else:
            ways = _programs(copy, handler) if group == "programs" else _ways(group, handler, copy)
            way = next(islice(ways, number, None), None)
            if way is not None:
                report = {"way": way[0], "error": ""}
                way[1]()
    except BaseException as error:
        report["error"] = "" if _is_end(error) else f"{type(error).__name__}: {error}".splitlines()[0]
    migrations = (str(file) for file in Path(copy).glob("**/versions/*.py"))
    report["modules"] = sorted({_relative(file, copy) for file in (*_own_files(copy), *migrations)})
    Path(result).write_text(json.dumps(report), "utf-8")
    sys.stdout.flush()
    os._exit(0)  # whatever threads the app has


def _is_end(error: BaseException) -> bool:
    """Return whether a program ended as it should: by itself, or where it would start its server."""
    is_exit = isinstance(error, SystemExit) and not error.code
    return is_exit or getattr(error, "kind", "") == "Runtime.NoServer" or type(error).__name__ == "Served"


def _guard(folder: str) -> None:
    """Refuse what reaches out of the folder, from now on."""
    top = os.path.realpath(folder) + os.sep

    def is_inside(path: Any) -> bool:
        if isinstance(path, int) or path == os.devnull:
            return True
        return os.path.realpath(os.fsdecode(path)).startswith(top)

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _COMMANDS or event in _NETWORK:
            raise PermissionError(f"the build allows no {event}")
        if event == "sqlite3.connect":
            name = re.sub(r"^file:(?://(?=/))?|\?.*", "", os.fsdecode(arguments[0]))
            paths = [] if name in ("", ":memory:") or "mode=memory" in os.fsdecode(arguments[0]) else [name]
        elif event == "open":
            paths = [arguments[0]] if (arguments[2] or 0) & _WRITES else []
        elif event in _CHANGES:
            paths = list(arguments[: _CHANGES[event]])
        else:
            return
        for path in paths:
            if event == "sqlite3.connect":
                _opened.append(os.path.realpath(os.fsdecode(path)))
            if not is_inside(path):
                raise PermissionError(f"the build writes nothing outside of the project: {path}")

    sys.addaudithook(check)


def _ways(group: str, handler: str, copy: str) -> Iterator[Any]:
    """Yield the ways that need the imported app: its commands and migrations, or its functions and models."""
    from lambent_runtime.app_loader import load_app

    app = load_app(handler)
    flask = _flask_app(app, copy)
    if group == "commands":
        if flask is not None:
            yield from _flask_commands(flask)
        yield from _migrations(flask)
    else:
        _import_models(copy)
        yield from _functions(flask, copy)
        yield from _flask_models(flask)
        yield from _sqlalchemy_models()
        yield from _peewee_models(copy)
        yield from _schemas(flask, copy)


def _lacking(handler: str, copy: str) -> str:
    """Return a table of Flask-SQLAlchemy's models if its SQLite database in the project has none after the first request."""
    from lambent_runtime.app_loader import load_app

    app = _flask_app(load_app(handler), copy)
    database = _flask_database(app)
    if database is None:
        return ""
    with suppress(Exception):
        app.test_client().get("/")
    with app.app_context():
        engine = database.engine
        tables = {name for name, table in database.metadata.tables.items() if not table.info.get("bind_key")}
        if engine.dialect.name != "sqlite" or not _relative(engine.url.database or "", copy):
            return ""
        from sqlalchemy import inspect as inspect_database

        return "" if tables & set(inspect_database(engine).get_table_names()) else min(tables, default="")


def _flask_database(app: Any) -> Any:
    """Return the app's Flask-SQLAlchemy object, or None."""
    extension = getattr(app, "extensions", {}).get("sqlalchemy")
    database = getattr(extension, "db", extension)  # Flask-SQLAlchemy before 3 has a state there
    return database if hasattr(database, "create_all") else None


def _own_files(copy: str) -> Iterator[str]:
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return (file for file in files if file.endswith(".py") and _is_own(file, copy))


def _is_own(file: str, copy: str) -> bool:
    name = _relative(file, copy)
    return bool(name) and not name.startswith("lambent_runtime/")


def _relative(path: str, copy: str) -> str:
    real, top = os.path.realpath(path), os.path.realpath(copy) + os.sep
    return real[len(top) :].replace(os.sep, "/") if real.startswith(top) else ""


def _own_modules(copy: str) -> list[Any]:
    return [module for module in list(sys.modules.values()) if _is_own(getattr(module, "__file__", None) or "", copy)]


def _own_values(copy: str) -> Iterator[tuple[str, Any]]:
    for module in _own_modules(copy):
        yield from list(vars(module).items())


def _is_instance(value: Any, dotted: str) -> bool:
    """Return whether a value is of a class, by its name: no proxy is asked."""
    return any(f"{each.__module__}.{each.__qualname__}" == dotted for each in type(value).__mro__)


def _flask_app(app: Any, copy: str) -> Any:
    apps = [app, *(value for _, value in _own_values(copy))]
    return next((each for each in apps if _is_instance(each, "flask.app.Flask")), None)


def _normal(name: str) -> str:
    return re.sub(r"[-_. ]", "", name).lower()


def _flask_commands(app: Any) -> Iterator[Any]:
    commands = [([name], command) for name, command in app.cli.commands.items()]
    for name, group in app.cli.commands.items():
        if name in ("db", "database") and "flask_migrate" not in type(group).__module__:
            commands += [([name, each], command) for each, command in getattr(group, "commands", {}).items()]
    for words, command in commands:
        asks = any(getattr(parameter, "prompt", None) or parameter.required for parameter in command.params)
        is_migrate = "flask_migrate" in (getattr(command.callback, "__module__", None) or "")
        name = words[-1] if len(words) == 1 else "".join(words)
        if not asks and not is_migrate and (_normal(name) in _NAMES or (len(words) == 2 and words[1] in ("create", "init"))):
            yield f"flask {' '.join(words)}", lambda words=words: _invoke(app, words)


def _invoke(app: Any, words: list[str]) -> None:
    with app.app_context():  # as the command `flask` does
        outcome = app.test_cli_runner().invoke(args=words)
    if outcome.exception is not None:
        raise outcome.exception


def _migrations(app: Any) -> Iterator[Any]:
    migrate = app.extensions.get("migrate") if app is not None else None
    if migrate is not None and any(Path(str(migrate.directory), "versions").glob("*.py")):

        def upgrade() -> None:
            from flask_migrate import upgrade

            with app.app_context():
                upgrade()

        yield "flask db upgrade", upgrade
    elif Path("alembic.ini").is_file():

        def upgrade_all() -> None:
            from alembic import command
            from alembic.config import Config

            command.upgrade(Config("alembic.ini"), "heads")

        yield "alembic upgrade heads", upgrade_all


def _programs(copy: str, handler: str) -> Iterator[Any]:
    """Yield the files that make tables when they are run: as the app's own file does, or by their names."""
    from lambent_runtime.program import served_app

    module = handler.partition(":")[0] if ":" in handler else handler.rpartition(".")[0]
    own = Path(copy, f"{module.replace('.', '/')}.py")
    for file in [own, *sorted(file for file in Path(copy).glob("*.py") if file != own)]:
        if not file.is_file() or (file != own and _normal(file.stem) not in _NAMES | _PROGRAMS):
            continue
        name = _relative(str(file), copy)
        dotted = name[: -len(".py")].replace("/", ".")
        if _normal(file.stem) in _NAMES or _MAKES.search(_program_text(file).replace("_", "")):
            yield f"python {name}", lambda dotted=dotted: served_app(dotted)


def _program_text(file: Path) -> str:
    """Return the source of what runs only if the file is a program, with that of the functions it calls."""
    source = file.read_text("utf-8-sig", "replace")
    with suppress(SyntaxError, ValueError):
        tree = ast.parse(source)
        blocks = [node for node in tree.body if isinstance(node, ast.If) and "__main__" in _text(node.test, source)]
        nodes: list[ast.AST] = [statement for block in blocks for statement in block.body]
        names = {call.func.id for node in nodes for call in ast.walk(node) if _is_named_call(call)}  # type: ignore[attr-defined]
        nodes += [
            node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names
        ]
        return "\n".join(_text(node, source) for node in nodes)
    return ""


def _text(node: ast.AST, source: str) -> str:
    return ast.get_source_segment(source, node) or ""


def _is_named_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _import_models(copy: str) -> None:
    """Import the app's modules of models, since an app may import them only when it answers."""
    for file in sorted(Path(copy).rglob("*models*.py")):
        name = _relative(str(file), copy)[: -len(".py")].replace("/", ".")
        if re.fullmatch(r"(?!test)\w+(\.\w+)*", name) and not name.startswith("lambent_runtime") and "." not in name[:1]:
            with suppress(Exception):
                __import__(name)


def _functions(app: Any, copy: str) -> Iterator[Any]:
    functions: set[int] = set()
    for name, value in _own_values(copy):
        if _normal(name) in _NAMES and inspect.isfunction(value) and id(value) not in functions:
            functions.add(id(value))
            needs = [each for each in inspect.signature(value).parameters.values() if each.default is each.empty]
            if not needs and _is_own(value.__code__.co_filename, copy):
                module = value.__module__
                yield f"{module}.{value.__name__}()", lambda value=value: _call(value, app)


def _call(function: Any, app: Any) -> None:
    def call() -> None:
        result = function()
        if inspect.iscoroutine(result):
            import asyncio

            asyncio.run(result)

    if app is None:
        call()
        return
    with app.app_context():
        call()


def _flask_models(app: Any) -> Iterator[Any]:
    database = _flask_database(app)
    if database is not None:

        def create_all() -> None:
            with app.app_context():
                database.create_all()

        yield "db.create_all()", create_all


def _sqlalchemy_models() -> Iterator[Any]:
    if "sqlalchemy" in sys.modules:
        name = "SQLModel" if "sqlmodel" in sys.modules else "Base"
        yield f"{name}.metadata.create_all(engine)", _create_all


def _create_all() -> None:
    import asyncio
    import gc

    objects = gc.get_objects()
    tables = [each for each in objects if _is_instance(each, "sqlalchemy.sql.schema.MetaData") and each.tables]
    for engine in [each for each in objects if _is_instance(each, "sqlalchemy.engine.base.Engine")]:
        if engine.dialect.name == "sqlite" and not getattr(engine.dialect, "is_async", False):
            for metadata in tables:
                metadata.create_all(engine)

    async def create_all(engine: Any) -> None:
        async with engine.begin() as connection:
            for metadata in tables:
                await connection.run_sync(metadata.create_all)

    for engine in [each for each in objects if _is_instance(each, "sqlalchemy.ext.asyncio.engine.AsyncEngine")]:
        if engine.dialect.name == "sqlite":
            asyncio.run(create_all(engine))


def _peewee_models(copy: str) -> Iterator[Any]:
    peewee: Any = sys.modules.get("peewee")
    if peewee is None:
        return

    def create_tables() -> None:
        classes = dict.fromkeys(value for _, value in _own_values(copy) if isinstance(value, type))
        models: list[Any] = [each for each in classes if issubclass(each, peewee.Model) and each is not peewee.Model]
        for model in models:
            database = model._meta.database
            database = getattr(database, "obj", database)  # a proxy
            if isinstance(database, peewee.SqliteDatabase):
                database.connect(reuse_if_open=True)
                database.create_tables([model], safe=True)

    yield "peewee's create_tables", create_tables


def _schemas(app: Any, copy: str) -> Iterator[Any]:
    """Yield the files of SQL statements that make tables, for the databases that the app opens for its first request."""
    files = [file for file in sorted(Path(copy).rglob("*.sql")) if re.search(r"CREATE\s+TABLE", _read(file), re.IGNORECASE)]
    if app is None or not files:
        return
    with suppress(Exception):
        app.test_client().get("/")
    for database in dict.fromkeys(filter(lambda path: _relative(path, copy), _opened)):
        for file in files:
            name = f"sqlite3 {_relative(database, copy)} < {_relative(str(file), copy)}"
            yield name, lambda database=database, file=file: _execute(database, _read(file))


def _read(file: Path) -> str:
    return file.read_text("utf-8", "replace")


def _execute(database: str, statements: str) -> None:
    import sqlite3

    connection = sqlite3.connect(database)
    connection.executescript(statements)
    connection.close()


if __name__ == "__main__":
    copy, packages, result, handler, group, number = sys.argv[1:]
    main(copy, packages, result, handler, group, int(number))
