"""What the check of a version requests. It is in the environment of the version itself. Pure."""

from __future__ import annotations

from lambent.aws.values import Settings
from lambent.config.live_environment import CHECK, CHECK_FLAG, START_ONLY


def only_starts(settings: Settings) -> bool:
    """Return whether the check of a version doesn't call its handler."""
    return dict(settings.environment).get(CHECK) == START_ONLY


def check_path(settings: Settings) -> str:
    """Return the path that the check of a version requests."""
    if only_starts(settings):
        return "/"
    return dict(settings.environment).get(CHECK, "/").removeprefix(f"{CHECK_FLAG} ")


def describe_check(settings: Settings) -> str:
    """Return what a version must do to pass its check, in words."""
    return "must start" if only_starts(settings) else f"must respond to GET {check_path(settings)}"
