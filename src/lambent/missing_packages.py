"""Packages that an error message asks for: those that a package needs only for some uses, each with words of its own."""

from __future__ import annotations

import re

from lambent.module_packages import package_in_text

_OPTIONAL = re.compile(
    r"""Form data requires "([\w-]+)" to be installed"""
    r"""|Install '([\w-]+)' for email validation support"""
    r"""|`?(?<![\w-])([\w-]{1,80})`?(?: library)? (?:is not installed, run|must be installed to use)"""  # pydantic, Starlette
    r"""|Import\w*Error: .*\brequires ([a-z][\w-]*) to be installed"""  # Plotly Express
    r"""|Import\w*Error: (?!.*(?:is not installed|\[)).*\bpip3? install (?:-U |--upgrade )?[`'"]?([A-Za-z][\w-]*)"""
)
"""What some packages say; one group has the package."""
_NAME = r"""(?<![\w.-])[`'"]?([A-Za-z][\w.-]{0,80}\w)[`'"]?"""
_KIND = r"(?: python)?(?: package| library| module)"
_WORDINGS = re.compile(
    rf"{_NAME}{_KIND} (?:is|was) (?:required|needed|missing)\b"
    rf"|{_NAME} is (?:required|needed) (?:for|to)\b"
    rf"|{_NAME}(?:{_KIND})? (?:is|was) not installed\b"
    rf"|{_NAME}(?:{_KIND})? (?:must|has to|needs to|should) be installed\b"
    rf"|{_NAME} prerequisite not available"  # limits
    rf"|[Rr]equires(?: the)? {_NAME}(?:{_KIND})? (?:to be installed|but)\b"
    rf"|(?:[Mm]issing|\b[Nn]o|[Hh]ave)(?: the)? {_NAME}(?:{_KIND}\b| installed\b)"
    rf"|(?:[Mm]issing (?:optional )?dependency:?|\b[Ii]nstall(?:ing)?)(?: the)? {_NAME}(?![\w[]|[.-]\w)"
)
"""How packages, and apps, ask for one. Each says other things too, so that only the names of packages count."""
_EXCEPTION = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Configured|Dependency): (.*(?:\n(?!Traceback|\[ERROR\]).+)?)")
MESSAGE = r"[Ii]nstall|[Rr]equire|needed|[Mm]issing|prerequisite|no \w+ module found"
"""What every such message has."""


def asked_package(text: str) -> str:
    """Return the package that the last exception in a text asks for, "" for none."""
    if specific := _OPTIONAL.findall(text):
        return "".join(specific[-1])
    for message in reversed(_EXCEPTION.findall(text)):
        for names in _WORDINGS.findall(message):
            if package := package_in_text("".join(names)):
                return package
    return ""
