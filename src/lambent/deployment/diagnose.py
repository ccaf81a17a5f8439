"""Finds the cause of a failure in what the function said, and what to do about it. Pure.

It is a table of patterns, of which the first match wins. The texts are those of AWS's runtime client
(aws-lambda-python-runtime-interface-client), of CPython, glibc and SQLite, and of the frameworks named next to them. Those from
AWS were recorded (see tests/recordings).
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from lambent.deployment import environment_gaps, process_end, system_gaps
from lambent.deployment.check_path import check_path
from lambent.deployment.failure import Failure
from lambent.deployment.version_breaks import find_break
from lambent.deployment.writable import failed_write, is_writable
from lambent.limits import TMP_MAX_MB
from lambent.missing_packages import MESSAGE, asked_package
from lambent.module_packages import adding, requirement_for
from lambent.removed_modules import CHANGES, changed_in, how_to_get, last_runtime, removed_in
from lambent.units import listing, verb_for

_KEEP_ELSEWHERE = "write below /tmp, which isn't permanent, or keep data in a database or in S3"
_USE_WRITABLE = "pass --writable, which runs the app from a copy in /tmp"


class Cause(Struct, frozen=True):
    """What happened, in a sentence; what to do; and the function's own output.

    `failed_write` is what the app could write if it ran from a copy in /tmp.
    """

    what: str
    hint: str
    detail: str = ""
    failed_write: str = ""


Describe = Callable[[Failure, re.Match[str]], tuple[str, str] | None]
"""Returns what happened and what to do, or None if it was something else after all."""

_UNSET = (
    r"UndefinedValueError: (\w+) not found"  # python-decouple
    r"|Set the (\w+) environment variable"  # django-environ
    r"|Environment variable \"(\w+)\" not set"  # environs
    r"|Config '(\w+)' is missing, and has no default"  # Starlette
    r"|add an environment variable `(\w+)`"  # LangChain
    # openai, which may name two, groq, and what apps raise themselves
    r"|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)`?(?: or `\w+`)? (?:environment variable|must be set)"
    # Slack, LangChain
    r"|(?:[Ee]rror|Exception)[:,] [^\n]*\b[Ee]nv(?:ironment)? var(?:iable)? [`'\"]?([A-Z][A-Z0-9]*_[A-Z0-9_]+)"
)
_OWN_SETTINGS = frozenset(
    ("config", "settings", "local_settings", "localsettings", "credentials", "secret_keys", "secret_config")
)
"""Modules that an app's author keeps out of the repository."""
_HIDDEN = r"lambent: the module (\w+) is the app's own"


def diagnose(failure: Failure) -> Cause:
    """Return the cause. There always is one: at worst the function's own exception, with its traceback."""
    if broken := find_break(f"{failure.error_type}: {failure.message}\n{failure.traceback}\n{failure.exception}"):
        return Cause(f"{broken.what}{failure.where}", adding(failure.add_command, *broken.requirements), failure.detail)
    for pattern, describe in _TABLE:
        match = re.search(pattern, failure.text, re.MULTILINE)
        cause = describe(failure, match) if match else None
        if match and cause:
            written = (failed_write(match[0]) or "") if describe is _read_only and not is_writable(failure.settings) else ""
            return Cause(*cause, failure.detail, written)
    return Cause(*_raised(failure), failure.detail)


