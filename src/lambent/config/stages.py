"""Stages: one app several times over, each with a name and settings of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from lambent.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}")


def chosen(flag: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """The stage that was asked for, and where; two times "" for none. Raises UsageError for what can be no stage's name."""
    stage, origin = (flag, "--stage") if flag is not None else (environ.get("LAMBENT_STAGE", ""), "LAMBENT_STAGE")
    if not stage and flag is None:
        return "", ""
    if not _NAME.fullmatch(stage):
        raise UsageError(
            f"a stage's name is 1 to 20 letters, digits, - and _, got {stage!r}", where=origin, hint="--stage prod"
        )
    return stage, origin


def table_of(stage: str, origin: str, table: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """`[tool.lambent.stages.NAME]`, empty where there are no stages at all.

    Raises UsageError for one that is not among those there are: a slip of the pen would deploy the app once more.
    """
    stages = table.get("stages", {})
    if not isinstance(stages, Mapping) or not all(isinstance(each, Mapping) for each in stages.values()):
        raise UsageError("stages must be tables", where=f"{source} [tool.lambent] stages", hint="[tool.lambent.stages.prod]")
    if not stage or not stages:
        return {}
    if stage not in stages:
        close = get_close_matches(stage, stages, 1, 0.6)
        hint = f"did you mean {close[0]}?" if close else f"add [tool.lambent.stages.{stage}] to {source}"
        raise UsageError(f"there is no stage {stage} among {', '.join(stages)}", where=origin, hint=hint)
    found: Mapping[str, Any] = stages[stage]
    return found
