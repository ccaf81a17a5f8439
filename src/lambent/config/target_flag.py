"""`--target python3.13-arm64`: the runtime and the architecture in one flag, or just one of them.

This only fills in two settings. `lambent.package.target.Target` is the target itself, once both are known.
"""

from __future__ import annotations

import re
from datetime import date
from difflib import get_close_matches

from lambent import calendar
from lambent.config.model import ARCHITECTURES
from lambent.config.settings import RawSetting, Settings
from lambent.errors import UsageError

_TARGET = re.compile(rf"(?:(?:python)?(3\.\d+))?[-_ /]?({'|'.join(ARCHITECTURES)})?")


def parse_target(text: str, on: date) -> dict[str, str]:
    """Return the "runtime" and the "architecture" that a target names, or the one of the two that it names."""
    match = _TARGET.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise _unknown_target(text, on)
    python, machine = match.groups()
    runtime = {"runtime": f"python{python}"} if python else {}
    return runtime | ({"architecture": ARCHITECTURES[machine]} if machine else {})


def with_target(settings: Settings, target: str | None, on: date) -> Settings:
    """Return the settings with those that `--target` sets. Raises UsageError when another flag sets one of them too."""
    if target is None:
        return settings
    parts = parse_target(target, on)
    for key in parts:
        setting = settings.raw.get(key)
        if setting is not None and setting.layer == "flag":
            message = f"--target and {setting.origin} can't be used together"
            raise UsageError(message, where="--target", hint=f"leave {setting.origin} out")
    return Settings({**settings.raw, **{key: RawSetting(value, "--target", key, "flag") for key, value in parts.items()}})


def _unknown_target(text: str, on: date) -> UsageError:
    runtimes = [runtime.name for runtime in calendar.accepted_runtimes(on)]
    targets = [f"{runtime}-{machine}" for runtime in runtimes for machine in ("x86_64", "arm64")]
    similar = get_close_matches(text.strip().lower(), [*targets, *runtimes, *ARCHITECTURES], 1, 0.6)
    hint = f"did you mean {similar[0]}?" if similar else f"--target {targets[1]}, or just {runtimes[0]} or arm64"
    return UsageError(f"unknown target: {text}", where="--target", hint=hint)
