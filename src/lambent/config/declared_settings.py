"""The settings that a deployment file has for the functions of an app. Those of the user come first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from lambent.config.model import MEMORY_DEFAULT_MB, TIMEOUT_DEFAULT_S, App, Cors
from lambent.config.settings import Settings
from lambent.config.sourced import Sourced
from lambent.limits import MEMORY_MAX_MB, TIMEOUT_MAX_S
from lambent.units import listing


def take_over(app: App, settings: Settings, variables: Collection[str]) -> tuple[App, dict[str, Sourced[Any]]]:
    """Return the app with a remark about each setting of its deployment file, and those that nothing else sets, by name.

    `variables` are the names of those that the user sets, for all functions.
    """
    own = [name for route in app.routes for name, _ in route.variables if name not in variables]
    remarks = [f"each of them has its own {listing(list(dict.fromkeys(own)))}"] if own else []
    cors, cors_remark = _cors(app) if "cors" not in settings.raw else ({}, "")
    limits, limit_remarks = _limits(app, settings)
    return replace(app, remarks=(*app.remarks, *remarks, *filter(None, [cors_remark]), *limit_remarks)), cors | limits


def _cors(app: App) -> tuple[dict[str, Sourced[Any]], str]:
    """Return the CORS of the deployment file, if one setting has it all, and a remark about it."""
    preflights = [cors for _, cors in app.preflights]
    if any(cors is not None and not cors.origins for cors in (app.cors, *preflights)):
        return {}, f'{app.source} has no single CORS setting that its text gives: set cors = {{ origins = ["*"] }}'
    if app.cors is not None:
        remark = f"cors as in {app.source}: the URL answers requests from {_origins(app.cors)}"
        return {"cors": Sourced(app.cors, app.source)}, remark
    return {}, f"preflight requests from {_origins(*preflights)} are answered as {app.source} has it" if preflights else ""


def _limits(app: App, settings: Settings) -> tuple[dict[str, Sourced[Any]], list[str]]:
    """Return the memory and the timeout of the deployment file that are above the defaults, and remarks about them."""
    source = app.limits_source
    declared: dict[str, Sourced[Any]] = {}
    shown, remarks = [], []
    for key, field, value, default, maximum, unit in (
        ("memory", "memory_mb", app.memory_mb, MEMORY_DEFAULT_MB, MEMORY_MAX_MB, "MB"),
        ("timeout", "timeout_s", app.timeout_s, TIMEOUT_DEFAULT_S, TIMEOUT_MAX_S, "s"),
    ):
        if key in settings.raw or value <= default:
            continue
        if value > maximum:
            remarks.append(
                f"{source} has {key} {value} {unit}, but Lambda has at most {maximum} {unit}: taking {default} {unit}"
            )
            continue
        declared[field] = Sourced(value, source)
        shown.append(f"{key} {value} {unit}")
    if shown:
        remarks.append(listing(shown) + (f", the most that a function of {source} has" if app.routes else f" as in {source}"))
    return declared, remarks


def _origins(*cors: Cors) -> str:
    origins = list(dict.fromkeys(origin for each in cors for origin in each.origins))
    return "everywhere" if "*" in origins else listing(origins)
