"""`--target python3.13-arm64`: a runtime and a machine in one word, or one of the two."""

from __future__ import annotations

import re
from datetime import date
from difflib import get_close_matches

from lambent import calendar
from lambent.config.model import Architecture
from lambent.config.settings import Given, Settings
from lambent.errors import UsageError

ARCHITECTURES: dict[str, Architecture] = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
"""What a machine may be called, and what Lambda calls it."""

_FORM = re.compile(rf"(?:(?:python)?(3\.\d+))?[-_ /]?({'|'.join(ARCHITECTURES)})?")


def parse(text: str, on: date) -> tuple[str, str]:
    """The runtime and the architecture of a target, "" for the one that was not said. Raises UsageError for anything else."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        raise _no_target(text, on)
    python, machine = found.groups()
    return f"python{python}" if python else "", ARCHITECTURES[machine] if machine else ""


def spread(settings: Settings, target: str | None, on: date) -> Settings:
    """The settings with a target's parts in their places. Raises UsageError when another flag says the same part."""
    if target is None:
        return settings
    given = dict(settings.given)
    for key, value in zip(("runtime", "architecture"), parse(target, on), strict=True):
        said = given.get(key)
        if value and said is not None and said.origin in ("--runtime", "--arch"):
            raise UsageError(f"both --target and {said.origin} were given", where="--target", hint=f"leave {said.origin} out")
        if value:
            given[key] = Given(value, "--target", lambda other: f"--target {other}")
    return Settings(given)


def _no_target(text: str, on: date) -> UsageError:
    pythons = [runtime.name for runtime in calendar.supported_runtimes(on)]
    known = [f"{python}-{machine}" for python in pythons for machine in ("x86_64", "arm64")]
    close = get_close_matches(text.strip().lower(), [*known, *pythons, *ARCHITECTURES], 1, 0.6)
    hint = f"did you mean {close[0]}?" if close else f"--target {known[1]}, or one part of it: {pythons[0]}, arm64"
    return UsageError(f"no such target: {text}", where="--target", hint=hint)
