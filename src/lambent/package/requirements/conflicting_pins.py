"""Exact versions that stand in the way of what other packages require, as uv's message names them. Pure."""

from __future__ import annotations

import re

from msgspec import Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

_PIN = re.compile(r"you require (?P<name>[\w.-]+)(?:\[[^\]]*\])?==(?P<version>[\w.+!-]*\w)")
_LIMIT = r"[<>=!~]=?[\w.*+]*[\w*]"
_ABSENT = re.compile(
    r"there (?:is|are) no versions? of (?P<name>[\w.-]+)==(?P<version>(?P<series>\d+(?:\.\d+)?)[\w.-]*) "
    r"and you require (?P=name)"
)
_RANGE = rf"(?:[\w.-]*\w)(?:\[[^\]]*\])?{_LIMIT}(?:,{_LIMIT})*"
_REQUIRED = re.compile(rf"depends? on (?:one of: )?(?P<ranges>{_RANGE}(?: {_RANGE})*)")
_PARTS = re.compile(r"(?P<name>[\w.-]*\w)(?:\[[^\]]*\])?(?P<limits>.+)")


class AbsentPin(Struct, frozen=True):
    """A pin of a version that doesn't exist, and the requirement of releases close to it."""

    pin: str
    close: str


def find_absent_pin(message: str) -> AbsentPin | None:
    """Return the pin of a version that doesn't exist, None if the message is about something else."""
    match = _ABSENT.search(" ".join(message.split()))
    return AbsentPin(f"{match['name']}=={match['version']}", f"{match['name']}=={match['series']}.*") if match else None


def find_conflicting_pins(message: str) -> dict[str, tuple[str, str]]:
    """Return each pin that some package doesn't allow, with what allows both: {"six": ("six==1.10", "six>=1.12")}."""
    text = " ".join(message.split())
    pins = {canonicalize_name(match["name"]): match["version"] for match in _PIN.finditer(text)}
    edits: dict[str, tuple[str, str]] = {}
    for match in _REQUIRED.finditer(text):
        ranges = [parts for each in match["ranges"].split(" ") if (parts := _PARTS.match(each))]
        name = canonicalize_name(ranges[-1]["name"])
        if name in pins and not any(_allows(each["limits"], pins[name]) for each in ranges):
            edits.setdefault(name, (f"{name}=={pins[name]}", f"{name}{ranges[-1]['limits']}"))
    return edits


def _allows(limits: str, version: str) -> bool:
    try:
        return SpecifierSet(limits).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True
