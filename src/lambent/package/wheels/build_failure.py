"""Why a package's source doesn't build, read from what the build printed. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

from lambent import calendar, removed_modules

_OLDEST_MINOR = 8  # python3.8 is the oldest runtime that AWS still takes

OLD_SETUPTOOLS = (
    ("cannot import name 'Feature' from 'setuptools'", "46", "3.10"),
    ("use_2to3 is invalid", "58", "3.12"),
)
"""What a build prints that needs an older setuptools, the version that dropped this, and the first Python without any older."""

_NO_MODULE = re.compile(r"^\W*(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)", re.MULTILINE)
_NO_NAME = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'|cannot import name '(\w+)' from '([\w.]+)'")
_HEADER = re.compile(r"fatal error: '?([\w./+-]+\.(?:h|hpp|hh))'?(?:: No such file| file not found)")
_PROGRAM = re.compile(
    r"(\w+[-_]config|pkg-config|cmake|swig|ninja)\b[^\n]*(?:not found|is required|No such file)", re.IGNORECASE
)
NEEDS_COMPILER = re.compile(r"/bin/false|gcc pre-processor|[Uu]nsupported compiler|Unknown compiler|No working compiler found")
"""What builds print where lambent hides the compiler: setuptools, meson, and the setup.py of fasttext and cffi."""
_FOR_PYTHON_2 = "its source is for Python 2"
_PYTHON_2 = re.compile(r"SyntaxError: Missing parentheses in call to 'print'|SyntaxError: multiple exception types must be")
_PYTHON_2_MODULES = frozenset(
    [
        *("ConfigParser", "Cookie", "HTMLParser", "Queue", "StringIO", "Tkinter", "__builtin__", "cPickle", "cStringIO"),
        *("commands", "cookielib", "httplib", "urllib2", "urlparse", "xmlrpclib"),
    ]
)
_EXCEPTION = re.compile(r"^\W*((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit)(?:: \S.*)?)$", re.MULTILINE)


class Reason(Struct, frozen=True):
    """Why a build failed, as a clause ("its setup.py imports imp, ..."), and what helps ("" if nothing does).

    `removed` is the first Python without what the build needs, "" if it isn't that. `cure` is what the authors can do.
    """

    text: str
    hint: str = ""
    removed: str = ""
    cure: str = "correct its source"


def explain(output: str) -> Reason | None:
    """Return the reason that a failed build printed, or None if it printed none that lambent knows."""
    if missing := _last(_NO_MODULE, output):
        return _missing_module(missing[1].partition(".")[0])
    for message, setuptools, removed in OLD_SETUPTOOLS:
        if message in output:
            text = f"its setup.py needs a setuptools older than {setuptools}, which doesn't run on Python {removed} or later"
            return Reason(text, _older_runtime(removed), removed)
    if (missing := _last(_NO_NAME, output)) and (removed := removed_modules.removed_in(_dotted_name(missing))):
        text = f"its build uses {_dotted_name(missing)}, which Python {removed} removed"
        return Reason(text, _older_runtime(removed), removed)
    what, removed = removed_modules.changed_in(output)
    if removed:
        return Reason(f"its build uses {what}, which Python {removed} removed", _older_runtime(removed), removed)
    if _PYTHON_2.search(output):
        return Reason(_FOR_PYTHON_2)
    if header := _HEADER.search(output):
        return Reason(f"the header {header[1]} is missing", "use a version, or a package, that has wheels")
    if program := _PROGRAM.search(output):
        return Reason(f"its build needs {program[1]}")
    if NEEDS_COMPILER.search(output):
        return None
    exception = _last(_EXCEPTION, output)
    return Reason(exception[1]) if exception and not exception[1].startswith("SystemExit") else None


def _last(pattern: re.Pattern[str], output: str) -> re.Match[str] | None:
    *_, last = [None, *pattern.finditer(output)]
    return last


def _dotted_name(match: re.Match[str]) -> str:
    return f"{match[1]}.{match[2]}" if match[1] else f"{match[4]}.{match[3]}"


def _missing_module(name: str) -> Reason:
    removed = removed_modules.removed_in(name)
    if removed:
        return Reason(f"its build imports {name}, which Python {removed} removed", _older_runtime(removed), removed)
    if name in _PYTHON_2_MODULES:
        return Reason(_FOR_PYTHON_2)
    cure = f'add the package with {name} to its pyproject.toml: [build-system] requires = ["setuptools", ...]'
    return Reason(f"its build imports {name}, which it doesn't declare in [build-system] requires", cure=cure)


def _older_runtime(removed: str) -> str:
    """Return the newest runtime that still has what a version of Python removed."""
    limit = int(removed.removeprefix("3."))
    older = [runtime for runtime in calendar.RUNTIMES if int(runtime.python.removeprefix("3.")) < limit]
    return f"--runtime {older[-1].name}" if limit > _OLDEST_MINOR else ""
