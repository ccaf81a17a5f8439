"""Stages: deployments of one app under different names, each with its own settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from lambent.config.sourced import DEFAULT, Sourced
from lambent.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}")


def choose_stage(flag: str | None, environ: Mapping[str, str]) -> Sourced[str]:
    """Return the stage that `--stage` or LAMBENT_STAGE names, or "". Raises UsageError for an invalid name."""
    stage = Sourced(environ.get("LAMBENT_STAGE", ""), "LAMBENT_STAGE") if flag is None else Sourced(flag, "--stage")
    if not stage.value and flag is None:
        return Sourced("", DEFAULT)
    if not _NAME.fullmatch(stage.value):
        message = f"a stage name must be 1 to 20 letters, digits, - or _, got {stage.value!r}"
        raise UsageError(message, where=stage.origin, hint="--stage prod")
    return stage


def find_stage_table(stage: Sourced[str], table: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """Return `[tool.lambent.stages.NAME]`. It is empty when `table`, which is `[tool.lambent]`, has no stages at all.

    Raises UsageError for a stage that is missing among others: a typo must not deploy a second copy of the app.
    """
    stages = table.get("stages", {})
    if not isinstance(stages, Mapping) or not all(isinstance(entry, Mapping) for entry in stages.values()):
        raise UsageError("stages must be tables", where=f"{source} [tool.lambent] stages", hint="[tool.lambent.stages.prod]")
    if not stage.value or not stages:
        return {}
    if stage.value not in stages:
        similar = get_close_matches(stage.value, stages, 1, 0.6)
        hint = f"did you mean {similar[0]}?" if similar else f"add [tool.lambent.stages.{stage.value}] to {source}"
        raise UsageError(f"unknown stage: {stage.value} (defined: {', '.join(stages)})", where=stage.origin, hint=hint)
    return dict(stages[stage.value])
