"""What an app finds on a developer's machine and not on Lambda: files, tables, servers next to it, shared memory. Pure."""

from __future__ import annotations

import posixpath
import re
import zoneinfo
from collections.abc import Callable

from lambent.deployment.failure import Failure
from lambent.deployment.system_gaps import how_to_replace
from lambent.module_packages import adding

_LOCAL = r"(?:localhost|127\.0\.0\.1|::1|0\.0\.0\.0)"
_REFUSED = re.compile(
    rf"{_LOCAL}\b.{{0,120}}(?:[Cc]onnection refused|Connect call failed)"
    rf"|[Cc]onnect(?:ion refused|ing to| call failed).{{0,60}}{_LOCAL}"
    rf"|Can't connect to MySQL server on '{_LOCAL}|connection to server on socket"
    r"|(?m:Error: \[Errno 111\] Connection refused$)"  # as a socket says it, without an address: mostly that of a default
)
_REFUSED_BY_POSTGRES = re.compile(r"connection (?:failed|to server at).{0,200}Connection refused")
"""What psycopg says, of any machine: psycopg 3 may leave out the address."""
_UNRESOLVED = re.compile(
    r"could not translate host name|Name or service not known|getaddrinfo failed|Temporary failure in name resolution"
    r"|No address associated with hostname"
)
_HOST = re.compile(
    r"host name \"([^\"]+)\""
    r"|(?:connect(?:ing)? to(?! MySQL)(?: host(?= ))?|resolve host|host=|server on|//)\W{0,2}([\w-]+(?:\.[\w-]+)*)"
)
_PUBLIC = re.compile(r"\.(?!(?:local|localhost|internal|lan|home|corp|example|test)$)[a-z]{2,}$")
"""The end of a name that everyone can look up."""
USE_REACHABLE = "use a database or service that Lambda can reach, and set its address with --env"
_SHARE_NETWORK = "with --local, this machine's is in reach after lambent local start --share-network"
_LINK = re.compile(r"\(Background on this error at: \S+")
"""SQLAlchemy's link to its documentation, whose host isn't the app's."""