def _glibc(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    what = f"a compiled module needs {match[1]}, which is newer than that of {failure.settings.runtime}"
    return what, "require the package, so that lambent chooses its wheel, or use a newer --runtime"


def _wrong_machine(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    library = re.search(r"(/var/task/\S+?\.so[\w.]*)", failure.text)
    what = f"{library[1].removeprefix('/var/task/') if library else 'a compiled module'} was built for another platform"
    return what, "remove it from the project and require its package: lambent fetches the right wheel"


def _shadowed(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    """A file of the app hides a module of the same name. Python says so, or that it isn't a package."""
    name = match[1].removesuffix(".py").replace("/", ".")
    if name in sys.stdlib_module_names:
        return _hides(f"{name}.py", name)
    what = f"{name}.py hides the package {name}"
    return what, f"if it is your own file, rename it; if not, the app needs another version of {requirement_for(name)}"


def _hidden(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """The runtime logs which of Python's modules are the app's own files. It is the cause if the error speaks of one."""
    error = failure.exception or failure.message
    if not re.search(r"Import|AttributeError|TypeError|NameError", f"{failure.error_type} {error}"):
        return None
    for name in re.findall(_HIDDEN, failure.lines):
        if re.search(rf"\b{name}\b", error) or f"/var/task/{name}.py" in failure.traceback:
            return _hides(_own_file(failure, name), name)
    return None


def _hidden_name(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """AWS's client doesn't log that, but Python says from which file it tried to import a name."""
    if match[1] not in sys.stdlib_module_names:
        return None
    file = f"{match[1]}/" if match[0].endswith("/__init__.py)") else f"{match[1]}.py"
    return _hides(file, match[1])


def _hidden_attribute(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A request that fails says only that a module of Python lacks something, and the zip has a module of that name."""
    name = match[1] or match[2].partition(".")[0]
    if match[2] and not _is_of_python(match[2]):
        return None
    if name not in sys.stdlib_module_names or failure.own_names.isdisjoint((name, f"{name}.py")):
        return None
    return _hides(_own_file(failure, name), name)


def _own_file(failure: Failure, module: str) -> str:
    """Return the folder or file of the app's own module: Python takes the folder if there are both."""
    return f"{module}/" if module in failure.own_names else f"{module}.py"


def _is_of_python(module: str) -> bool:
    path = Path(sysconfig.get_path("stdlib"), *module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _hides(file: str, module: str) -> tuple[str, str]:
    return f"the app's own {file} hides Python's module {module}", f"rename {file}"


def _missing_module(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    name = match[1]
    top = name.split(".")[0]
    if f"/{name.replace('.', '/')}/" in failure.traceback:
        return None  # its code runs: another process, or a handled exception, has logged that
    if name == failure.module or (top == failure.module.split(".")[0] and failure.module.startswith(name)):
        return (
            f"the zip has no module {name}",
            "name it with --app as you would import it in the project's folder",
        )
    if removed_in(top):
        return f"the module {name} was removed from Python {removed_in(top)}", how_to_get(top)
    if "._" in name or top.startswith("_"):
        what = f"the compiled module {name} is missing: the wheel isn't for {failure.settings.runtime}"
        return what, f"{adding(failure.add_command, requirement_for(top.lstrip('_')))}, and remove any copy from the project"
    if "." in name and top in failure.own_names:
        where = f"{name.replace('.', '/')}.py"
        return f"the module {name} is missing", f"correct that name, or check that {where} exists and isn't left out of the zip"
    if name in _OWN_SETTINGS:
        return (
            f"the module {name} is missing",
            f"write {name}.py, which the app reads its settings from, or include it in the zip",
        )
    package = requirement_for(name)
    hint = adding(failure.add_command, package)
    if "." in name:  # Python names the first part that is missing: what precedes it exists
        parent = name.rpartition(".")[0]
        hint = f"{parent} exists, so the app may need another version of {package}; otherwise {hint}"
    return f"the module {name} is missing", hint


def _changed(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    name, version = changed_in(match[0])
    if int(failure.settings.runtime.rpartition(".")[2] or 0) < int(version.rpartition(".")[2]):
        return None
    hint = f"--runtime {last_runtime(version)} still has it; or use newer versions of the packages in the traceback"
    return f"the app needs {name}, which Python {version} removed{failure.where}", hint


def _missing_extra(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    package = asked_package(failure.text)
    if not package or package.lower().replace("_", "-") in failure.packages:  # of a package that is there, it means a server
        return None
    return f"the package {package} is missing{failure.where}", adding(failure.add_command, package)


def _cannot_import(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    runtime = failure.settings.runtime
    if f"from '{match[2]}' (/var/lang/lib/" in match.string:
        what = f"the module {match[2]} of {runtime} has no {match[1]}{failure.where}"
        return what, "correct that name; or, if a newer Python has it, pass its --runtime, with packages that fit it"
    if "partially initialized module" in match[0] and f"/var/task/{match[2].replace('.', '/')}" in failure.text:
        what = f"{match[2]} is imported again while its own import still runs, so it has no {match[1]} yet{failure.where}"
        return what, f"move that import of {match[1]} into the function that uses it, or into a third module"
    if match[2].partition(".")[0] in failure.own_names and "partially initialized module" not in match[0]:
        return (
            f"the app's own module {match[2]} has no {match[1]}{failure.where}",
            f"define {match[1]} there, or correct that import",
        )
    return f"{match[2]} has no {match[1]}", "check the version of the package, or for a circular import"


def _syntax(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    python = failure.settings.runtime.removeprefix("python")
    line = re.search(r'File "(?:/var/task/|/tmp/app/)?([^"]+)"(?:,)? [Ll]ine (\d+)(?!.*File ")', failure.text, re.DOTALL)
    position = line or re.search(r"\(([\w./-]+\.py), line (\d+)\)", failure.text)
    command = f"py_compile {position[1]}" if position else "compileall -q ."
    where = f" in {position[1]}, line {position[2]}" if position else ""
    return (
        f"syntax error{where}",
        f"fix it; python{python} -m {command} shows it too",
    )


def _no_handler(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    return f"the module {match[2]} has no {match[1]}", f"define {match[1]} in {match[2]}, or name another object with --app"


def _no_attribute(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    handler = failure.settings.handler
    if match[1] != failure.module or match[2] != handler.rpartition(".")[2].removesuffix("()"):
        return _raised(failure)
    return f"the module {match[1]} has no {match[2]}", f"define {match[2]} in {match[1]}, or name another object with --app"


def _bad_handler(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    return (
        f"the handler {match[1]} can't be loaded",
        "name it as in --app lambda_function:lambda_handler",
    )


def _read_only(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    path, own_path = match["path"] or "", failed_write(match[0])
    if path == "/home" or path.startswith("/home/sbx_user"):
        return "the app writes to its home folder, and on Lambda it has none", f"--env HOME=/tmp; or {_KEEP_ELSEWHERE}"
    if own_path is None:
        return f"the app writes to {path}{failure.where}, but on Lambda only /tmp is writable", _KEEP_ELSEWHERE
    if is_writable(failure.settings) and match[0].startswith("unable to open"):
        what = f"the folder of the app's SQLite file doesn't exist{failure.where}"
        return (
            what,
            "create it when the app starts: os.makedirs(FOLDER, exist_ok=True), since git and a zip hold no empty folders",
        )
    hint = _KEEP_ELSEWHERE if is_writable(failure.settings) else f"{_USE_WRITABLE}; or {_KEEP_ELSEWHERE}"
    return f"the app writes to {own_path}, next to its code{failure.where}, but on Lambda only /tmp is writable", hint


def _no_permission(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    return f"the function may not call {match[1]}", f"allow {match[1]} in a policy of the role {_role(failure)}"


def _secret(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    reason = match[1]
    if "AccessDenied" in reason:
        action = re.search(r"perform: ([\w-]+:\w+)", reason)
        allowed = action[1] if action else "it"
        hint = f"allow {allowed} in a policy of the role {_role(failure)}; a key of your own needs kms:Decrypt too"
    elif "no reply" in reason:
        hint = "connect the function's subnets to AWS: with a NAT gateway, or VPC endpoints for ssm and secretsmanager"
    elif missing := re.search(r"= ssm:(\S+): ParameterNotFound|= secret:([^\s#]+)\S*: ResourceNotFound", reason):
        name = missing[1] or missing[2]
        put = f"ssm put-parameter --type SecureString --name {name} --value VALUE"
        create = f"secretsmanager create-secret --name {name} --secret-string VALUE"
        hint = f"aws {put if missing[1] else create}; or fix the reference in [tool.lambent.env]"
    else:
        hint = "fix the reference in [tool.lambent.env], or the secret"
    return f"the function can't read a secret: {reason}", hint


def _packages(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    reason = match[1]
    if "AccessDenied" in reason:
        hint = f"allow s3:GetObject on the archive in a policy of the role {_role(failure)}"
    elif "no reply" in reason:
        hint = "connect the function's subnets to S3: with a gateway endpoint (free), or a NAT gateway"
    elif "cannot be unpacked" in reason:
        hint = f"tmp = {min(TMP_MAX_MB, 2 * failure.settings.tmp_mb)}"
    elif "differs" in reason:
        hint = "delete the archive from the bucket and deploy again, which uploads it"
    else:
        hint = "deploy again, which uploads the archive if it isn't in the bucket"
    return f"the function can't fetch its packages: {reason}", hint


def _setting(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    name = next(filter(None, match.groups()))
    return f"the environment variable {name} is not set", f"--env {name}=VALUE"


def _key(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A missing key is an environment variable if `os.environ` raised the exception, as far as the traceback shows."""
    if failure.traceback and not re.search(r"""(?:<frozen os>|/os\.py)", line \d+, in __getitem__|\benviron\[""", failure.text):
        return None
    return _setting(failure, match)


def _settings_fields(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    fields = re.findall(r"(?m)^([\w.]+)\n\s+[Ff]ield required", failure.text)  # AWS's answer and the log both have them
    names = list(dict.fromkeys(name.upper().replace(".", "__") for name in fields))
    what = f"the environment variable{'s' if len(names) > 1 else ''} {listing(names)} {verb_for(names)} not set"
    return what, " ".join(f"--env {name}=VALUE" for name in names)


def _event_field(failure: Failure, match: re.Match[str]) -> tuple[str, str] | None:
    """A handler that takes the events of another trigger, or needs more of a request than GET / has."""
    name = match[1] or next(iter(re.findall(r"""\bevent\[['"](\w+)['"]\]""", failure.detail)[-1:]), "")
    if not name or not re.search(rf"""\bevent\[['"]{name}['"]\]""", failure.text):
        return None
    hint = f"answer such a request too, with event.get({name!r}); or, if no HTTP request calls it, --no-url"
    return f"the handler needs event[{name!r}], which the request GET / doesn't have{failure.where}", hint


def _too_large(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    return "the response is larger than Lambda's limit of 6 MB", "split it into pages, or serve large files from S3"


def _not_json(failure: Failure, match: re.Match[str]) -> tuple[str, str]:
    return f"the handler returned something that isn't JSON: {match[1]}", "return a dict, a list, a string or a number"


def _raised(failure: Failure) -> tuple[str, str]:
    error = f"{failure.error_type}: {failure.message}".strip(": ") if failure.error_type else failure.exception
    if "ExceptionGroup: " in error:
        error = failure.member or error
    answer = f"the app responded to GET {check_path(failure.settings)} with {failure.status}"
    what = answer if failure.status else "the function failed"
    what += f": {error}" if error else ""
    if failure.position and failure.position not in what:
        what = f"{what.splitlines()[0]} ({failure.position})"
    if command := system_gaps.missing_command(failure):
        return what.splitlines()[0], f"Lambda has no command {command}: {system_gaps.how_to_replace(command)}"
    by_design = (
        "; if it answers so by design, --check-path names another path"
        if failure.status and (not error or "HTTP" in error)
        else ""
    )
    return what.splitlines()[0], f"fix the error and deploy again{by_design}"


def _role(failure: Failure) -> str:
    return failure.settings.role.rpartition("/")[2]


_TABLE: tuple[tuple[str, Describe], ...] = (
    (r"Function\.SecretUnavailable: (.*)", _secret),
    (r"Function\.PackagesUnavailable: (.*)", _packages),
    *process_end.LIMITS,
    (r"version [`'](G?LIBC[A-Z]*_[\d.]+)' not found", _glibc),
    (r"invalid ELF header|wrong ELF class|Exec format error|incompatible architecture", _wrong_machine),
    *system_gaps.TABLE,
    (r"Runtime\.UserCodeSyntaxError|^(?:\[ERROR\] )?(?:SyntaxError|IndentationError|TabError)\b", _syntax),
    (_HIDDEN, _hidden),
    (
        r"cannot import name '[\w.]+' from (?:partially initialized module )?'(\w+)' \(/var/task/[\w/]+\.py\)",
        _hidden_name,
    ),
    (r"module '(\w+)'(?: from '[^']+')? has no attribute|No module named '(\w+\.[\w.]+)'", _hidden_attribute),
    (r"consider renaming '/var/task/([\w/]+\.py)'", _shadowed),
    (r"; '(\w+)' is not a package", _shadowed),
    (r"Error loading MySQLdb module|No module named 'MySQLdb'", environment_gaps.no_mysql_driver),
    (r"No module named '([\w.]+)'", _missing_module),
    (MESSAGE, _missing_extra),
    (r"cannot import name '\w+' from 'pkg_resources\.extern'", _changed),
    (r"cannot import name '([\w.]+)' from (?:partially initialized module )?'([\w.]+)'", _cannot_import),
    (r"Handler '([^']+)' missing on module '([^']+)'", _no_handler),
    (r"module '([\w.]+)' has no attribute '(\w+)'", _no_attribute),
    (r"Bad handler '([^']*)'", _bad_handler),
    (
        r"Read-only file system: '(?P<path>[^']+)'|attempt to write a readonly database|unable to open database file",
        _read_only,
    ),
    (
        r"Sanic\.__init__\(\) missing 1 required positional argument: 'name'",
        lambda failure, match: (f"Sanic() needs a name since sanic 21{failure.where}", 'write Sanic("app") there'),
    ),
    *environment_gaps.TABLE,
    (CHANGES, _changed),
    (r"is not authorized to perform: ([\w-]+:\w+)", _no_permission),
    (r"KeyError: '(\w+)'|TypeError: (?:'NoneType' object is not subscriptable|the JSON object must be str)", _event_field),
    (r"^(?:\[ERROR\] )?KeyError: '([A-Za-z][A-Za-z0-9_]+)'", _key),
    (r"The (SECRET_KEY) setting must not be empty", _setting),  # Django
    (_UNSET, _setting),
    (r"validation errors? for \w*(?:[Ss]ettings|[Cc]onfig|[Ee]nv)\w*\n[\w.]+\n\s+[Ff]ield required", _settings_fields),
    (r"Function\.ResponseSizeTooLarge", _too_large),
    (r"Unable to marshal response: (.*)", _not_json),
    *process_end.TABLE,
)
