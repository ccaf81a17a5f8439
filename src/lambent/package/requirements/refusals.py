"""What uv says when it cannot, in our own words: what, where, try. Its own words follow as detail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package.requirements.lines import normalised
from lambent.package.urls import without_credentials
from lambent.package.uv_command import Uv
from lambent.package.wheels.fetch_errors import alternative_package, disk_full

_LINES_MAX = 16


class _Said(Struct, frozen=True):
    """uv's message, the pattern's match in it, and what it was about."""

    found: re.Match[str]
    text: str
    uv: Uv
    where: str


def translate(text: str, uv: Uv, where: str) -> PackagingError:
    """uv's message as one of our errors; `where` is the file that holds the requirements."""
    text = without_credentials(text)
    if full := disk_full(text):
        return full
    flat = " ".join(text.split())  # uv wraps its lines
    for pattern, explain in _KNOWN:
        found = pattern.search(text) or pattern.search(flat)
        if found:
            what, place, hint = explain(_Said(found, text, uv, where))
            return PackagingError(what, where=place, hint=hint, detail=_shortened(text))
    what = f"the dependencies cannot be resolved for {uv.target.name}"
    return PackagingError(what, where=where, hint="the resolver's own words are below", detail=_shortened(text))


def _shortened(text: str) -> str:
    """A failed build prints pages: its first two lines and its last ones tell the story."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) <= _LINES_MAX:
        return "\n".join(lines)
    return "\n".join([*lines[:2], "         [...]", *lines[2 - _LINES_MAX :]])


def no_wheel(spec: str, elsewhere: Sequence[str], text: str, uv: Uv, where: str) -> PackagingError:
    """For a native package: `elsewhere` are the targets it has wheels for."""
    what = f"{spec} has no wheel for {_target(uv)}; it has for {', '.join(elsewhere)}"
    return PackagingError(what, where=where, hint=_other_version(spec, uv, elsewhere), detail=text)


def _target(uv: Uv) -> str:
    major, minor = uv.target.glibc
    return f"{uv.target.name} (glibc {major}.{minor})"


def _name(spec: str) -> str:
    return re.split(r"[=<>!~\[]", spec)[0]


def _other_version(spec: str, uv: Uv, elsewhere: Sequence[str] = ()) -> str:
    runtimes = (name.split()[0] for name in elsewhere if name.endswith(uv.target.architecture))
    usable = [name for name in runtimes if len(name) == len("python3.10")]  # older ones are retired
    runtime = f", or --runtime {usable[0]}" if usable else ""
    return f"write a version that has one: https://pypi.org/project/{_name(spec)}/#files{runtime}"


def _refused(said: _Said) -> tuple[str, str, str]:
    who = without_credentials(said.found[1])
    hint = "set UV_INDEX_<NAME>_USERNAME and _PASSWORD, or a line for its host in ~/.netrc, or uv auth login"
    return f"{who} does not let you in: {said.found[2]}", said.where, hint


def _wrong_status(said: _Said) -> tuple[str, str, str]:
    hint = "run the same command again later" if said.found[1].startswith("5") else "check the address"
    return f"a registry answers {said.found[1]} for {said.found[2]}", said.where, hint


def _bad_tls(said: _Said) -> tuple[str, str, str]:
    host = re.search(r"https?://([^\s/`)]+)", said.text)
    hint = "SSL_CERT_FILE=/path/to/ca.pem if your network has its own authority; http:// if it has no certificate"
    return f"no trusted connection to {host[1] if host else 'the registry'}: {said.found[1]}", said.where, hint


def _not_cached(said: _Said) -> tuple[str, str, str]:
    return f"{said.found[1]} is not in uv's cache, and uv is offline", said.where, "unset UV_OFFLINE"


def _wrong_hash(said: _Said) -> tuple[str, str, str]:
    hint = "write the hashes again with the tool that made the file; if nothing changed, somebody changed the package"
    return f"{said.found[1]} is not what its hash says", said.where, hint


def _wrong_python(said: _Said) -> tuple[str, str, str]:
    what = f"{said.found[1]} does not run on Python {said.uv.target.python}: it needs {said.found[2]}"
    return what, said.where, f"write a version that does, or another --runtime: https://pypi.org/project/{_name(said.found[1])}"


def _no_include(said: _Said) -> tuple[str, str, str]:
    return f"cannot read {Path(said.found[1]).name}", _line(said), "correct the -r or -c line, or add the file"


def _git_missing(said: _Said) -> tuple[str, str, str]:
    return "git is not installed, and a requirement lies in a git repository", said.where, "install git"


def _undefined(said: _Said) -> tuple[str, str, str]:
    kind = "extra" if said.found[1] == "Extra" else "dependency group"
    return f"no {kind} {said.found[2]}", said.where, "check its spelling in pyproject.toml"


def _offline(said: _Said) -> tuple[str, str, str]:
    address = f": {said.found[1]}" if said.found.re.groups and said.found[1] else ""
    hint = "check the network and the proxy, then run the same command again"
    return f"the package registry cannot be reached{address}", said.where, hint


def _missing(said: _Said) -> tuple[str, str, str]:
    name = said.found[1]
    return f"no such package: {name}", said.where, f"check its spelling: https://pypi.org/search/?q={name}"


def _no_version(said: _Said) -> tuple[str, str, str]:
    spec = said.found[1]
    hint = f"write a version that exists: https://pypi.org/project/{_name(spec)}/#history"
    return f"no version {spec} for {said.uv.target.name}", said.where, hint


def _no_wheel(said: _Said) -> tuple[str, str, str]:
    spec = said.found[1]
    tags = re.search(r"we only found wheels for `[^`]+` .*with the following Python [^:]+: (.+)", said.text)
    platforms = re.search(r"Wheels are available for `[^`]+` .*on the following platforms?: (.+)", said.text)
    there = platforms or tags
    others = f"; there are wheels for {there[1].replace('`', '')}" if there else ""
    return f"{_name(spec)} has no wheel for {_target(said.uv)}{others}", said.where, _other_version(spec, said.uv)


def _not_built(said: _Said) -> tuple[str, str, str]:
    spec = said.found[1]
    what = f"{spec} has no wheel for {_target(said.uv)}, and its source does not build without a compiler"
    other = alternative_package(normalised(_name(spec)), said.uv.target) or "a package that has wheels"
    hint = f"use {other}, or a version that has wheels: https://pypi.org/project/{_name(spec)}/#files"
    return what, said.where, hint


def _no_path(said: _Said) -> tuple[str, str, str]:
    return f"a requirement that is not there: {said.found[1]}", said.where, "correct the path, or remove the line"


def _no_git(said: _Said) -> tuple[str, str, str]:
    return f"cannot fetch with git: {said.found[1]}", said.where, "check the address and your rights to it"


def _bad_line(said: _Said) -> tuple[str, str, str]:
    cause = re.search(r"cause: (.+)", said.text)
    reason = cause[1] if cause else said.found[0]
    hint = "write one requirement a line, such as flask>=3"
    return f"a requirement that cannot be read: {reason}", _line(said), hint


def _line(said: _Said) -> str:
    """The file and line: uv gives either "file:line:column" or an offset into the file."""
    line = re.search(r"([^\s`:]+):(\d+):\d+", said.text)
    if line:
        return f"{line[1]}:{line[2]}"
    offset = re.search(r"in `([^`]+)` at position (\d+)", said.text)
    if offset is None:
        return said.where
    try:
        before = (said.uv.folder / offset[1]).read_bytes()[: int(offset[2])]
    except OSError:
        return said.where
    return f"{offset[1]}:{before.count(10) + 1}"


def _unsatisfiable(said: _Said) -> tuple[str, str, str]:
    what = f"the requirements cannot all be met on {said.uv.target.name}"
    return what, said.where, "loosen one of the versions named below"


_KNOWN = (
    (re.compile(r"An index URL \((\S+)\) could not be queried due to [^(]*\((\d+ \w+)"), _refused),
    (re.compile(r"Failed to fetch: `?(https?://[^\s/`]+)[\s\S]*?HTTP status client error \((40[13] \w+)"), _refused),
    (re.compile(r"HTTP status (?:client|server) error \((\d+[^)]*)\) for url \(([^)]+)\)"), _wrong_status),
    (re.compile(r"(invalid peer certificate: \w+|InvalidContentType|certificate verify failed|UnknownIssuer)"), _bad_tls),
    (re.compile(r"Git operation failed[\s\S]*?'(\w+://[^']+)'"), _no_git),
    (re.compile(r"Failed to fetch: `?(https?://[^\s/`]+)"), _offline),
    (re.compile(r"(?:error sending request for url|dns error|Could not resolve host|tcp connect error)()"), _offline),
    (re.compile(r"([\w.-]+) was not found in the cache"), _not_cached),
    (re.compile(r"([\w.-]+) was not found in the (?:package registry|provided package locations)"), _missing),
    (re.compile(r"Hash mismatch for `([^`]+)`"), _wrong_hash),
    (re.compile(r"failed to read from file `([^`]+)`: No such file"), _no_include),
    (re.compile(r"Couldn't parse requirement in `([^`]+)` at position (\d+)"), _bad_line),
    (re.compile(r"(Extra|Group) `([^`]+)` is not defined"), _undefined),
    (re.compile(r"[Gg]it executable not found|Git is not installed"), _git_missing),
    (re.compile(r"(?:Unexpected|Unsupported|Expected|Invalid|Failed to parse|The wheel filename)[^\n]*"), _bad_line),
    (re.compile(r"there (?:is|are) no versions? of (\S+) and"), _no_version),
    (
        re.compile(r"current Python version[^.]*?does not satisfy[^.]*?and ([\w.=<>!-]+) depends on Python([\w.=<>!,*]+)"),
        _wrong_python,
    ),
    (
        re.compile(r"the requested Python version[^.]*?does not satisfy Python([\w.=<>!,*]+) and ([\w.=<>!-]+) depends"),
        _wrong_python,
    ),
    (re.compile(r"Failed to (?:download and )?build `([^`]+)`"), _not_built),
    (re.compile(r"([\w.=<>!~-]+) has no wheels with a matching"), _no_wheel),
    (re.compile(r"all versions of (\S+) have no (?:usable )?wheels"), _no_wheel),
    (re.compile(r"(\S+) (?:has|have) no (?:usable )?wheels"), _no_wheel),
    (re.compile(r"Distribution not found at: (\S+)"), _no_path),
    (re.compile(r"No solution found"), _unsatisfiable),
)
