"""From what a failing function said to a named cause and a cure. Pure: a table of patterns, the first that fits wins.

The texts are those of AWS's runtime client (aws-lambda-python-runtime-interface-client), of CPython, glibc and SQLite, and
of the frameworks named beside them; those from AWS were recorded (see tests/recordings).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from msgspec import Struct

from lambent.aws.values import Settings
from lambent.limits import MEMORY_MAX_MB, TIMEOUT_MAX_S, TMP_MAX_MB
from lambent.module_packages import requirement_for

_LOG_LINES = 40
_HEAD = "Traceback (most recent call last):"
_CHAINED = r"(?:direct cause of the following|another exception occurred).*\s*\Z"
"""What stands between the tracebacks of a chained exception: they belong together."""


class Failure(Struct, frozen=True):
    """What is known: AWS's error type, message and stack trace, the log's tail, and the status of a web app's 5xx answer."""

    settings: Settings
    error_type: str = ""
    message: str = ""
    trace: str = ""
    log: str = ""
    status: int = 0

    @property
    def text(self) -> str:
        """Everything that may name the cause."""
        return "\n".join((f"{self.error_type}: {self.message}", self.trace, self.lines))

    @property
    def lines(self) -> str:
        """The log as one reads it: AWS's client indents with NBSP and joins the lines of a traceback with CR."""
        return self.log.replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n")

    @property
    def module(self) -> str:
        return self.settings.handler.rpartition(".")[0]


class Cause(Struct, frozen=True):
    """What happened, in a sentence; what to do; and the function's own words."""

    what: str
    hint: str
    detail: str = ""


Reading = Callable[[Failure, re.Match[str]], tuple[str, str]]


def diagnose(failure: Failure) -> Cause:
    """The named cause. Always one: at worst the function's own exception, with its traceback."""
    for pattern, read in _TABLE:
        found = re.search(pattern, failure.text, re.MULTILINE)
        if found:
            what, hint = read(failure, found)
            return Cause(what, hint, _detail(failure))
    what, hint = _raised(failure)
    return Cause(what, hint, _detail(failure))


