"""Refuses a deploy of an app that can't start: one error names all variables that it lacks, and the flags that set them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.django_literals import ANY_HOST, DEBUG_EDIT, allows_url
from lambent.config.environment import find_own_file
from lambent.config.model import Config
from lambent.config.variables.bound import Read
from lambent.config.variables.own_secrets import is_own_secret
from lambent.config.variables.placeholders import placeholder
from lambent.config.variables.unset import django_report, find_unset, flags_for
from lambent.errors import UsageError
from lambent.units import listing, pronoun_for, verb_for

_SHOWN = 3
_ROUNDS_MAX = 4


class MissingVariable(Struct, frozen=True):
    """A variable that nothing sets and that the app needs, to start if it `is_required`, otherwise for its requests.

    `form` is what a printed flag has as its value, `unsent` its value in `file`, which is .env or one like it, or "".
    `location` says where it is read.
    """

    name: str
    form: str
    location: str = ""
    is_required: bool = True
    unsent: str = ""
    file: str = ".env"


def missing_variables(config: Config, unset: Sequence[Read]) -> list[MissingVariable]:
    """Return what the app needs if variables are `unset`, as `refuse_unset` names it; nothing if it can start without them."""
    if not any(read.fails == "start" for read in unset):
        return []
    reads = {read.name: read for read in _with_consequences(config, unset) if read.fails in ("start", "call")}
    report, (file, in_file) = django_report(config), find_own_file(config.folder, reads)
    hosts = "" if report["allows"] else report["variable"]
    names = sorted(reads, key=lambda name: reads[name].fails != "start")
    missing = []
    for name in dict.fromkeys((*names, hosts) if hosts else names):
        read, unsent = reads.get(name), in_file.get(name, "")
        form = ANY_HOST if name == hosts else placeholder(name, names, reads, config.folder)
        is_required = read is not None and read.fails == "start"
        unsent = "" if name == hosts and not allows_url(unsent) else unsent
        location = read.location if read else report["settings"]
        missing.append(MissingVariable(name, form, location, is_required, unsent, file))
    return missing


def refuse_unset(config: Config, unset: Sequence[Read]) -> None:
    """Raise UsageError if a start of the app fails because variables are `unset`: it names all that the app needs."""
    if not any(read.fails == "start" for read in unset):
        return
    unset = _with_consequences(config, unset)
    reads = [read for read in unset if read.fails == "start"]
    later = [read.name for read in unset if read.fails == "call"]
    names = [read.name for read in reads]
    file, in_file = find_own_file(config.folder, [*names, *later])
    verb, it = verb_for(names), pronoun_for(names)
    what = f"{listing(names)} {verb}n't set, and the app can't start without {it}"
    if all(in_file.get(name) for name in names):
        what = f"{listing(names)} {verb} in {file}, which isn't uploaded, and the app can't start without {it}"
    locations = [read.location for read in reads]
    more = f" and {len(locations) - _SHOWN} more" if len(locations) > _SHOWN else ""
    if later:
        what += f"; requests need {listing(later)}"
    report = django_report(config)
    hosts = report["variable"]
    needed = [*names, *later]
    problems, edits = _settings_problems(report, names)
    if hosts and not report["allows"] and hosts not in needed:
        needed.append(hosts)
    what += "".join(f"; {problem}" for problem in problems)
    hint = flags_for(config, needed, unset, hosts) + "".join(f"; {edit}" for edit in edits)
    raise UsageError(what, where=", ".join(locations[:_SHOWN]) + more, hint=hint)


def _settings_problems(report: Mapping[str, Any], names: Container[str]) -> tuple[list[str], list[str]]:
    """Return what else in Django's settings doesn't suit AWS, and the edits for it. The variables `names` are dealt with.

    The function itself allows the URL's host if ALLOWED_HOSTS is a literal.
    """
    problems: list[str] = []
    edits: list[str] = []
    if report["variable"] and not report["allows"] and report["variable"] not in names:
        problems.append(f"ALLOWED_HOSTS in {report['settings']} doesn't allow the function's URL")
    if report["debug"]:
        problems.append(f"DEBUG is True in {report['debug_settings']}, so that error pages show the code and the settings")
        edits.append(f"in {report['debug_settings']}, import os and set {DEBUG_EDIT}")
    return problems, edits


def _with_consequences(config: Config, unset: Sequence[Read]) -> Sequence[Read]:
    """Return the reads with those that a start reaches once it has the values of the hint: ENV=production may need more."""
    values = dict(config.environment)
    _, in_file = find_own_file(config.folder, [read.name for read in unset])
    for _ in range(_ROUNDS_MAX):
        names = [read.name for read in unset if read.fails == "start"]
        by_name = {read.name: read for read in unset}
        values |= {name: in_file.get(name) or placeholder(name, names, by_name, config.folder) for name in names}
        reads = find_unset(replace(config, environment=tuple(sorted(values.items()))))
        more = [read for read in reads if read.fails == "start" and not (read.is_secret_key or is_own_secret(read.name, names))]
        if not more:
            break
        unset = [*unset, *more]
    names = list(dict.fromkeys(read.name for read in unset))
    return [min((read for read in unset if read.name == name), key=lambda read: read.fails != "start") for name in names]
