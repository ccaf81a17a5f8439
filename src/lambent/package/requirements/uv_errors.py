"""Translates uv's error messages into lambent's: what, where, hint. uv's own message follows as detail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from packaging.utils import canonicalize_name

from lambent.errors import PackagingError
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.urls import without_credentials
from lambent.package.wheels.fetch_errors import alternative_package, disk_full

_DETAIL_LINES_MAX = 16


class _Failure(Struct, frozen=True):
    """uv's message, and the match of a rule's pattern in it."""

    match: re.Match[str]
    message: str
    request: ResolveRequest

    def format(self, template: str) -> str:
        """Fill in a template: {1} and {2} are the pattern's groups, {package} is the name in group 1."""
        groups = (self.match[0], *(group or "" for group in self.match.groups()))
        target = self.request.target
        package = re.split(r"[=<>!~\[]", groups[1])[0] if len(groups) > 1 else ""
        return template.format(*groups, package=package, target=target.name, python=target.python)


Explain = Callable[[_Failure], tuple[str, str]]
"""Returns the error's text and hint."""


class _Rule(Struct, frozen=True):
    """How to translate messages with this pattern: by templates for `what` and `hint`, or by `explain`."""

    pattern: re.Pattern[str]
    what: str = ""
    hint: str = ""
    explain: Explain | None = None
    has_line: bool = False
    """Whether uv's message names the line."""