def _shared_memory(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """Each of these fails without /dev/shm: Lock, Queue and Pool of multiprocessing, ProcessPoolExecutor, SharedMemory."""
    if not re.search(r"FileNotFoundError|OSError|PermissionError", failure.exception or failure.text):
        return None
    what = "Lambda has no shared memory (/dev/shm), which multiprocessing's Lock, Queue, Pool and SharedMemory need"
    if "/loguru/" in failure.traceback:
        return what + failure.where, "remove enqueue=True from loguru's logger.add()"
    hint = "use threads (threading.Lock, queue.Queue, concurrent.futures.ThreadPoolExecutor), or Process with Pipe"
    return what + failure.where, hint


def _missing_file(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    path = posixpath.normpath(match[1]).removeprefix("/var/task/")
    if "in _execute_child" in failure.traceback:
        return f"Lambda has no command {path}{failure.where}", how_to_replace(path)
    if path.startswith("/"):
        return (
            f"the file {path} doesn't exist on Lambda{failure.where}",
            "put the file into the project, and open it relative to __file__",
        )
    folder, slash, _ = path.partition("/")
    hint = (
        f'if it is in the project but ignored: include = ["{folder}{slash}"] in [tool.lambent]; if the app writes it, use /tmp'
    )
    return f"the file {path} isn't in the zip{failure.where}", hint


def _no_table(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """A SQLite database that isn't in the zip is created empty where the app can write."""
    elsewhere = "or use a database that lasts, such as PostgreSQL"
    if "django/" in failure.traceback:
        hint = f"python manage.py migrate, and deploy the SQLite file that it makes; {elsewhere}"
    else:
        how = ""
        if "sqlalchemy/" in failure.traceback:
            models = "Base.metadata.create_all(engine)"
            if "sqlmodel/" in failure.traceback:
                models = "SQLModel.metadata.create_all(engine)"
            elif "flask/" in failure.traceback:
                models = "with app.app_context(): db.create_all()"
            how = f" ({models}, once the models are imported)"
        hint = f"create the tables when the app starts{how}, or deploy a SQLite file that has them; {elsewhere}"
    return f"the database has no table {match[1]}{failure.where}", hint


def _not_migrated(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """A database server that the app reaches, but whose tables don't exist yet: the new version can make them."""
    command = "python manage.py migrate" if "django/" in failure.traceback else "COMMAND"
    hint = f"lambent run --version N -- {command} makes it, with the number of this version; then deploy again"
    if not failure.settings.takes_commands:
        hint = f"deploy with --run; when that fails, {hint}"
    return f"the database has no table {match[1] or match[2]}{failure.where}", hint


def _missing_folder(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """A folder that is empty on the developer's machine isn't in any clone."""
    path = re.sub(r"^(?:/var/task/|/tmp/app/|\./)", "", match[1]).rstrip("/")
    hint = f"mkdir -p {path} && touch {path}/.gitkeep, since git and a zip hold no empty folders"
    hint = "open it relative to __file__" if path.startswith(("/", "..")) else hint
    return f"the folder {path} isn't in the zip{failure.where}", hint


def _missing_template(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    hint = "put it into the folder templates/ next to the module that makes the app, or name that folder with template_folder"
    if "django/" in failure.traceback:
        hint = "put it into templates/ of an app in INSTALLED_APPS, or into a folder of DIRS in TEMPLATES"
    return f"the template {match[1]} isn't in the zip{failure.where}", hint


def _missing_static_file(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """Django's storages with a manifest refuse a name that `collectstatic` hasn't found."""
    hint = f"put {match[1]} into static/ of an app or a folder of STATICFILES_DIRS, or correct its name in the template"
    return f"the static file {match[1]} isn't among those that collectstatic found{failure.where}", hint


def _missing_in_aws(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """A table, bucket or queue that a SAM template or serverless.yml would make next to the function."""
    name = {"ResourceNotFoundException": "DynamoDB table", "NoSuchBucket": "S3 bucket"}.get(match[1], "SQS queue")
    hint = f"create the {name.split()[1]} in this account and region, and give the app its name with --env; --local has its own"
    return f"the {name} that the app calls doesn't exist{failure.where}", hint


def _unreachable(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A database or service that runs next to the app on a developer's machine, or has a name only there."""
    error = _LINK.sub("", f"{failure.message}\n{failure.exception}\n{failure.member}")
    if _REFUSED.search(error):
        what = f"the app connects to a server on its own machine, and on Lambda there is none{failure.where}"
        return what, f"{USE_REACHABLE}; {_SHARE_NETWORK}"
    if _UNRESOLVED.search(error):
        host = _HOST.search(error)
        name = next(filter(None, host.groups()), "") if host else ""
        what = f"the app can't find the host {name or 'that it connects to'}{failure.where}"
        if _PUBLIC.search(name):
            hint = f"check the name, and with --local whether this machine finds {name}"
            return what, f"{hint}; for a private one, set vpc in [tool.lambent]"
        return what, "set the address of one that Lambda can reach with --env; for a private one, set vpc in [tool.lambent]"
    if _REFUSED_BY_POSTGRES.search(error):
        return f"no server answers where the app connects to{failure.where}", f"{USE_REACHABLE}; {_SHARE_NETWORK}"
    return None


def _aws_out_of_reach(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A botocore that doesn't read AWS_ENDPOINT_URL calls AWS itself; in a VPC, the way there may be missing."""
    if match[0] not in f"{failure.error_type}: {failure.message}\n{failure.exception}":
        return None
    hint = "on the local Lambda, require boto3>=1.28 in place of older boto3, botocore and s3transfer, which don't call its "
    hint += "services; in a VPC, give the subnets a way to AWS"
    return f"the app can't reach AWS at {match[1]}{failure.where}", hint


def _database_address(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    names = [name for name, _ in failure.settings.environment if re.search(r"(?:URL|URI|DSN)$", name)]
    address = "postgresql://USER:PASSWORD@HOST/NAME"
    hint = f"--env {names[0]}={address}" if len(names) == 1 else f"give it the form {address}, or sqlite:////tmp/app.db"
    return f"the address of the database can't be read{failure.where}", hint


def _no_event_loop(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A handler's module; a web app's import runs again inside of its loop."""
    if "in <module>" not in failure.traceback:
        return None
    what = f"the app needs a running event loop while it is imported, and on Lambda none runs yet{failure.where}"
    return what, "move that call into an async function, and call it with asyncio.run() in the handler"


def no_mysql_driver(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """Name PyMySQL: mysqlclient has no wheels for Linux, and its source needs MySQL's client library."""
    hint = adding(failure.add_command, "PyMySQL")
    hint += ", and start the app's first file, or Django's settings, with import pymysql; pymysql.install_as_MySQLdb()"
    return f"the app needs a driver for MySQL{failure.where}", hint


def _no_argument(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    if "sys.argv[" not in failure.source_line:
        return None
    what = f"the app reads sys.argv, the arguments of a command, and on Lambda it gets none{failure.where}"
    return what, 'read an environment variable instead, or move that line below if __name__ == "__main__":'


def _no_secret_key(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """Flask's sessions need one."""
    hint = 'app.secret_key = os.environ["SECRET_KEY"] in the app, and --env SECRET_KEY=VALUE'
    return f"the app has no secret key, which its sessions need{failure.where}", hint


def _time_zone(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """Windows and macOS find a time zone whatever the case of its letters."""
    names = {name.lower(): name for name in zoneinfo.available_timezones()}
    name = names.get(match[1].lower(), "UTC")
    return (
        f"there is no time zone {match[1]}{failure.where}",
        f'TIME_ZONE = "{name}" in the settings: Linux distinguishes upper and lower case',
    )


TABLE: tuple[tuple[str, Callable[[Failure, re.Match[str]], tuple[str, str] | None]], ...] = (
    (r"multiprocessing/(synchronize|shared_memory|heap)\.py", _shared_memory),
    (r"_posixshmem|/dev/shm", _shared_memory),
    (r"FileNotFoundError: \[Errno 2\] No such file or directory: '([^']+)'", _missing_file),
    (r"no such table: ([\w.]+)", _no_table),
    (r"relation \"([\w.]+)\" does not exist|Table '([\w.]+)' doesn't exist", _not_migrated),  # PostgreSQL, MySQL
    (r"Directory '([^']+)' does not exist", _missing_folder),  # Starlette
    (r"(?:TemplateNotFound|TemplateDoesNotExist): '?([\w./-]+)", _missing_template),  # Jinja, Django
    (r"Missing staticfiles manifest entry for '([^']+)'", _missing_static_file),
    (r"EndpointConnectionError: Could not connect to the endpoint URL: \"(https://[\w.-]+\.amazonaws\.com)", _aws_out_of_reach),
    (
        r"[Cc]onnection refused|Connect call failed|Can't connect to MySQL|connection to server on socket|host name"
        r"|[Nn]ame resolution|Name or service",
        _unreachable,
    ),
    (r"\((ResourceNotFoundException)\) when calling the \w+ operation: Requested resource not found", _missing_in_aws),
    (r"\((NoSuchBucket|AWS\.SimpleQueueService\.NonExistentQueue)\) when calling", _missing_in_aws),
    (r"RuntimeError: (?:no running event loop|There is no current event loop)", _no_event_loop),
    (r"IndexError: list index out of range", _no_argument),
    (r"no secret key was set", _no_secret_key),
    (
        r"AttributeError: Config has no '([A-Z]\w*)'",  # Sanic reads its settings from the environment too
        lambda failure, match: (
            f"the app needs the setting {match[1]}{failure.where}",
            f"--env SANIC_{match[1]}=VALUE; if Sanic(load_env=...) names another prefix, with that",
        ),
    ),
    (r"Incorrect timezone setting: ([\w/+-]+)", _time_zone),  # Django
    (r"Could not parse (?:SQLAlchemy|rfc1738) URL", _database_address),
)
