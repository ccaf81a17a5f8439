"""One setting at a time: where it was given, whether it is allowed, and what to write instead.

Four places can give one, the first wins: a flag, the environment (`LAMBENT_MEMORY`), the stage's table
(`[tool.lambent.stages.prod]`), `[tool.lambent]`. Every refusal names the place and shows the line to write there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import Struct

from lambent.config import stages
from lambent.errors import UsageError

FROM_ENVIRONMENT = (
    *("app", "name", "runtime", "architecture", "memory", "timeout", "tmp"),
    *("stream", "events", "base_path", "runtime_client"),
)
PACKAGING = (
    *("exclude", "include", "allow_secrets", "keep_all", "keep", "drop", "strip", "overflow", "without", "groups", "extras"),
)
HOSTING = (
    *("role", "permissions", "policies", "log_retention", "log_format", "layers", "vpc", "efs", "tags", "tracing", "snapstart"),
    *("reserved_concurrency", "provisioned_concurrency", "auth", "cors", "canary", "bucket", "keep_versions"),
)
KEYS = (*FROM_ENVIRONMENT, "region", "profile", "env", "env_file", *PACKAGING, *HOSTING)
STAGES = "stages"

_SHORTER = {"architecture": "arch"}  # settings whose option has a name of its own
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


class Given(Struct, frozen=True):
    """A value as it was given, and where: `origin` is for the plan and for errors, `write` shows how to give another."""

    value: Any
    origin: str
    write: Callable[[str], str]

    def refuse(self, what: str, instead: str) -> UsageError:
        """The error for a value that cannot be; `instead` is one that can."""
        return UsageError(what, where=self.origin, hint=self.write(instead))


class Settings(Struct, frozen=True):
    """All that was given, by key."""

    given: Mapping[str, Given]

    def text(self, key: str) -> Given | None:
        """A setting that must be text. Raises UsageError when it is something else, or empty."""
        found = self.given.get(key)
        if found is not None and (not isinstance(found.value, str) or not found.value.strip()):
            raise found.refuse(f"{key} must be text, got {found.value!r}", '"…"')
        return found

    def number(self, key: str, unit: str, low: int, high: int) -> Given | None:
        """A setting that must be a whole number in a range. Raises UsageError when it is not."""
        found = self.given.get(key)
        if found is None:
            return None
        allowed = f"{key} must be between {low} and {high} {unit}, got {found.value}"
        try:
            value = int(str(found.value)) if not isinstance(found.value, bool) else None
        except ValueError:
            value = None
        if value is None:
            raise found.refuse(f"{key} must be a whole number of {unit}, got {found.value!r}", str(low))
        if not low <= value <= high:
            raise found.refuse(allowed, str(low if value < low else high))
        return Given(value, found.origin, found.write)

    def switch(self, key: str) -> Given | None:
        """A setting that must be true or false (the environment may say 1 and 0). Raises UsageError when it is not."""
        found = self.given.get(key)
        if found is None:
            return None
        value = _SWITCH.get(str(found.value).lower())
        if value is None:
            raise found.refuse(f"{key} must be true or false, got {found.value!r}", "true")
        return Given(value, found.origin, found.write)

    def texts(self, key: str, example: str, of: str = "texts") -> Given | None:
        """A setting that must be a list of texts, as a tuple. Raises UsageError when it is not."""
        found = self.given.get(key)
        if found is None:
            return None
        if not isinstance(found.value, list) or not all(isinstance(text, str) and text for text in found.value):
            raise found.refuse(f"{key} must be a list of {of}, got {found.value!r}", example)
        return Given(tuple(found.value), found.origin, found.write)


class Table(Struct, frozen=True):
    """`[tool.lambent]` of a file, with the stage that was asked for: its name ("" for none) and where that was said."""

    content: Mapping[str, Any]
    source: str
    stage: str = ""
    stage_origin: str = ""

    def parts(self) -> tuple[tuple[Mapping[str, Any], str], ...]:
        """The tables that count, the stronger one last, each with its name for people."""
        own = stages.table_of(self.stage, self.stage_origin, self.content, self.source)
        base = {key: value for key, value in self.content.items() if key != STAGES}
        return (base, f"{self.source} [tool.lambent]"), (own, f"{self.source} [tool.lambent.stages.{self.stage}]")


def gather(flags: Mapping[str, Any], environ: Mapping[str, str], table: Table) -> Settings:
    """The settings of all places, the strongest of each: a flag, the environment, the stage's table, the app's.

    Of `env`, which is a table itself, each variable counts alone. Raises UsageError for a key that is none of ours.
    """
    given: dict[str, Given] = {}
    for content, where in table.parts():
        for key, value in content.items():
            if key not in KEYS:
                raise _unknown(key, where)
            before = given.get(key)
            if key == "env" and before and isinstance(before.value, Mapping) and isinstance(value, Mapping):
                value = {**before.value, **value}
            given[key] = Given(value, f"{where} {key}", _toml(key))
    for key in FROM_ENVIRONMENT:
        variable = f"LAMBENT_{key.upper()}"
        if environ.get(variable):
            given[key] = Given(environ[variable], variable, _assignment(variable))
    for key, value in flags.items():
        if value is not None:
            option = _SHORTER.get(key, key).replace("_", "-")
            given[key] = Given(value, f"--no-{option}" if value is False else f"--{option}", _option(option))
    return Settings(given)


def _unknown(key: str, where: str) -> UsageError:
    close = get_close_matches(key, KEYS, 1, 0.6)
    hint = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(KEYS)}"
    return UsageError(f"unknown setting: {key}", where=f"{where} {key}", hint=hint)


def _toml(key: str) -> Callable[[str], str]:
    return lambda value: f"{key} = {value if _bare(value) else _quoted(value)}"


def _assignment(variable: str) -> Callable[[str], str]:
    return lambda value: f"export {variable}={value}"


def _option(key: str) -> Callable[[str], str]:
    return lambda value: f"--{key} {value}"


def _bare(value: str) -> bool:
    return value.isdigit() or value in ("true", "false") or value[:1] in '"[{'


def _quoted(value: str) -> str:
    return f'"{value}"'