def translate(message: str, request: ResolveRequest) -> PackagingError:
    """Return uv's message as an error of lambent's form."""
    message = without_credentials(message)
    if full := disk_full(message):
        return full
    unwrapped = " ".join(message.split())
    for rule in _RULES:
        match = rule.pattern.search(message) or rule.pattern.search(unwrapped)
        if match:
            failure = _Failure(match, message, request)
            what, hint = rule.explain(failure) if rule.explain else (failure.format(rule.what), failure.format(rule.hint))
            where = _find_line(failure) if rule.has_line else request.source.name
            return PackagingError(what, where=where, hint=hint, detail=_shorten(message))
    return PackagingError(
        f"the dependencies cannot be resolved for {request.target.name}",
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


def _explain_status(failure: _Failure) -> tuple[str, str]:
    hint = "run the same command again later" if failure.match[1].startswith("5") else "check the URL"
    return failure.format("the registry answers {1} for {2}"), hint


def _explain_tls(failure: _Failure) -> tuple[str, str]:
    host = re.search(r"https?://([^\s/`)]+)", failure.message)
    hint = "SSL_CERT_FILE=/path/to/ca.pem if your network has its own authority; http:// if the registry has no certificate"
    return f"cannot trust the connection to {host[1] if host else 'the registry'}: {failure.match[1]}", hint


def _explain_undefined(failure: _Failure) -> tuple[str, str]:
    kind = "extra" if failure.match[1] == "Extra" else "dependency group"
    return f"no {kind} {failure.match[2]}", "check its spelling in pyproject.toml"


def _explain_unreachable(failure: _Failure) -> tuple[str, str]:
    url = f": {failure.match[1]}" if failure.match.re.groups and failure.match[1] else ""
    return f"cannot reach the package registry{url}", "check the network and the proxy, then run the same command again"


def _explain_no_include(failure: _Failure) -> tuple[str, str]:
    return f"cannot read {Path(failure.match[1]).name}", "correct the -r or -c line, or add the file"


def _explain_bad_line(failure: _Failure) -> tuple[str, str]:
    cause = re.search(r"cause: (.+)", failure.message)
    reason = cause[1] if cause else failure.match[0]
    return f"cannot read a requirement: {reason}", "write one requirement on each line, such as flask>=3"


def _explain_no_wheel(failure: _Failure) -> tuple[str, str]:
    tags = re.search(r"we only found wheels for `[^`]+` .*with the following Python [^:]+: (.+)", failure.message)
    platforms = re.search(r"Wheels are available for `[^`]+` .*on the following platforms?: (.+)", failure.message)
    wheels = platforms or tags
    available = f"; there are wheels for {wheels[1].replace('`', '')}" if wheels else ""
    what = failure.format("{package} has no wheel for ") + _describe_target(failure) + available
    return what, failure.format("pin a version that has one: https://pypi.org/project/{package}/#files")


def _explain_no_build(failure: _Failure) -> tuple[str, str]:
    package = failure.format("{package}")
    alternative = alternative_package(canonicalize_name(package), failure.request.target) or "a package that has wheels"
    what = f"{failure.match[1]} has no wheel for {_describe_target(failure)}, and its source doesn't build without a compiler"
    return what, f"use {alternative}, or a version that has wheels: https://pypi.org/project/{package}/#files"


def _describe_target(failure: _Failure) -> str:
    major, minor = failure.request.target.glibc
    return f"{failure.request.target.name} (glibc {major}.{minor})"


def _rule(pattern: str, what: str, hint: str) -> _Rule:
    return _Rule(re.compile(pattern), what, hint)


def _explained(pattern: str, explain: Explain, *, has_line: bool = False) -> _Rule:
    return _Rule(re.compile(pattern), explain=explain, has_line=has_line)


_REFUSED = (
    "{1} refuses your credentials: {2}",
    "set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or add its host to ~/.netrc, or run `uv auth login`",
)
_RULES = (
    _rule(r"An index URL \((\S+)\) could not be queried due to [^(]*\((\d+ \w+)", *_REFUSED),
    _rule(r"Failed to fetch: `?(https?://[^\s/`]+)[\s\S]*?HTTP status client error \((40[13] \w+)", *_REFUSED),
    _explained(r"HTTP status (?:client|server) error \((\d+[^)]*)\) for url \(([^)]+)\)", _explain_status),
    _explained(r"(invalid peer certificate: \w+|InvalidContentType|certificate verify failed|UnknownIssuer)", _explain_tls),
    _rule(
        r"Git operation failed[\s\S]*?'(\w+://[^']+)'",
        "cannot fetch with git: {1}",
        "check the URL, and that you have access to it",
    ),
    _explained(r"Failed to fetch: `?(https?://[^\s/`]+)", _explain_unreachable),
    _explained(r"(?:error sending request for url|dns error|Could not resolve host|tcp connect error)()", _explain_unreachable),
    _rule(r"([\w.-]+) was not found in the cache", "{1} is not in uv's cache, and uv is offline", "unset UV_OFFLINE"),
    _rule(
        r"([\w.-]+) was not found in the (?:package registry|provided package locations)",
        "no such package: {1}",
        "check its spelling: https://pypi.org/search/?q={1}",
    ),
    _rule(
        r"Hash mismatch for `([^`]+)`",
        "{1} doesn't match its hash",
        "write the hashes again with the tool that made the file; if you changed nothing, someone replaced the package",
    ),
    _explained(r"failed to read from file `([^`]+)`: No such file", _explain_no_include, has_line=True),
    _explained(r"Couldn't parse requirement in `([^`]+)` at position (\d+)", _explain_bad_line, has_line=True),
    _explained(r"(Extra|Group) `([^`]+)` is not defined", _explain_undefined),
    _rule(
        r"[Gg]it executable not found|Git is not installed",
        "a requirement is in a git repository, and git is not installed",
        "install git",
    ),
    _explained(
        r"(?:Unexpected|Unsupported|Expected|Invalid|Failed to parse|The wheel filename)[^\n]*",
        _explain_bad_line,
        has_line=True,
    ),
    _rule(
        r"there (?:is|are) no versions? of (\S+) and",
        "no version {1} for {target}",
        "pin a version that exists: https://pypi.org/project/{package}/#history",
    ),
    _rule(
        r"the (?:current|requested) Python version \([^)]*\) does not satisfy Python\S+ and (\S+) depends on "
        r"Python([\w.=<>!*]+(?:,[\w.=<>!*]+)*)",
        "{1} doesn't run on Python {python}: it needs {2}",
        "pin a version that does, or use another --runtime: https://pypi.org/project/{package}",
    ),
    _explained(r"Failed to (?:download and )?build `([^`]+)`", _explain_no_build),
    _explained(r"([\w.=<>!~-]+) has no wheels with a matching", _explain_no_wheel),
    _explained(r"all versions of (\S+) have no (?:usable )?wheels", _explain_no_wheel),
    _explained(r"(\S+) (?:has|have) no (?:usable )?wheels", _explain_no_wheel),
    _rule(r"Distribution not found at: (\S+)", "no such file or folder: {1}", "correct the path, or remove the line"),
    _rule(r"No solution found", "the requirements conflict on {target}", "relax one of the versions named below"),
)
