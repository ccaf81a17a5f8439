"""Corrects the cure of a failure where the app's code has a value itself, so that no environment variable changes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambent.config.detection.project_text import read_text
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.config.variables.unset import find_unset
from lambent.errors import LambentError

_FLAG = re.compile(r"--env (\w+)=VALUE")
_ADDRESS = re.compile(r"(set (?:its address|the address of one that Lambda can reach)) with --env")
_NO_HOST = re.compile(r"the app can't find the host ([\w.-]+)")
_OWN_MACHINE = r"(?:localhost|127\.0\.0\.1)"
_OTHER_USE = re.compile(r"(?i)allowed_?host|origin|csrf|cors|\brun\(")
"""In the lines about the app's own address."""
_READ = re.compile(r"""\b(?:environ|getenv|env|config)\b[\w.]*(?:\.get)?\s*[(\[]\s*["']([A-Z][A-Z0-9_]*)["']""")


def explain(error: LambentError, config: Config) -> None:
    """Name the line that has the value, or the variable that this line reads."""
    if _ADDRESS.search(error.hint):
        _explain_address(error, config)
    elif (match := _FLAG.fullmatch(error.hint)) and match[1] not in {read.name for read in find_unset(config)}:
        _explain_value(error, match[1], config)


def _explain_address(error: LambentError, config: Config) -> None:
    host = _NO_HOST.search(error.what)
    pattern = re.escape(host[1]) if host else _OWN_MACHINE
    url = rf"(?!https?:)[\w+]+://(?:[^\"'/@\s]*@)?({pattern})(?::\d+)?(?:/[^\"'\s]*)?"
    address = re.compile(rf"""(?i:host|server|addr)[^\[]*?["']({pattern})(?::\d+)?["']|["']{url}["']""")
    for location, line in _lines(config):
        if (match := address.search(line)) and not _OTHER_USE.search(line):
            variable, name = _READ.search(line), match[1] or match[2]  # the rest of a URL may be a password
            where = f"with --env {variable[1]}=ADDRESS" if variable else f"in {location}, in place of {name}"
            error.hint = _ADDRESS.sub(rf"\1 {where}", error.hint)
            return


def _explain_value(error: LambentError, name: str, config: Config) -> None:
    assigned = re.compile(rf"""^\s*{name}\s*(?::[^=]+)?=\s*(?:""|''|None)\s*(?:#.*)?$""")
    if location := next((location for location, line in _lines(config) if assigned.match(line)), ""):
        error.hint = f'in {location}, write {name} = os.environ["{name}"], with import os above, and pass {error.hint}'


def _lines(config: Config) -> Iterator[tuple[str, str]]:
    """Yield each line of the app's own files, with its location: "shop/settings.py, line 3"."""
    for path in own_files(config):
        file = path.relative_to(config.folder).as_posix()
        for number, line in enumerate(read_text(path).splitlines(), 1):
            yield f"{file}, line {number}", line
