"""The settings that a deployment file has for the functions that become one app. Those of the user come first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from lambent.config.model import MEMORY_DEFAULT_MB, TIMEOUT_DEFAULT_S, App, Cors
from lambent.config.settings import Settings
from lambent.config.sourced import Sourced
from lambent.units import listing


def take_over(app: App, settings: Settings, variables: Collection[str]) -> tuple[App, dict[str, Sourced[Any]]]:
    """Return the app with a remark about each setting of its deployment file, and those that nothing else sets, by name.

    `variables` are the names of those that the user sets, for all functions.
    """
    declared: dict[str, Sourced[Any]] = {}
    remarks: list[str] = []
    own = [name for route in app.routes for name, _ in route.variables if name not in variables]
    if own:
        remarks.append(f"each of them has its own {listing(list(dict.fromkeys(own)))}")
    if "cors" not in settings.raw:
        preflights = [cors for _, cors in app.preflights]
        if any(cors is not None and not cors.origins for cors in (app.cors, *preflights)):
            remarks.append(f'{app.source} has no single CORS setting that its text gives: set cors = {{ origins = ["*"] }}')
        elif app.cors is not None:
            declared["cors"] = Sourced(app.cors, app.source)
            remarks.append(f"cors as in {app.source}: the URL answers requests from {_origins(app.cors)}")
        elif preflights:
            remarks.append(f"preflight requests from {_origins(*preflights)} are answered as {app.source} has it")
    limits = {
        "memory": ("memory_mb", app.memory_mb, MEMORY_DEFAULT_MB, "MB"),
        "timeout": ("timeout_s", app.timeout_s, TIMEOUT_DEFAULT_S, "s"),
    }
    shown = []
    for key, (field, value, default, unit) in limits.items():
        if key not in settings.raw and value > default:
            declared[field] = Sourced(value, app.source)
            shown.append(f"{key} {value} {unit}")
    if shown:
        remarks.append(f"{listing(shown)}, the most that a function of {app.source} has")
    return replace(app, remarks=(*app.remarks, *remarks)), declared


def _origins(*cors: Cors) -> str:
    origins = list(dict.fromkeys(origin for each in cors for origin in each.origins))
    return "everywhere" if "*" in origins else listing(origins)