def _timed_out(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    settings = failure.settings
    longer = min(TIMEOUT_MAX_S, max(30, settings.timeout_s * 2))
    what = f"the function timed out: no answer within {settings.timeout_s} s at {settings.memory_mb} MB"
    return what, f"--timeout {longer}; or --memory {_more(settings)}, which brings more CPU as well"


def _out_of_memory(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"the function ran out of memory at {failure.settings.memory_mb} MB", f"--memory {_more(failure.settings)}"


def _glibc(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    what = f"a compiled module needs {found[1]}, newer than {failure.settings.runtime} has"
    return what, "let lambent choose the wheel (name the package in requirements.txt), or use a newer --runtime"


def _wrong_machine(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    named = re.search(r"(/var/task/\S+?\.so[\w.]*)", failure.text)
    what = f"{named[1].removeprefix('/var/task/') if named else 'a compiled module'} was built for another machine"
    return what, "remove it from the project and name its package in requirements.txt: lambent fetches the right wheel"


def _native_library(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return (
        f"the system library {found[1]} is not on Lambda",
        "use a package whose wheel brings it along (such as psycopg2-binary)",
    )


def _shadowed(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    """A file of the app stands before a module of the same name: Python says so, or that it is no package."""
    name = found[1].removesuffix(".py").replace("/", ".")
    if name in sys.stdlib_module_names:
        return f"the app's own {name}.py hides Python's module {name}", f"give {name}.py another name"
    what = f"{name}.py stands where the package {name} is looked for"
    return what, f"if it is the app's own, give it another name; else the app needs another version of {requirement_for(name)}"


def _missing_module(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    name = found[1]
    top = name.split(".")[0]
    if name == failure.module or (top == failure.module.split(".")[0] and failure.module.startswith(name)):
        return f"the zip holds no module {name}", "--app module:attribute, as one would import it from the project's folder"
    if "._" in name or top.startswith("_"):
        what = f"the compiled part {name} is missing: the wheel is not for {failure.settings.runtime}"
        return what, f"name {requirement_for(top.lstrip('_'))} in requirements.txt, and keep no copy of it in the project"
    package = requirement_for(name)
    hint = f"add {package} to requirements.txt (or to pyproject.toml's dependencies)"
    if "." in name:  # Python names the first part that is missing: what is before it is there
        hint = f"{name.rpartition('.')[0]} is there: does the app need another version of {package}? Or {hint}"
    return f"the module {name} is missing", hint


def _missing_extra(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"the package {found[1]} is missing", f"add {found[1]} to requirements.txt (or to pyproject.toml's dependencies)"


def _cannot_import(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"{found[2]} has no {found[1]}", "look at the version of the package (requirements.txt), or at a circular import"


def _syntax(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    python = failure.settings.runtime.removeprefix("python")
    place = re.search(r'File "(?:/var/task/)?([^"]+)"(?:,)? [Ll]ine (\d+)(?!.*File ")', failure.text, re.DOTALL)
    inline = re.search(r"\(([\w./-]+\.py), line (\d+)\)", failure.text)
    at = place or inline
    where = f" in {at[1]}, line {at[2]}" if at else ""
    return f"syntax error{where}", f"mend it; python{python} -m py_compile {at[1] if at else 'FILE'} shows it too"


def _no_handler(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"the module {found[2]} has no {found[1]}", f"--app {found[2]}:NAME with the name your app object has"


def _no_attribute(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    handler = failure.settings.handler
    if found[1] != failure.module or found[2] != handler.rpartition(".")[2].removesuffix("()"):
        return _raised(failure)
    return f"the module {found[1]} has no {found[2]}", f"--app {found[1]}:NAME with the name your app object has"


def _bad_handler(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"the handler {found[1]} cannot be loaded", "--app module:attribute"


def _read_only(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    what = f"the app writes to {found[1]}, and on Lambda everything but /tmp is read-only"
    return what, "write under /tmp (it is not kept), or keep data in a database or in S3"


def _read_only_database(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    what = "the app writes to a SQLite file, and on Lambda everything but /tmp is read-only"
    return what, "open it read-only (file:data.db?mode=ro&immutable=1), copy it to /tmp, or use a database elsewhere"


def _no_permission(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    role = failure.settings.role.rpartition("/")[2]
    return f"the function may not do {found[1]}", f"allow {found[1]} in a policy of the role {role}"


def _secret(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    role, said = failure.settings.role.rpartition("/")[2], found[1]
    if "AccessDenied" in said:
        action = re.search(r"perform: ([\w-]+:\w+)", said)
        hint = f"allow {action[1] if action else 'it'} in a policy of the role {role}; a key of your own takes kms:Decrypt too"
    elif "no answer" in said:
        hint = "give the function's subnets a way to AWS: a NAT gateway, or VPC endpoints for ssm and secretsmanager"
    elif missing := re.search(r"= ssm:(\S+): ParameterNotFound|= secret:([^\s#]+)\S*: ResourceNotFound", said):
        name = missing[1] or missing[2]
        put = f"ssm put-parameter --type SecureString --name {name} --value VALUE"
        create = f"secretsmanager create-secret --name {name} --secret-string VALUE"
        hint = f"aws {put if missing[1] else create}; or mend the reference in [tool.lambent.env]"
    else:
        hint = "mend the reference in [tool.lambent.env], or the secret"
    return f"the function cannot read a secret: {said}", hint


def _packages(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    said = found[1]
    if "AccessDenied" in said:
        hint = f"allow s3:GetObject on the archive in a policy of the role {failure.settings.role.rpartition('/')[2]}"
    elif "no answer" in said:
        hint = "give the function's subnets a way to S3: a gateway endpoint (no charge), or a NAT gateway"
    elif "cannot be unpacked" in said:
        hint = f"tmp = {min(TMP_MAX_MB, 2 * failure.settings.tmp_mb)}"
    elif "differs" in said:
        hint = "delete the archive from the bucket and deploy again, which uploads it"
    else:
        hint = "deploy again: an archive that is not in the bucket is uploaded"
    return f"the function cannot fetch its packages: {said}", hint


def _setting(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"the environment variable {found[1]} is not set", f"--env {found[1]}=VALUE"


def _too_large(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return "the answer is larger than Lambda's 6 MB", "answer in pages, or send large files from S3"


def _not_json(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return f"what the handler returned is not JSON: {found[1]}", "return a dict, a list, a text or a number"


def _no_wrapper(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    return "the function's exec wrapper cannot be run", "deploy again; do not set AWS_LAMBDA_EXEC_WRAPPER by hand"


def _exited(failure: Failure, found: re.Match[str]) -> tuple[str, str]:
    status = f" (exit status {found[2]})" if found[2] else ""
    return f"the process ended by itself{status}", "look for sys.exit, os._exit or a crash in compiled code; the log is below"


def _raised(failure: Failure) -> tuple[str, str]:
    said = f"{failure.error_type}: {failure.message}".strip(": ") if failure.error_type else _exception(_traceback(failure))
    if failure.status:
        what = f"the app answered {failure.status} to GET /" + (f": {said}" if said else "")
    else:
        what = f"the function failed: {said}" if said else "the function failed"
    return what.splitlines()[0], "mend the app and deploy again; what was live before still is"


def _exception(traceback: str) -> str:
    """The line that names the exception: the last of Python's own traceback, the first ("[ERROR] ...") in AWS's form."""
    lines = traceback.splitlines()
    for line in (lines[0].removeprefix("[ERROR] "), lines[-1]) if lines else ():
        if re.match(r"[A-Za-z_][\w.]*(?::|$)", line) and not line.startswith("Traceback"):
            return line
    return ""


_TABLE: tuple[tuple[str, Reading], ...] = (
    (r"Function\.SecretUnavailable: (.*)", _secret),
    (r"Function\.PackagesUnavailable: (.*)", _packages),
    (r"Sandbox\.Timedout|Task timed out after", _timed_out),
    (r"Runtime\.OutOfMemory|signal: killed|^(?:\[ERROR\] )?MemoryError\b", _out_of_memory),
    (r"version [`'](G?LIBC[A-Z]*_[\d.]+)' not found", _glibc),
    (r"invalid ELF header|wrong ELF class|Exec format error|incompatible architecture", _wrong_machine),
    (r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", _native_library),
    (r"Runtime\.UserCodeSyntaxError|^(?:\[ERROR\] )?(?:SyntaxError|IndentationError|TabError)\b", _syntax),
    (r"consider renaming '/var/task/([\w/]+\.py)'", _shadowed),
    (r"; '(\w+)' is not a package", _shadowed),
    (r"No module named '([\w.]+)'", _missing_module),
    (r'Form data requires "([\w-]+)" to be installed', _missing_extra),  # FastAPI
    (r"`?([\w-]+)`? (?:is not installed, run|must be installed to use)", _missing_extra),  # pydantic, Starlette
    (r"cannot import name '([\w.]+)' from (?:partially initialized module )?'([\w.]+)'", _cannot_import),
    (r"Handler '([^']+)' missing on module '([^']+)'", _no_handler),
    (r"module '([\w.]+)' has no attribute '(\w+)'", _no_attribute),
    (r"Bad handler '([^']*)'", _bad_handler),
    (r"Read-only file system: '([^']+)'", _read_only),
    (r"attempt to write a readonly database|unable to open database file", _read_only_database),
    (r"is not authorized to perform: ([\w-]+:\w+)", _no_permission),
    (r"^(?:\[ERROR\] )?KeyError: '([A-Z][A-Z0-9_]+)'", _setting),
    (r"The (SECRET_KEY) setting must not be empty", _setting),  # Django
    (r"Function\.ResponseSizeTooLarge", _too_large),
    (r"Unable to marshal response: (.*)", _not_json),
    (r"exit status (?:126|127)|Runtime\.InvalidEntrypoint", _no_wrapper),
    (r"Runtime exited (without providing a reason|with error: (?:exit status )?(.+))", _exited),
)


def _more(settings: Settings) -> int:
    return min(MEMORY_MAX_MB, max(512, settings.memory_mb * 2))


def _traceback(failure: Failure) -> str:
    """The function's own traceback: the last one in the log, else AWS's stack trace. "" when there is none."""
    log = re.split(r"^(?:END RequestId|REPORT RequestId|INIT_REPORT)", failure.lines, maxsplit=1, flags=re.MULTILINE)[0]
    start = log.rfind(_HEAD)
    while start > 0 and re.search(_CHAINED, log[:start]) and log.rfind(_HEAD, 0, start) >= 0:
        start = log.rfind(_HEAD, 0, start)
    if start >= 0:
        before = log[:start].rstrip("\n").rpartition("\n")[2]
        own = log[start:].rstrip()
        # AWS's client prints the heading even when it has no frames, as for a module that cannot be imported.
        own = "" if own == _HEAD else own
        return "\n".join(part for part in (before if before.startswith("[ERROR] ") else "", own) if part)
    if not failure.trace:
        return ""
    return f"{_HEAD}\n{failure.trace}\n{failure.error_type}: {failure.message}".rstrip(": ")


def _detail(failure: Failure) -> str:
    """The traceback, or else the last lines of the log, or else what AWS said."""
    traceback = _traceback(failure)
    if traceback:
        return traceback
    own = [line for line in failure.lines.splitlines() if not re.match(r"(?:START|END|REPORT) RequestId|INIT_", line)]
    return "\n".join(own[-_LOG_LINES:]).strip() or failure.message
