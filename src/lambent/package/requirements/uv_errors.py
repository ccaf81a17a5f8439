"""Translates uv's error messages into lambent's: what, where, hint. uv's own message follows as detail."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package.requirements.cuda import CPU_INDEX
from lambent.package.requirements.requirement_lines import RequirementsFile, decode, local_paths
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.unfit import NO_WHEEL, Blocker, UnfitError, fitting_pythons
from lambent.package.urls import without_credentials
from lambent.package.wheels import fetch_errors

_DETAIL_LINES_MAX = 16


class _Failure(Struct, frozen=True):
    """uv's message, and the match of a rule's pattern in it."""

    match: re.Match[str]
    message: str
    request: ResolveRequest

    @property
    def package(self) -> str:
        """The name in the group `spec` ("numpy==1.21.0")."""
        return re.split(r"[=<>!~\[]", self.match.groupdict().get("spec", ""))[0]

    @property
    def target(self) -> str:
        return self.request.target.platform

    def format(self, template: str) -> str:
        """Fill in a template from the pattern's groups, `package`, and the target's `runtime` and `python`."""
        target = self.request.target
        groups = {"package": self.package, "runtime": target.name, "python": target.python}
        return template.format(**{**groups, **self.match.groupdict()})

    def error(self, what: str, hint: str, *, has_line: bool = False) -> PackagingError:
        """Return the error, with uv's message as detail. `has_line` is true if that message names the line."""
        where = _find_line(self) if has_line else self.request.source.name
        return PackagingError(what, where=where, hint=hint, detail=_shorten(self.message))


class _Rule(Struct, frozen=True):
    """How to translate messages with this pattern: by templates for `what` and `hint`, or by a function."""

    pattern: str
    what: str = ""
    hint: str = ""
    explain: Callable[[_Failure], PackagingError] | None = None


def translate(message: str, request: ResolveRequest) -> PackagingError:
    """Return uv's message as an error of lambent's form."""
    message = without_credentials(message)
    if full := fetch_errors.disk_full(message):
        return full
    unwrapped = " ".join(message.split())
    for rule in _RULES:
        match = re.search(rule.pattern, message) or re.search(rule.pattern, unwrapped)
        if match:
            failure = _Failure(match, message, request)
            if rule.explain:
                return rule.explain(failure)
            return failure.error(failure.format(rule.what), failure.format(rule.hint))
    return PackagingError(
        f"cannot resolve the dependencies for {request.target.name}",
        where=request.source.name,
        hint="see uv's message below",
        detail=_shorten(message),
    )


def _shorten(message: str) -> str:
    """Return the first two and the last lines. A failed build prints pages."""
    lines = [line for line in message.splitlines() if line.strip()]
    if len(lines) <= _DETAIL_LINES_MAX:
        return "\n".join(lines)
    return "\n".join([*lines[:2], "         [...]", *lines[2 - _DETAIL_LINES_MAX :]])


def _find_line(failure: _Failure) -> str:
    """Return "file:line". uv names either "file:line:column" or an offset into the file."""
    source, folder = failure.request.source.name, failure.request.uv.folder
    if line := re.search(r"([^\s`:]+):(\d+):\d+", failure.message):
        return f"{line[1]}:{line[2]}"
    offset = re.search(r"in `([^`]+)` at position (\d+)", failure.message)
    if offset is None:
        return source
    try:
        preceding = (folder / offset[1]).read_bytes()[: int(offset[2])]
    except OSError:
        return source
    return f"{offset[1]}:{preceding.count(10) + 1}"


def _explain_status(failure: _Failure) -> PackagingError:
    status, url = failure.match["status"], failure.match["url"]
    is_temporary = status.startswith("5")
    return failure.error(
        f"the registry answers {status} for {url}", "run the same command again later" if is_temporary else "check the URL"
    )


def _explain_tls(failure: _Failure) -> PackagingError:
    host = re.search(r"https?://([^\s/`)]+)", failure.message)
    registry, reason = host[1] if host else "the registry", failure.match[0]
    return failure.error(
        f"cannot trust the connection to {registry}: {reason}",
        "SSL_CERT_FILE=/path/to/ca.pem if your network has its own authority; http:// if the registry has no certificate",
    )


def _explain_undefined(failure: _Failure) -> PackagingError:
    kind = "extra" if failure.match["kind"] == "Extra" else "dependency group"
    return failure.error(f"no {kind} {failure.match['name']}", "check its spelling in pyproject.toml")


def _explain_no_include(failure: _Failure) -> PackagingError:
    name = Path(failure.match["path"]).name
    return failure.error(f"cannot read {name}", "correct the -r or -c line, or add the file", has_line=True)


def _explain_bad_line(failure: _Failure) -> PackagingError:
    cause = re.search(r"cause: (.+)", failure.message)
    reason = cause[1] if cause else failure.match[0]
    return failure.error(
        f"cannot read a requirement: {reason}", "write one requirement on each line, such as flask>=3", has_line=True
    )


def _explain_no_wheel(failure: _Failure) -> PackagingError:
    package, target = failure.package, failure.target
    tags = re.search(r"we only found wheels for `[^`]+` .*with the following Python [^:]+: (.+)", failure.message)
    platforms = re.search(r"Wheels are available for `[^`]+` .*on the following platforms?: (.+)", failure.message)
    wheels = platforms or tags
    available = f"; there are wheels for {wheels[1].replace('`', '')}" if wheels else ""
    error = failure.error(
        f"{package} has no wheel for {target}{available}",
        f"choose a version that has one: https://pypi.org/project/{package}/#files",
    )
    version = failure.match["spec"].partition("==")[2]
    return UnfitError(error, [Blocker(package, version, NO_WHEEL)])


