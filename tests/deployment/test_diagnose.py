"""What a failing function said, and the cause and hint that follow from it."""

from __future__ import annotations

import json

import pytest
from msgspec import Struct
from msgspec.structs import replace

from lambent.aws.values import Invoked, Settings
from lambent.deployment.diagnose import Cause, diagnose
from lambent.deployment.failure import Failure
from lambent.deployment.version_check import check_event, judge
from lambent.module_packages import requirement_for

SETTINGS = Settings("arn:aws:iam::123456789012:role/lambent-hello", "python3.13", "main.app", 256, 10, 512)
REPORT = (
    "END RequestId: 8f5\nREPORT RequestId: 8f5\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 256 MB\t"
    "Max Memory Used: 36 MB\t\n"
)


class Case(Struct, frozen=True):
    name: str
    what: str
    hint: str
    type: str = ""
    message: str = ""
    log: str = ""
    status: int = 0


CASES = (
    Case(
        "a folder that was empty",
        "the folder src/static isn't in the zip...",
        "mkdir -p src/static && touch src/static/.gitkeep",
        log='Traceback (most recent call last):\n  File "/var/task/src/main.py", line 17, in <module>\n'
        "RuntimeError: Directory 'src/static/' does not exist\n",
    ),
    Case(
        "Sanic without a name",
        "Sanic() needs a name since sanic 21",
        'write Sanic("app") there',
        "Runtime.ImportModuleError",
        "Unable to import module 'main': Sanic.__init__() missing 1 required positional argument: 'name'",
    ),
    Case(
        "a crash",
        "the function's process was ended by a signal: segmentation fault (main.py, line 7)",
        "the compiled code that it called there crashed",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: signal: segmentation fault",
        "Fatal Python error: Segmentation fault\n\nStack (most recent call first):\n"
        '  File "/var/lang/lib/python3.13/ctypes/__init__.py", line 519 in string_at\n'
        '  File "/var/task/main.py", line 7 in home\n  File "/var/task/main.py", line 12 in <module>\n',
    ),
    Case(
        "an exit of the app's own",
        "the app ends its own process with os._exit (exit status 3) (main.py, line 7)",
        "fix what makes it call os._exit",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: exit status 3",
        'lambent: os._exit(3) ends the process\nStack (most recent call first):\n  File "/tmp/app/main.py", line 7 in home\n',
    ),
    Case(
        "a coroutine that waits for ever",
        "the function timed out: no response within 10 s at 256 MB (shortly before, it was at main.py, line 6)",
        "--timeout 30",
        "Sandbox.Timedout",
        "RequestId: 8f5 Error: Task timed out after 3.00 seconds",
        "Timeout (0:00:02.5)!\nThread 0x7e (most recent call first):\n"
        '  File "/var/lang/lib/python3.13/selectors.py", line 4 in select\n'
        "lambent: the event loop waits\nTask (most recent call first):\n"
        '  File "/var/task/main.py", line 6 in wait\nTask (most recent call first):\n'
        '  File "/var/task/lambent_runtime/asgi.py", line 9 in _forever\n',
    ),
    Case(
        "out of memory, with the place",
        "the function ran out of memory at 256 MB (shortly before, it was at main.py, line 6)",
        "--memory 512",
        "Runtime.OutOfMemory",
        "RequestId: 8f5 Error: Runtime exited with error: signal: killed",
        "lambent: the memory is nearly used up\nCurrent thread 0x7f (most recent call first):\n"
        '  File "/var/task/lambent_runtime/stack_dump.py", line 9 in _watch_memory\n\n'
        'Thread 0x7e (most recent call first):\n  File "/var/task/main.py", line 6 in load\n',
    ),
    Case(
        "a syntax error in a module that a writable app imports late",
        "syntax error in late.py, line 2",
        "fix it; python3.13 -m py_compile late.py",
        "SyntaxError",
        "Missing parentheses in call to 'print'. Did you mean print(...)? (late.py, line 2)",
        "[ERROR] SyntaxError: Missing (late.py, line 2)\nTraceback (most recent call last):\n"
        '  File "/tmp/app/main.py", line 5, in i\n    import late\n  File "/tmp/app/late.py", line 2, in <module>\n',
    ),
    Case(
        "a crash of AWS's client, which shows no stack",
        "the function's process was ended by a signal: segmentation fault",
        "compiled code crashed: --env PYTHONFAULTHANDLER=1 shows the line that called it",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: signal: segmentation fault",
    ),
    Case(
        "a start that hangs",
        "the app needs more than 10 s to start: AWS starts it over within the request, which timed out (shortly before, it was "
        "at main.py, line 7)",
        "which adds CPU; if main.py, line 7 never ends, such as a loop, take it out of the start",
        "Sandbox.Timedout",
        "RequestId: 8f5 Error: Task timed out after 10.00 seconds",
        "INIT_REPORT Init Duration: 9999.00 ms\tPhase: init\tStatus: timeout\n"
        "Timeout (0:00:09.500000)!\nThread 0x00007f (most recent call first):\n"
        '  File "/var/task/main.py", line 7 in <module>\n',
    ),
    Case(
        "a request that hangs",
        "the function timed out: no response within 10 s at 256 MB (shortly before, it was at main.py, line 7)",
        "--timeout 30",
        "Sandbox.Timedout",
        log="Timeout (0:00:09.500000)!\nThread 0x00007f82a5e1e240 (most recent call first):\n"
        '  File "/var/task/main.py", line 7 in home\n  File "/var/task/flask/app.py", line 902 in dispatch_request\n',
    ),
    Case(
        "a start that waits for a database",
        "the app waits for its MongoDB server, which doesn't answer on Lambda (shortly before, it was at main.py, line 7)",
        "set its address with --env; for a private one, set vpc",
        "Sandbox.Timedout",
        log="INIT_REPORT Init Duration: 9999.00 ms Phase: init Status: timeout\n"
        "Timeout (0:00:09.500000)!\nThread 0x00007f82a5e1e240 (most recent call first):\n"
        '  File "/var/task/pymongo/synchronous/topology.py", line 253 in select_servers\n'
        '  File "/var/task/main.py", line 7 in ping\n',
    ),
    Case(
        "loguru's queue",
        "Lambda has no shared memory (/dev/shm), which multiprocessing's Lock...",
        "remove enqueue=True",
        log='Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in <module>\n'
        '  File "/var/task/loguru/_handler.py", line 68, in __init__\n'
        '  File "/var/lang/lib/python3.12/multiprocessing/synchronize.py", line 57, in __init__\n'
        "FileNotFoundError: [Errno 2] No such file or directory\n",
    ),
    Case(
        "missing module, AWS's client",
        "the module requests is missing",
        "add requests to your requirements",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': No module named 'requests'",
    ),
    Case(
        "missing module, other name on PyPI",
        "the module PIL is missing",
        "add pillow to your requirements",
        "ModuleNotFoundError",
        "No module named 'PIL'",
    ),
    Case(
        "submodule of a package with another name",
        "the module google.protobuf.message is missing",
        "add protobuf to",
        "ModuleNotFoundError",
        "No module named 'google.protobuf.message'",
    ),
    Case(
        "a package that is there, in another version",
        "the module celery.web is missing",
        "celery exists, so the app may need another version of celery",
        "Runtime.ImportModuleError",
        "Unable to import module 'server': No module named 'celery.web'. This is celery 9",
    ),
    Case(
        "a name that a newer Python has",
        "the module datetime of python3.13 has no UTC",
        "correct that name; or, if a newer Python has it, pass its --runtime",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': cannot import name 'UTC' from 'datetime' (/var/lang/lib/python3.9/datetime.py)",
    ),
    Case(
        "a file that hides a module of Python's",
        "the app's own email.py hides Python's module email",
        "rename email.py",
        "Runtime.ImportModuleError",
        "Unable to import module 'email': No module named 'email.utils'; 'email' is not a package",
    ),
    Case(
        "the same, as Python says it since 3.13",
        "the app's own random.py hides Python's module random",
        "rename random.py",
        "AttributeError",
        "module 'random' has no attribute 'Random' (consider renaming '/var/task/random.py' since it has the same name as the "
        "standard library module named 'random' and prevents importing that standard library module)",
    ),
    Case(
        "a file that hides a package",
        "celery.py hides the package celery",
        "rename it",
        "ModuleNotFoundError",
        "No module named 'celery.result'; 'celery' is not a package",
    ),
    Case(
        "the app's own module",
        "the zip has no module main",
        "with --app as you would import it",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': No module named 'main'",
    ),
    Case(
        "compiled part for another Python",
        "the compiled module pydantic_core._pydantic_core is missing: the wheel isn't for python3.13",
        "add pydantic-core to your requirements, and remove",
        "ModuleNotFoundError",
        "No module named 'pydantic_core._pydantic_core'",
    ),
    Case(
        "multipart",
        "the package python-multipart is missing",
        "add python-multipart",
        "RuntimeError",
        'Form data requires "python-multipart" to be installed. \nYou can install "python-multipart" with:',
    ),
    Case(
        "jinja",
        "the package jinja2 is missing",
        "add jinja2",
        "AssertionError",
        "jinja2 must be installed to use Jinja2Templates",
    ),
    Case(
        "a static file of Django",
        "the static file a.js isn't among those that collectstatic found",
        "put a.js into static/ of an app or a folder of STATICFILES_DIRS",
        "ValueError",
        "Missing staticfiles manifest entry for 'a.js'",
    ),
    Case(
        "email validator of WTForms",
        "the package email_validator is missing",
        "add email_validator",
        "Exception",
        "Install 'email_validator' for email validation support.",
    ),
    Case(
        "email validator",
        "the package email-validator is missing",
        "add email-validator",
        "ImportError",
        "email-validator is not installed, run `pip install 'pydantic[email]'`",
    ),
    Case(
        "import error",
        "werkzeug.urls has no quote_url",
        "version of the package",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': cannot import name 'quote_url' from 'werkzeug.urls' (/var/task/werkzeug/urls.py)",
    ),
    Case(
        "syntax error, AWS's client",
        "syntax error in main.py, line 3",
        "python3.13 -m py_compile main.py",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'main': '(' was never closed (main.py, line 3)",
    ),
    Case(
        "syntax error, traceback",
        "syntax error in views/home.py, line 12",
        "py_compile views/home.py",
        "SyntaxError",
        "invalid syntax (home.py, line 12)",
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 1, in <module>\n    import views.home\n'
        '  File "/var/task/views/home.py", line 12\n    def (:\n        ^\nSyntaxError: invalid syntax\n',
    ),
    Case(
        "no such attribute",
        "the module main has no app",
        "define app in main",
        "Runtime.HandlerNotFound",
        "Handler 'app' missing on module 'main'",
    ),
    Case(
        "no such attribute, plain Python",
        "the module main has no app",
        "define app in main",
        "AttributeError",
        "module 'main' has no attribute 'app'",
    ),
    Case(
        "another module's attribute is the app's own fault",
        "the function failed: AttributeError: module 'collections' has no attribute 'Mapping'",
        "fix the error and deploy again",
        "AttributeError",
        "module 'collections' has no attribute 'Mapping'",
    ),
    Case(
        "time-out, today",
        "the function timed out: no response within 10 s at 256 MB",
        "--timeout 30, or --memory 512",
        "Sandbox.Timedout",
        "RequestId: 8f5 Error: Task timed out after 10.00 seconds",
    ),
    Case(
        "time-out, 2024",
        "the function timed out...",
        "--timeout 30",
        "",
        "2024-04-01T00:00:00.000Z 8f5 Task timed out after 10.00 seconds",
    ),
    Case(
        "out of memory, today",
        "the function ran out of memory at 256 MB",
        "--memory 512",
        "Runtime.OutOfMemory",
        "RequestId: 8f5 Error: Runtime exited with error: signal: killed",
    ),
    Case(
        "out of memory, until 2024",
        "the function ran out of memory at 256 MB",
        "--memory 512",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: signal: killed",
    ),
    Case(
        "glibc",
        "a compiled module needs GLIBC_2.38, which is newer than that of python3.13",
        "require the package",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': /lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/x.so)",
    ),
    Case(
        "another machine's code",
        "vendored/_speedups.cpython-313-darwin.so was built for another platform",
        "require its package",
        "ImportError",
        "/var/task/vendored/_speedups.cpython-313-darwin.so: invalid ELF header",
    ),
    Case(
        "system library",
        "Lambda doesn't have the system library libpq.so.5",
        "psycopg2-binary",
        "ImportError",
        "libpq.so.5: cannot open shared object file: No such file or directory",
    ),
    Case(
        "a write to the home folder",
        "the app writes to its home folder, and on Lambda it has none",
        "--env HOME=/tmp",
        "OSError",
        "[Errno 30] Read-only file system: '/home'",
    ),
    Case(
        "read-only file system",
        "the app writes to uploads/a.txt, ...",
        "/tmp",
        "OSError",
        "[Errno 30] Read-only file system: 'uploads/a.txt'",
    ),
    Case(
        "read-only SQLite",
        "the app writes to a SQLite file, ...",
        "pass --writable",
        "OperationalError",
        "attempt to write a readonly database",
    ),
    Case(
        "the function's own permissions",
        "the function may not call s3:GetObject",
        "allow s3:GetObject in a policy of the role lambent-hello",
        "ClientError",
        "An error occurred (AccessDenied) when calling the GetObject operation: "
        "User: arn:aws:sts::1:assumed-role/lambent-hello/hello is not authorized to perform: s3:GetObject "
        "on resource: arn:aws:s3:::b/k",
    ),
    Case(
        "missing setting",
        "the environment variable DATABASE_URL is not set",
        "--env DATABASE_URL=VALUE",
        "KeyError",
        "'DATABASE_URL'",
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 4, in <module>\n    os.environ["DATABASE_URL"]\n'
        "KeyError: 'DATABASE_URL'\n",
    ),
    Case(
        "too large",
        "the response is larger than Lambda's limit of 6 MB",
        "pages",
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded",
    ),
    Case(
        "not JSON",
        "the handler returned something that isn't JSON: Object of type set is not JSON serializable",
        "return a dict",
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    ),
    Case(
        "wrapper",
        "the function's exec wrapper can't be run",
        "deploy again, which repairs it",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: exit status 127",
    ),
    Case(
        "exit",
        "the function's process exited (exit status 3)",
        "sys.exit",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: exit status 3",
    ),
    Case(
        "a command of a shell",
        "Lambda has no command node (main.py, line 4)",
        "use a Python package instead of node",
        message="Command 'node -v' returned non-zero exit status 127.",
        log="/bin/sh: line 1: node: command not found\n[ERROR] CalledProcessError: Command 'node -v' returned ... 127.\n"
        'Traceback (most recent call last):\n\xa0\xa0File "/var/task/main.py", line 4, in <module>\n',
    ),
    Case(
        "a command of a shell whose output is captured",
        "Lambda has no command node (main.py, line 4)",
        "use a Python package instead of node",
        message="Command 'node -v' returned non-zero exit status 127.",
        log='Traceback (most recent call last):\n  File "/var/task/main.py", line 4, in <module>\n',
    ),
    Case(
        "a command of a shell, and another error",
        "the function failed: RuntimeError: no version (main.py, line 6)",
        "Lambda has no command git: use a Python package",
        log="sh: 1: git: not found\n[ERROR] RuntimeError: no version\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/main.py", line 6, in <module>\n',
    ),
    *(
        Case(f"a library: {name}", f"Lambda doesn't have the system library {name}", hint, message=message)
        for name, hint, message in (
            ("libmagic", "use puremagic", "failed to find libmagic.  Check your installation"),
            ("zbar", "use a package whose wheel", "Unable to find zbar shared library"),
            (
                "libgobject-2.0-0",
                "a layer",
                "cannot load library 'libgobject-2.0-0': libgobject-2.0-0: cannot open shared object",
            ),
            ("libGL.so.1", "a layer", "libGL.so.1: cannot open shared object file: No such file or directory"),
        )
    ),
    Case(
        "exit of a web app",
        "the app exits (exit status 1) (main.py, line 5)",
        "fix what makes it call sys.exit",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: exit status 1",
        "no config\n[ERROR] SystemExit: 1\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/main.py", line 5, in <module>\n',
    ),
    Case(
        "exit with a message about variables",
        "the app exits (exit status 1) (main.py, line 5)",
        "--env DATABASE_URL=VALUE, if its message asks for that; otherwise fix what makes it call sys.exit",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited with error: exit status 1",
        "[ERROR] SystemExit: Set one of:\n- DATABASE_URL to use PostgreSQL\n- DEBUG\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/main.py", line 5, in <module>\n',
    ),
    Case(
        "quiet exit",
        "the function's process exited",
        "sys.exit",
        "Runtime.ExitError",
        "RequestId: 8f5 Error: Runtime exited without providing a reason",
    ),
    Case(
        "the app raised",
        "the function failed: ValueError: no such colour: blurple",
        "fix the error and deploy again",
        "ValueError",
        "no such colour: blurple",
    ),
    Case(
        "the app answered 500",
        "the app responded to GET / with 500: ZeroDivisionError: division by zero (main.py, line 9)",
        "fix the error and deploy again",
        log="ERROR:    Exception in ASGI application\nTraceback (most recent call last):\n"
        '  File "/var/task/main.py", line 9, in home\n'
        "    return 1 / 0\nZeroDivisionError: division by zero\n" + REPORT,
        status=500,
    ),
    Case(
        "the app answered 500, with the lines about the request",
        "the app responded to GET / with 500: ZeroDivisionError: division by zero (main.py, line 9)",
        "fix the error and deploy again",
        log='lambent: GET /\nTraceback (most recent call last):\n  File "/var/task/main.py", line 9, in home\n'
        "    return 1 / 0\nZeroDivisionError: division by zero\nlambent: status 500\n" + REPORT,
        status=500,
    ),
    Case(
        "a handler that raised, in the log's form",
        "the environment variable TOKEN is not set",
        "--env TOKEN=VALUE",
        "KeyError",
        "'TOKEN'",
        "[ERROR] KeyError: 'TOKEN'\rTraceback (most recent call last):\r\xa0\xa0File \"/var/task/main.py\", line 3, in app\r"
        '\xa0\xa0File "<frozen os>", line 685, in __getitem__\n' + REPORT,
    ),
    Case(
        "a handler of another trigger's events",
        "the handler needs event['Records'], which the request GET / doesn't have (main.py, line 4)",
        "answer such a request too, with event.get('Records'); or, if no HTTP request calls it, --no-url",
        "KeyError",
        "'Records'",
        "[ERROR] KeyError: 'Records'\nTraceback (most recent call last):\n  File \"/var/task/main.py\", line 4, in app\n"
        "    for record in event['Records']:\n",
    ),
    Case(
        "a handler that needs a body",
        "the handler needs event['body'], which the request GET / doesn't have (main.py, line 4)",
        "answer such a request too, with event.get('body'); or, if no HTTP request calls it, --no-url",
        "TypeError",
        "the JSON object must be str, bytes or bytearray, not NoneType",
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 4, in app\n'
        "    data = json.loads(event['body'])\nTypeError: the JSON object must be str, bytes or bytearray, not NoneType\n",
    ),
    Case(
        "settings that the author keeps out of the repository",
        "the module local_settings is missing",
        "write local_settings.py, which the app reads its settings from, or include it in the zip",
        "Runtime.ImportModuleError",
        "Unable to import module 'main': No module named 'local_settings'",
    ),
    Case(
        "a key that isn't a variable",
        "the function failed: KeyError: 'DATE' (main.py, line 4)",
        "fix the error and deploy again",
        "KeyError",
        "'DATE'",
        "Traceback (most recent call last):\n  File \"/var/task/main.py\", line 4, in app\n    row['DATE']\nKeyError: 'DATE'\n",
    ),
    *(
        Case(
            f"missing setting, {library}",
            "the environment variable API_KEY is not set",
            "--env API_KEY=VALUE",
            log=f'Traceback (most recent call last):\n  File "/var/task/main.py", line 4, in <module>\n{line}\n{REPORT}',
            status=500,
        )
        for library, line in {
            "python-decouple": "decouple.UndefinedValueError: API_KEY not found. Declare it as envvar or ...",
            "django-environ": "django.core.exceptions.ImproperlyConfigured: Set the API_KEY environment variable",
            "environs": 'environs.EnvError: Environment variable "API_KEY" not set',
            "Starlette": "KeyError: \"Config 'API_KEY' is missing, and has no default.\"",
            "openai": "openai.OpenAIError: The api_key client option must be set either by passing api_key to the client or by "
            "setting the API_KEY environment variable",
            "openai 2": "OpenAIError: Please pass an `api_key`, or set the `API_KEY` or `ADMIN_KEY` environment variable.",
            "slack_bolt": "slack_bolt.error.BoltError: Either an env variable `API_KEY` or `token` argument in the constructor "
            "is required.",
            "langchain": "  Value error, Did not find api_key, please add an environment variable `API_KEY` which contains it",
        }.items()
    ),
    Case(
        "missing settings, pydantic",
        "the environment variables API_KEY and DB__URL are not set",
        "--env API_KEY=VALUE --env DB__URL=VALUE",
        message="2 validation errors for Settings\napi_key\n  Field required\ndb.url\n  Field required",
        log='Traceback (most recent call last):\n  File "/var/task/main.py", line 4, in <module>\n'
        "pydantic_core._pydantic_core.ValidationError: 2 validation errors for Settings\n"
        "api_key\n  Field required [type=missing, input_value={}, input_type=dict]\n"
        "db.url\n  Field required [type=missing, input_value={}, input_type=dict]\n" + REPORT,
        status=500,
    ),
    Case(
        "a package that hides a module",
        "the app's own types/ hides Python's module types",
        "rename types/",
        log="Traceback (most recent call last):\n"
        "ImportError: cannot import name 'A' from 'types' (/var/task/types/__init__.py)\n",
        status=500,
    ),
    Case("nothing is known", "the function failed", "fix the error and deploy again"),
    Case(
        "a status that the app raises on purpose",
        "the app responded to GET / with 503: HTTPException: 503: warming up (main.py, line 7)",
        "fix the error and deploy again; if it answers so by design, --check-path names another path",
        log="[ERROR] HTTPException: 503: warming up\nTraceback (most recent call last):\n"
        '  File "/var/task/main.py", line 7, in home\n    raise HTTPException(503, "warming up")\n',
        status=503,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cause_and_hint(case: Case) -> None:
    cause = read(case)
    if case.what.endswith("..."):
        assert cause.what.startswith(case.what[:-3])
    else:
        assert cause.what == case.what
    assert case.hint in cause.hint


def read(case: Case) -> Cause:
    return diagnose(Failure(SETTINGS, case.type, case.message, "", case.log, case.status))


def test_copy_in_tmp_that_cannot_open_its_database_lacks_the_folder() -> None:
    writable = Settings(SETTINGS.role, "python3.13", "main.app", 256, 10, 512, environment=(("LAMBENT_WRITABLE", "1"),))
    cause = diagnose(Failure(writable, "OperationalError", "unable to open database file"))
    assert cause.what == "the folder of the app's SQLite file doesn't exist" and "os.makedirs" in cause.hint


def test_detail_of_an_exit_has_what_the_app_printed_before() -> None:
    case = next(case for case in CASES if case.name == "exit of a web app")
    assert "no config" in read(case).detail and "main.py" in read(case).detail


def test_detail_is_the_functions_own_traceback() -> None:
    case = next(case for case in CASES if case.status)
    assert read(case).detail == case.log[case.log.index("Traceback") : case.log.index("END RequestId")].strip()


def test_chained_exceptions_stay_together() -> None:
    log = (
        "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "b.py", line 2\nRuntimeError: y\n'
    )
    assert diagnose(Failure(SETTINGS, "RuntimeError", "y", "", "START RequestId: 1\n" + log)).detail == log.strip()


def test_aws_form_of_a_traceback_is_made_readable() -> None:
    log = '[ERROR] ValueError: no\rTraceback (most recent call last):\r\xa0\xa0File "/var/task/main.py", line 3\n'
    cause = diagnose(Failure(SETTINGS, log=log + REPORT, status=500))
    assert cause.detail == '[ERROR] ValueError: no\nTraceback (most recent call last):\n  File "/var/task/main.py", line 3'
    assert cause.what == "the app responded to GET / with 500: ValueError: no (main.py, line 3)"


def test_a_message_of_several_lines_belongs_to_the_traceback() -> None:
    message = "[ERROR] OperationalError: (psycopg2.OperationalError) no such host\n\tIs it running?\n\n(Background: e3q8)"
    frames = "".join(f'  File "sqlalchemy/x.py", line {number}, in f\n    f()\n' for number in range(60))
    own = 'Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in home\n    f()\n'
    log = f"[INFO] before\n{message}\n{own}{frames}"
    cause = diagnose(Failure(SETTINGS, log=log + REPORT, status=500))
    assert cause.detail.startswith(f"{message}\n{own}")
    assert cause.what == (
        "the app responded to GET / with 500: OperationalError: (psycopg2.OperationalError) no such host (main.py, line 3)"
    )


def test_frames_that_chained_exceptions_repeat_are_shown_once() -> None:
    own = '  File "/var/task/main.py", line 3, in home\n    f()\n'
    frames = "".join(f'  File "django/x.py", line {number}, in f\n    f()\n' for number in range(20))
    again = "\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n"
    log = f"Traceback (most recent call last):\n{own}{frames}KeyError: 1\n" + f"{again}{own}{frames}KeyError: 2\n" * 2
    assert diagnose(Failure(SETTINGS, log=log + REPORT, status=500)).detail.count("main.py") == 1


def test_heading_without_frames_is_left_out() -> None:
    log = "[ERROR] Runtime.ImportModuleError: No module named 'x'\rTraceback (most recent call last):\nEND RequestId: 1\n"
    assert diagnose(Failure(SETTINGS, log=log)).detail == "[ERROR] Runtime.ImportModuleError: No module named 'x'"


def test_without_a_log_the_stack_trace_is_used() -> None:
    trace = '  File "/var/task/main.py", line 2, in lambda_handler\n    raise ValueError("no")'
    detail = diagnose(Failure(SETTINGS, "ValueError", "no", trace)).detail
    assert detail == f"Traceback (most recent call last):\n{trace}\nValueError: no"


def test_without_a_traceback_the_last_lines_of_the_log_are_shown() -> None:
    log = "START RequestId: 8f5 Version: 1\nopening the shop\n" + REPORT
    assert diagnose(Failure(SETTINGS, "Runtime.ExitError", "Runtime exited", "", log)).detail == "opening the shop"


@pytest.mark.parametrize(
    ("payload", "error", "fails"),
    (
        ({"statusCode": 200}, "", False),
        ({"statusCode": 404}, "", False),
        ({"statusCode": 500}, "", True),
        ({"statusCode": "503"}, "", True),
        ({"statusCode": "many"}, "", True),
        ({"statusCode": 400, "body": "q is missing"}, "", False),
        ({"statusCode": 400, "body": "Invalid host header"}, "", True),
        ({"statusCode": 400, "body": "<title>Bad Request (400)</title>"}, "", True),
        ({"statusCode": 421, "body": ""}, "", True),
        ({"hello": "world"}, "", False),
        ("hello", "", False),
        (None, "", False),
        ({"errorType": "ValueError", "errorMessage": "no", "stackTrace": ["a\n", "b\n"]}, "Unhandled", True),
    ),
)
def test_failures_are_recognised(payload: object, error: str, fails: bool) -> None:
    judged = judge(Invoked(json.dumps(payload).encode(), error, ""), SETTINGS)
    assert (judged is not None) is fails
    if judged and error:
        assert (judged.error_type, judged.message, judged.trace) == ("ValueError", "no", "a\nb")


def test_check_event_under_a_host_name_of_the_local_lambda_is_still_that_of_a_function_url() -> None:
    event = check_event("http://shop.localhost:4580/")
    assert event["headers"]["host"] == "shop.localhost:4580"
    assert ".lambda-url." in event["requestContext"]["domainName"], "the runtime streams for Function URLs only"


def test_check_event_has_the_form_of_a_function_url() -> None:
    event = check_event("https://abc.lambda-url.eu-west-1.on.aws/")
    assert event["version"] == "2.0" and event["rawPath"] == "/" and event["requestContext"]["http"]["method"] == "GET"
    assert event["headers"]["host"] == event["requestContext"]["domainName"] == "abc.lambda-url.eu-west-1.on.aws"
    assert "body" not in event and "queryStringParameters" not in event and "cookies" not in event


@pytest.mark.parametrize(
    ("module", "requirement"),
    (("httpx", "httpx"), ("yaml", "PyYAML"), ("google.protobuf", "protobuf"), ("my_lib.sub", "my-lib")),
)
def test_requirement(module: str, requirement: str) -> None:
    assert requirement_for(module) == requirement


def test_module_of_the_app_in_another_folder_is_the_position() -> None:
    log = (
        'Traceback (most recent call last):\n  File "/tmp/app/polls/views.py", line 3, in home\n    count()\n'
        '  File "/var/task/django/db/backends/sqlite3/base.py", line 359, in execute\n'
        "django.db.utils.OperationalError: no such table: polls_question\n"
    )
    failure = Failure(SETTINGS, log=log, status=500, own_names=frozenset({"polls"}))
    cause = diagnose(failure)
    assert cause.what == "the database has no table polls_question (polls/views.py, line 3)"
    assert "manage.py migrate" in cause.hint


def test_own_package_that_hides_a_standard_module_is_named_as_a_folder() -> None:
    log = "lambent: the module email is the app's own, so Python's is hidden\n"
    message = "Unable to import module 'main': No module named 'email.utils'"
    failure = Failure(SETTINGS, "Runtime.ImportModuleError", message, log=log, own_names=frozenset({"email"}))
    assert diagnose(failure).hint == "rename email/"


def test_largest_function_that_runs_out_of_memory_is_not_told_to_grow() -> None:
    failure = Failure(
        replace(SETTINGS, memory_mb=10240), "Runtime.OutOfMemory", "Error: Runtime exited with error: signal: killed"
    )
    assert "--memory" not in diagnose(failure).hint


@pytest.mark.parametrize(
    ("error", "file"),
    [
        ("AttributeError: module 'secrets' has no attribute 'token_hex'", "secrets.py"),
        (
            "AttributeError: partially initialized module 'logging' from '/var/task/logging.py' has no attribute 'Formatter'",
            "logging.py",
        ),
        ("ModuleNotFoundError: No module named 'email.mime'", "email/"),
    ],
)
def test_own_file_that_hides_a_standard_module_from_a_request(error: str, file: str) -> None:
    log = f'Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in home\n    work()\n{error}\n'
    cause = diagnose(Failure(SETTINGS, log=log, status=500, own_names=frozenset({"secrets.py", "logging.py", "email"})))
    assert (cause.what, cause.hint) == (
        f"the app's own {file} hides Python's module {file.rstrip('/').removesuffix('.py')}",
        f"rename {file}",
    )
    assert "hides" not in diagnose(Failure(SETTINGS, log=log, status=500, own_names=frozenset({"main.py"}))).what


def test_server_that_another_module_starts_is_named_with_the_line() -> None:
    log = (
        " * Running on http://127.0.0.1:8000\nTimeout (0:00:09)!\nThread 0x00007f (most recent call first):\n"
        '  File "/var/task/flask/app.py", line 662 in run\n  File "/var/task/serve.py", line 2 in start\n'
        '  File "/var/task/main.py", line 6 in <module>\nTask timed out after 30.00 seconds\n'
    )
    assert " while it is imported (serve.py, line 2), and Lambda waits" in diagnose(Failure(SETTINGS, log=log)).what


@pytest.mark.parametrize(
    ("wrapper", "status", "hint"),
    [
        ("/opt/otel-handler", 127, "add the layer that has it, or remove AWS_LAMBDA_EXEC_WRAPPER"),
        ("/var/task/wrap.sh", 126, "chmod +x wrap.sh, or remove AWS_LAMBDA_EXEC_WRAPPER"),
        ("/var/task/wrap.sh", 127, "check that wrap.sh is there and in the zip, or remove AWS_LAMBDA_EXEC_WRAPPER"),
    ],
)
def test_own_exec_wrapper_of_a_handler(wrapper: str, status: int, hint: str) -> None:
    settings = replace(SETTINGS, environment=(("AWS_LAMBDA_EXEC_WRAPPER", wrapper),))
    log = f"RequestId: 8f5 Error: Runtime exited with error: exit status {status}\nRuntime.ExitError\n"
    assert diagnose(Failure(settings, log=log)).hint == hint


def test_template_with_a_relative_path_is_the_position() -> None:
    log = (
        'Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in home\n    show()\n'
        '  File "templates/home.html", line 2, in template\n    {% fur %}\nTemplateSyntaxError: unknown tag\n'
    )
    failure = Failure(SETTINGS, log=log, status=500, own_names=frozenset({"templates"}))
    assert diagnose(failure).what.endswith("(templates/home.html, line 2)")


@pytest.mark.parametrize(
    "members",
    [
        'Caused by RuntimeError: the reason\n  File "/var/task/main.py", line 1, in boom\n    raise\n',
        "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\n  +-+---------------- 1 ----------------\n"
        '    | Traceback (most recent call last):\n    |   File "/var/task/main.py", line 1, in boom\n'
        "    | RuntimeError: the reason\n    +------------------------------------\n",
    ],
)
def test_member_of_an_exception_group_is_the_reason(members: str) -> None:
    group = "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"
    log = (
        f'[ERROR] {group}\nTraceback (most recent call last):\n  File "/var/task/main.py", line 9, in start\n{members}{REPORT}'
    )
    failure = Failure(SETTINGS, error_type="ExceptionGroup", message=group.partition(": ")[2], log=log)
    assert diagnose(failure).what.startswith("the function failed: RuntimeError: the reason")


def test_module_of_an_own_package_is_not_proposed_for_installation() -> None:
    message = "Unable to import module 'shop.wsgi': No module named 'settings.local'"
    failure = Failure(SETTINGS, "Runtime.ImportModuleError", message, own_names=frozenset({"settings"}))
    cause = diagnose(failure)
    assert cause.what == "the module settings.local is missing"
    assert cause.hint == "correct that name, or check that settings/local.py exists and isn't left out of the zip"


def test_module_that_only_another_process_lacks_is_not_the_cause() -> None:
    log = (
        "Traceback (most recent call last):\n"
        '  File "/var/task/tables.py", line 1, in <module>\n'
        "    import mysql.connector\n"
        "ModuleNotFoundError: No module named 'mysql'\n"
        "[ERROR] InterfaceError: 2003: the server refuses\n"
        "Traceback (most recent call last):\n"
        '  File "/var/task/main.py", line 76, in <module>\n'
        "    connection = mysql.connector.connect()\n"
        '  File "/var/task/mysql/connector/pooling.py", line 323, in connect\n'
        "    raise InterfaceError\n"
    )
    cause = diagnose(Failure(SETTINGS, "InterfaceError", "2003: the server refuses", log=log))
    assert cause.what == "the function failed: InterfaceError: 2003: the server refuses (main.py, line 76)"


def test_name_that_an_own_module_lacks_has_nothing_to_do_with_a_package() -> None:
    message = "Unable to import module 'main': cannot import name 'total' from 'shop.sums' (/var/task/shop/sums.py)"
    cause = diagnose(Failure(SETTINGS, "Runtime.ImportModuleError", message, own_names=frozenset({"shop"})))
    assert (cause.what, cause.hint) == (
        "the app's own module shop.sums has no total",
        "define total there, or correct that import",
    )


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ("litestar.exceptions.http_exceptions.NotFoundException: 404: Not Found", False),
        ("ValueError: no mail was sent", True),
    ],
)
def test_exception_that_is_the_answer_is_no_news(exception: str, expected: bool) -> None:
    log = f'Traceback (most recent call last):\n  File "/var/task/app.py", line 3, in send\n    raise error\n{exception}\n'
    assert Failure(SETTINGS, log=log).has_unanswered_exception is expected


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (
            "ModuleNotFoundError: No module named 'profile.views'",
            "the module profile.views is missing",
        ),  # Python has profile.py
        ("RuntimeError: redis is required to start the app", "RuntimeError: redis is required to start the app"),  # a server
    ],
)
def test_own_modules_and_packages_that_are_there_are_not_to_blame(error: str, what: str) -> None:
    log = f'Traceback (most recent call last):\n  File "/var/task/main.py", line 3, in home\n    work()\n{error}\n'
    failure = Failure(SETTINGS, log=log, status=500, own_names=frozenset({"profile"}), packages=frozenset({"redis"}))
    cause = diagnose(failure)
    assert what in cause.what
    assert "rename" not in cause.hint
    assert "add redis" not in cause.hint
