"""Refuses a deploy for variables that the app can't start without, and names with them what would stop it next."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from lambent.config.environment import check_variables
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.config.sourced import Sourced
from lambent.config.variables.bound import Read
from lambent.config.variables.refusal import MissingVariable, missing_variables, refuse_unset
from lambent.config.variables.unset import find_unset
from lambent.errors import PackagingError, UsageError
from lambent.package import function_settings, secret_scan
from lambent.package.project_files import collect_project

_LOGURU = re.compile(r"(?m)^\s*(?:from|import) loguru\b")
_ENQUEUE = re.compile(r"\benqueue\s*=\s*True")


Ask = Callable[[Sequence[MissingVariable]], Mapping[str, str]]


def refuse_start(
    config: Config, unset: list[Read], check_requirements: Callable[[Config], None], ask: Ask | None = None
) -> tuple[Config, list[Read]]:
    """Return the configuration and the variables that are unset, after `ask` for the values of those that a start needs.

    Raises UsageError as `refuse_unset` does, unless there is somebody to ask and nothing else is in the way: files with
    secrets, requirements because of which `check_requirements` raises, and what needs shared memory are named too.
    """
    try:
        refuse_unset(config, unset)
    except UsageError as error:
        what = error.what
        try:
            start_modules = partial(function_settings.start_modules, config)
            secret_scan.check(collect_project(config).files, config.packaging.allow_secrets, start_modules)
            check_requirements(config)
        except PackagingError as refusal:
            error.what += f"; {refusal.what}"
            error.hint += f"\nand for {refusal.where or 'the files'}: {refusal.hint}" if refusal.hint else ""
            error.detail = refusal.detail
        if location := _enqueue(config):
            error.what += "; Lambda has no shared memory, which loguru's enqueue=True needs"
            error.hint += f"\nand remove enqueue=True in {location}"
        if ask is None or error.what != what:
            raise
        values = ask(missing_variables(config, unset))
        check_variables({name: Sourced(value, name) for name, value in values.items()})
        config = config.with_variables(values, dict.fromkeys(values, "your answer"), values)
        return refuse_start(config, find_unset(config), check_requirements, ask)
    return config, unset


def _enqueue(config: Config) -> str:
    """Return where loguru's messages go through a queue of multiprocessing, as "file:line", or ""."""
    for path in own_files(config):
        text = path.read_text("utf-8-sig", "replace")
        match = _ENQUEUE.search(text) if _LOGURU.search(text) else None
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            return f"{path.relative_to(config.folder).as_posix()}:{line}"
    return ""