def _explain_no_build(failure: _Failure) -> PackagingError:
    package = failure.match["spec"].replace("==", " ").partition(" @ ")[0]
    error = fetch_errors.build_failed(package, failure.request.target, failure.message)
    error.where = failure.request.source.name
    return error


def _explain_local_build(failure: _Failure) -> PackagingError:
    """Explain the failed build of a folder that is required by its path: uv doesn't say which."""
    request = failure.request
    if request.source.kind == "setup.py":
        name = "the project"
    else:
        file = RequirementsFile(request.path, decode(request.path.read_bytes()))
        folders = [path for path in local_paths(file) if path.is_dir()]
        name = os.path.relpath(folders[0], request.uv.folder) if len(folders) == 1 else f"a folder in {request.source.name}"
    error = fetch_errors.build_failed(name, request.target, failure.message, is_local=True)
    error.where = request.source.name
    return error


def _explain_other_python(failure: _Failure) -> PackagingError:
    python, needed = failure.request.target.python, failure.match["needed"]
    error = failure.error(
        failure.format("{spec} doesn't run on Python {python}: it needs {needed}"),
        failure.format("choose a version that does, or use another --runtime: https://pypi.org/project/{package}"),
    )
    pythons = fitting_pythons(needed)
    if pythons is not None and python in pythons:
        return error
    name, _, version = failure.match["spec"].partition("==")
    return UnfitError(error, [Blocker(name, version, f"needs Python {needed}", pythons if version else None)])


_REFUSED = "{host} refuses your credentials: {status}"
_LOG_IN = "set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or add its host to ~/.netrc, or run `uv auth login`"
_CHECK_NETWORK = "check the network and the proxy, then run the same command again"

_RULES = (
    _Rule(r"An index URL \((?P<host>\S+)\) could not be queried due to [^(]*\((?P<status>\d+ \w+)", _REFUSED, _LOG_IN),
    _Rule(
        r"Failed to fetch: `?(?P<host>https?://[^\s/`]+)[\s\S]*?HTTP status client error \((?P<status>40[13] \w+)",
        _REFUSED,
        _LOG_IN,
    ),
    _Rule(r"HTTP status (?:client|server) error \((?P<status>\d+[^)]*)\) for url \((?P<url>[^)]+)\)", explain=_explain_status),
    _Rule(r"invalid peer certificate: \w+|InvalidContentType|certificate verify failed|UnknownIssuer", explain=_explain_tls),
    _Rule(
        r"Git operation failed[\s\S]*?'(?P<url>\w+://[^']+)'",
        "cannot fetch with git: {url}",
        "check the URL, and that you have access to it",
    ),
    _Rule(r"Failed to fetch: `?(?P<host>https?://[^\s/`]+)", "cannot reach the package registry: {host}", _CHECK_NETWORK),
    _Rule(
        r"error sending request for url|dns error|Could not resolve host|tcp connect error",
        "cannot reach the package registry",
        _CHECK_NETWORK,
    ),
    _Rule(
        r"(?P<spec>[\w.-]+) was not found in the cache", "{package} is not in uv's cache, and uv is offline", "unset UV_OFFLINE"
    ),
    _Rule(
        r"(?P<spec>[\w.-]+) was not found in the (?:package registry|provided package locations)",
        "no such package: {package}",
        "check its spelling: https://pypi.org/search/?q={package}",
    ),
    _Rule(
        r"Hash mismatch for `(?P<spec>[^`]+)`",
        "{spec} doesn't match its hash",
        "write the hashes again with the tool that made the file; if you changed nothing, someone replaced the package",
    ),
    _Rule(r"failed to read from file `(?P<path>[^`]+)`: No such file", explain=_explain_no_include),
    _Rule(r"Couldn't parse requirement in `[^`]+` at position \d+", explain=_explain_bad_line),
    _Rule(r"(?P<kind>Extra|Group) `(?P<name>[^`]+)` is not defined", explain=_explain_undefined),
    _Rule(
        r"[Gg]it executable not found|Git is not installed",
        "a requirement is in a git repository, and git is not installed",
        "install git",
    ),
    _Rule(r"Failed to (?:download and )?build `(?P<spec>[^`]+)`", explain=_explain_no_build),
    _Rule(r"The build backend returned an error", explain=_explain_local_build),
    _Rule(r"(?:Unexpected|Unsupported|Expected|Invalid|Failed to parse|The wheel filename)[^\n]*", explain=_explain_bad_line),
    _Rule(
        r"there (?:is|are) no versions? of (?P<spec>\S+\+cpu) and",
        "no version {spec} for {runtime} on PyPI",
        f"add the line --extra-index-url {CPU_INDEX} to the requirements",
    ),
    _Rule(
        r"there (?:is|are) no versions? of (?P<spec>\S+) and",
        "no version {spec} for {runtime}",
        "choose a version that exists: https://pypi.org/project/{package}/#history",
    ),
    _Rule(
        r"the (?:current|requested) Python version \([^)]*\) does not satisfy Python\S+ and (?P<spec>\S+) depends on "
        r"Python(?P<needed>[\w.=<>!*]+(?:,[\w.=<>!*]+)*)",
        explain=_explain_other_python,
    ),
    _Rule(r"(?P<spec>[\w.=<>!~-]+) has no wheels with a matching", explain=_explain_no_wheel),
    _Rule(r"all versions of (?P<spec>\S+) have no (?:usable )?wheels", explain=_explain_no_wheel),
    _Rule(r"(?P<spec>\S+) (?:has|have) no (?:usable )?wheels", explain=_explain_no_wheel),
    _Rule(
        r"Distribution not found at: (?P<path>\S+)", "no such file or folder: {path}", "correct the path, or remove the line"
    ),
    _Rule(r"No solution found", "the requirements conflict on {runtime}", "relax one of the versions named below"),
)
