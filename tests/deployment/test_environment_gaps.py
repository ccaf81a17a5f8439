"""What an app finds on a developer's machine and not on Lambda, and what to do about it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from lambent.aws.values import Settings
from lambent.deployment.diagnose import diagnose
from lambent.deployment.failure import Failure

SETTINGS = Settings("arn:aws:iam::123456789012:role/lambent-hello", "python3.13", "main.app", 256, 10, 512)
LOCAL = "the app connects to a server on its own machine, and on Lambda there is none"
CASES = {
    "ValueError: Incorrect timezone setting: europe/london": (
        "there is no time zone europe/london",
        'TIME_ZONE = "Europe/London"',
    ),
    'psycopg2.OperationalError: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused': (
        LOCAL,
        "--env",
    ),
    'psycopg2.OperationalError: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory': (
        LOCAL,
        "--env",
    ),
    "botocore.errorfactory.ResourceNotFoundException: An error occurred (ResourceNotFoundException) when calling the Scan "
    "operation: Requested resource not found": ("the DynamoDB table that the app calls doesn't exist", "create the table"),
    "botocore.errorfactory.NoSuchBucket: An error occurred (NoSuchBucket) when calling the GetObject operation: no": (
        "the S3 bucket that the app calls doesn't exist",
        "create the bucket",
    ),
    "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.": (LOCAL, "--env"),
    "psycopg.OperationalError: connection failed: Connection refused": ("no server answers where the app connects to", "--env"),
    "kombu.exceptions.OperationalError: [Errno 111] Connection refused": (LOCAL, "--env"),
    "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 5432)": (LOCAL, "--env"),
    'psycopg2.OperationalError: could not translate host name "db" to address: Name or service not known': (
        "the app can't find the host db",
        "set vpc",
    ),
    "psycopg.OperationalError: failed to resolve host 'postgres': [Errno -2] Name or service not known": (
        "the app can't find the host postgres",
        "set vpc",
    ),
    "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db.example' (Name or service not known)\")": (
        "the app can't find the host db.example",
        "vpc",
    ),
    "OperationalError: [Errno -2] Name or service not known (Background on this error at: https://sqlalche.me/e/20/e3q8)": (
        "the app can't find the host that it connects to",
        "vpc",
    ),
    'EndpointConnectionError: Could not connect to the endpoint URL: "https://ssm.us-east-1.amazonaws.com/"': (
        "the app can't reach AWS at https://ssm.us-east-1.amazonaws.com",
        "boto3>=1.28",
    ),
    "ClientConnectorError: Cannot connect to host api.example.org:443 ssl:default [Name or service not known]": (
        "the app can't find the host api.example.org",
        "whether this machine finds api.example.org",
    ),
    "socket.gaierror: [Errno -2] Name or service not known": ("the app can't find the host that it connects to", "vpc"),
    "django.core.exceptions.ImproperlyConfigured: Error loading MySQLdb module.\nDid you install mysqlclient?": (
        "the app needs a driver for MySQL",
        "add PyMySQL to your requirements, and start",
    ),
    "ModuleNotFoundError: No module named 'MySQLdb'": ("the app needs a driver for MySQL", "pymysql.install_as_MySQLdb()"),
    "FileNotFoundError: [Errno 2] No such file or directory: '/var/task/app/../keys.json'": (
        "the file keys.json isn't in the zip",
        'include = ["keys.json"]',
    ),
    "RuntimeError: Directory 'static' does not exist": ("the folder static isn't in the zip", "touch static/.gitkeep"),
    "jinja2.exceptions.TemplateNotFound: index.html": ("the template index.html isn't in the zip", "templates/"),
    "RuntimeError: The session is unavailable because no secret key was set.  Set the secret_key": (
        "the app has no secret key, which its sessions need",
        "--env SECRET_KEY=VALUE",
    ),
    "sqlalchemy.exc.ArgumentError: Could not parse SQLAlchemy URL from given URL string": (
        "the address of the database can't be read",
        "postgresql://USER:PASSWORD@HOST/NAME",
    ),
    "AttributeError: Config has no 'MONGO_URI'": ("the app needs the setting MONGO_URI", "--env SANIC_MONGO_URI=VALUE"),
    "sqlite3.OperationalError: no such table: notes": ("the database has no table notes", "create the tables"),
    'psycopg.errors.UndefinedTable: relation "shop_item" does not exist': (
        "the database has no table shop_item",
        "deploy with --run; when that fails, lambent run --version N -- COMMAND makes it",
    ),
    "(1146, \"Table 'shop.item' doesn't exist\")": ("the database has no table shop.item", "lambent run --version N"),
    "ImportError: cannot import name 'x' from partially initialized module 'a' (most likely due to a circular import) "
    "(/var/task/a.py)": ("a is imported again while its own import still runs, so it has no x yet", "third module"),
    "ConnectionRefusedError: [Errno 111] Connection refused by policy": (
        "the app responded to GET / with 500: ConnectionRefusedError: [Errno 111] Connection refused by policy",
        "fix the error",
    ),
}


@pytest.mark.parametrize("error", CASES)
def test_gap_and_hint(error: str) -> None:
    log = f'Traceback (most recent call last):\n  File "/var/task/main.py", line 5, in home\n    connect()\n{error}\n'
    cause = diagnose(Failure(SETTINGS, log=log, status=500))
    what, hint = CASES[error]
    assert cause.what == f"{what} (main.py, line 5)"
    assert hint in cause.hint


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (("django/db.py", "sqlite3.py"), "python manage.py migrate"),
        (("flask/app.py", "sqlalchemy/orm.py"), "app starts (with app.app_context(): db.create_all(), once"),
        (("fastapi/app.py", "sqlmodel/orm.py", "sqlalchemy/orm.py"), "app starts (SQLModel.metadata.create_all(engine), once"),
        (("fastapi/app.py", "sqlalchemy/orm.py"), "app starts (Base.metadata.create_all(engine), once"),
        (("flask/app.py",), "app starts, or deploy a SQLite file"),
    ],
)
def test_what_makes_the_tables_of_a_sqlite_file(frames: tuple[str, ...], line: str) -> None:
    trace = "".join(f'  File "/var/task/{name}", line 5, in f\n' for name in frames)
    log = f"Traceback (most recent call last):\n{trace}sqlite3.OperationalError: no such table: a\n"
    assert line in diagnose(Failure(SETTINGS, log=log, status=500)).hint


def test_a_version_that_takes_commands_can_make_its_tables() -> None:
    settings = replace(SETTINGS, environment=(("LAMBENT_RUN", "on"),))
    log = 'Traceback (most recent call last):\n  File "/opt/django/db.py", line 5, in f\nError: relation "a" does not exist\n'
    hint = diagnose(Failure(settings, log=log, status=500)).hint
    assert hint.startswith("lambent run --version N -- python manage.py migrate makes it")


@pytest.mark.parametrize(("line", "is_explained"), [("path = sys.argv[1]", True), ("first = names[0]", False)])
def test_argument_of_a_command(line: str, is_explained: bool) -> None:
    error = "[ERROR] IndexError: list index out of range\nTraceback (most recent call last):"
    log = f'{error}\n  File "/var/task/main.py", line 3\n    {line}'
    assert diagnose(Failure(SETTINGS, log=log)).what.startswith("the app reads sys.argv") == is_explained


@pytest.mark.parametrize(
    "error", ["RuntimeError: no running event loop", "RuntimeError: There is no current event loop in thread 'MainThread'."]
)
def test_event_loop_while_the_app_is_imported(error: str) -> None:
    log = f'Traceback (most recent call last):\n  File "/var/task/main.py", line 8, in {{}}\n    create_task(work())\n{error}\n'
    cause = diagnose(Failure(SETTINGS, log=log.format("<module>")))
    needs = "the app needs a running event loop while it is imported, and on Lambda none runs yet (main.py, line 8)"
    assert (cause.what, "asyncio.run()" in cause.hint) == (needs, True)
    assert "while it is imported" not in diagnose(Failure(SETTINGS, log=log.format("home"))).what


def test_host_in_an_exception_group() -> None:
    log = (
        "[ERROR] ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\n"
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 5, in start\n    connect()\n'
        "Caused by OperationalError: failed to resolve host 'postgres': [Errno -2] Name or service not known\n"
    )
    assert diagnose(Failure(SETTINGS, log=log)).what == "the app can't find the host postgres (main.py, line 5)"


def test_what_a_newer_python_changed_is_named_with_the_last_runtime() -> None:
    log = (
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in <module>\n    class Item(BaseModel):\n'
        'pydantic.v1.errors.ConfigError: unable to infer type for attribute "name"\n'
    )
    assert "removed" not in diagnose(Failure(replace(SETTINGS, runtime="python3.13"), log=log)).what
    cause = diagnose(Failure(replace(SETTINGS, runtime="python3.14"), log=log))
    assert "pydantic 1" in cause.what and "Python 3.14 removed (main.py, line 3)" in cause.what
    assert cause.hint.startswith("--runtime python3.13 still has it")
