"""The Python runtimes that a project may run on: the configured one, or those that AWS and the project's files allow.

Which of them the dependencies fit is for `package/` to find out. The candidates are in order: what a version file of the
project names, what is live, then the newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from lambent import calendar, interpreters
from lambent.config.compatibility import OLDEST_PYTHON
from lambent.config.model import Architecture, Config, RuntimeCandidates
from lambent.config.parsers import parse_text
from lambent.config.project import Project
from lambent.config.python_versions import NamedVersion, VersionRange, read_named_version, read_range
from lambent.config.settings import RawSetting, Settings
from lambent.config.sourced import Sourced
from lambent.errors import LambentError, LocalError, UsageError

Installed = Literal["any", "preferred", "required"]
"""Whether the runtime's interpreter has to be on this machine."""


class Machine(Struct, frozen=True):
    """What the app will run on.

    `architecture` is the default: x86_64 for AWS, this machine's own for the local Lambda. `installed` says whether the runtime
    has to be one that this machine has, unless the user names another.
    """

    architecture: Architecture = "x86_64"
    installed: Installed = "any"


AWS = Machine()


class RuntimeRules(Struct, frozen=True):
    """What a runtime has to satisfy besides the project's files.

    AWS accepts it on the day `on`, and it is at least the Python version `oldest` (for `reason`). Its interpreter is on this
    machine if that is `required`; if that is `preferred`, those come first.
    """

    on: date
    environ: Mapping[str, str]
    oldest: tuple[int, int] = OLDEST_PYTHON
    reason: str = ""
    installed: Installed = "any"


def read_runtime(settings: Settings, project: Project, rules: RuntimeRules) -> tuple[Sourced[str], RuntimeCandidates]:
    """Return the runtime that a setting names, or the best candidate and all of them.

    Raises UsageError when a setting names no runtime, or when nothing that AWS accepts fits the project. Raises LocalError when
    a runtime has to be on this machine, and none is.
    """
    setting = settings.raw.get("runtime")
    if setting is not None:
        return Sourced(_parse_runtime(setting, rules.on), setting.origin), RuntimeCandidates()
    version_range = read_range(project)
    creatable = [runtime.name for runtime in calendar.accepted_runtimes(rules.on)]
    excluded = _excluded(version_range, rules)
    allowed = tuple(name for name in creatable if name not in excluded)
    if rules.installed == "preferred":
        allowed = tuple(sorted(allowed, key=lambda name: not _is_installed(name, rules)))
    if not allowed:
        raise _nothing_fits(version_range, excluded, rules)
    candidates = RuntimeCandidates(
        allowed,
        _origin(version_range, rules),
        excluded=tuple(excluded.items()),
        updates_only=tuple(name for name in _updatable(rules.on) if name not in creatable and name not in excluded),
    )
    candidates = _prefer_named(candidates, read_named_version(project), rules.on)
    return Sourced(candidates.runtimes[0], candidates.origin_of(candidates.runtimes[0])), candidates


def keep_live(config: Config, live: str) -> Config:
    """Return the configuration with the runtime of the live function, "" for none, before others that would fit as well.

    A setting and a version file of the project come before it.
    """
    candidates = config.candidates
    if not live or not candidates.runtimes:
        return config
    if reason := dict(candidates.excluded).get(live):
        return replace(config, candidates=replace(candidates, note=f"{live} is live, but {reason}"))
    if live not in (*candidates.runtimes, *candidates.updates_only):
        return config
    preferred = candidates.runtimes[:1] if candidates.named_by else ()
    runtimes = tuple(dict.fromkeys((*preferred, live, *candidates.runtimes)))
    candidates = replace(candidates, runtimes=runtimes, live=live)
    return config.with_runtime(runtimes[0], candidates.origin_of(runtimes[0]), candidates)


def _parse_runtime(setting: RawSetting, on: date) -> str:
    newest = next((runtime.name for runtime in calendar.accepted_runtimes(on)), "python3.13")
    name = parse_text(setting, newest).strip().lower()
    name = name if name.startswith("python") else f"python{name}"
    runtime = calendar.find_runtime(name)
    if runtime is None or on < runtime.available:
        names = ", ".join(runtime.name for runtime in calendar.accepted_runtimes(on))
        raise setting.refuse(f"unknown runtime: {setting.value} (AWS has {names})", newest)
    if _version(runtime.python) < OLDEST_PYTHON:
        raise setting.refuse(f"lambent can't build for {name}", newest)
    return name


def _version(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def _updatable(on: date) -> list[str]:
    """Return the runtimes whose existing functions AWS still updates, newest first."""
    return [runtime.name for runtime in reversed(calendar.RUNTIMES) if calendar.can_update(runtime.name, on)]


def _excluded(version_range: VersionRange | None, rules: RuntimeRules) -> dict[str, str]:
    """Return why each runtime that AWS knows can't be taken, apart from AWS's own dates."""
    excluded = {}
    for runtime in calendar.RUNTIMES:
        if version_range is not None and not version_range.allows(runtime.python):
            excluded[runtime.name] = str(version_range)
        elif _version(runtime.python) < rules.oldest:
            excluded[runtime.name] = rules.reason
        elif rules.installed == "required" and not _is_installed(runtime.name, rules):
            excluded[runtime.name] = _not_installed(runtime.name)
    return excluded


def _is_installed(name: str, rules: RuntimeRules) -> bool:
    return interpreters.find(name.removeprefix("python"), rules.environ) is not None


def _origin(version_range: VersionRange | None, rules: RuntimeRules) -> str:
    origin = f"newest that {version_range.source} allows" if version_range else "newest that AWS supports"
    return f"{origin} and this machine has" if rules.installed != "any" else origin


def _prefer_named(candidates: RuntimeCandidates, version: NamedVersion | None, on: date) -> RuntimeCandidates:
    """Put the runtimes that a version file names first. If none of them can be taken, say why."""
    if version is None:
        return candidates
    names = [f"python{python}" for python in version.pythons]
    if not version.is_wish:
        first = version.pythons[0]
        names = [name for name in names if not calendar.is_deprecated(name, on)]
        if not names:
            note = f"{version.source} names Python {first}, but AWS has deprecated python{first}"
            return replace(candidates, note=note)
    if named := [name for name in names if name in candidates.runtimes]:
        runtimes = tuple(dict.fromkeys((*named, *candidates.runtimes)))
        return replace(candidates, runtimes=runtimes, named_by=version.source)
    reason = _why_not(names[0], candidates, on)
    return replace(candidates, note=f"{version.source} names Python {names[0].removeprefix('python')}, but {reason}")


def _why_not(name: str, candidates: RuntimeCandidates, on: date) -> str:
    """Return why a runtime that a file names is no candidate."""
    runtime = calendar.find_runtime(name)
    if runtime is None or on < runtime.available:
        return f"AWS has no {name}"
    if runtime.preview:
        return f"{name} is a preview"
    return dict(candidates.excluded).get(name) or f"AWS stopped accepting {name}"


def _nothing_fits(version_range: VersionRange | None, excluded: dict[str, str], rules: RuntimeRules) -> LambentError:
    names = [runtime.name for runtime in calendar.accepted_runtimes(rules.on)]
    where = version_range.source if version_range else ""
    missing = [name.removeprefix("python") for name in names if excluded[name] == _not_installed(name)]
    if missing:
        hint = interpreters.install_command(missing[0])
        return LocalError(f"no Python {' or '.join(missing)} on this machine", where=where, hint=hint)
    reasons = ", ".join(dict.fromkeys(excluded[name] for name in names))
    usable = names if rules.installed != "required" else [name for name in names if _is_installed(name, rules)]
    example = next(iter(usable), names[0])
    return UsageError(
        f"no AWS runtime fits this project: {reasons}, and AWS has {', '.join(names)}",
        where=where,
        hint=f"allow {example.removeprefix('python')} there, or pass --runtime {example}",
    )


def _not_installed(name: str) -> str:
    return f"Python {name.removeprefix('python')} is not on this machine"
