"""Settings as the user wrote them, each with its origin.

A setting can come from four layers. The first one that has it wins: a flag, the environment (`LAMBENT_MEMORY`), the table of
the stage (`[tool.lambent.stages.prod]`), `[tool.lambent]`. Every refusal names the origin and shows the line to write there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.project import Project
from lambent.config.sourced import DEFAULT, Sourced, T
from lambent.config.stages import find_stage_table
from lambent.errors import UsageError

FROM_ENVIRONMENT = (
    *("app", "name", "runtime", "architecture", "memory", "timeout", "tmp"),
    *("stream", "writable", "events", "base_path", "runtime_client"),
)
PACKAGING = (
    *("exclude", "include", "allow_secrets", "keep_all", "keep", "drop", "strip", "overflow", "without", "groups", "extras"),
)
HOSTING = (
    *("role", "permissions", "policies", "log_retention", "log_format", "layers", "vpc", "efs", "tags", "tracing", "snapstart"),
    *("reserved_concurrency", "provisioned_concurrency", "url", "check_path", "auth", "cors", "canary", "bucket"),
    "keep_versions",
)
KEYS = (*FROM_ENVIRONMENT, "region", "profile", "env", "env_file", "static", "run", *PACKAGING, *HOSTING)
STAGES = "stages"

_SHORT_OPTIONS = {"architecture": "arch"}


class RawSetting(Sourced[Any], frozen=True):
    """A setting as the user wrote it, before any check."""

    key: str
    layer: Literal["flag", "environment", "stage", "project"]

    def refuse(self, message: str, example: str) -> UsageError:
        """Return the error for an invalid value. The hint sets `example`, a valid value, in the same place."""
        if self.layer == "flag":
            hint = f"{self.origin} {example}"
        elif self.layer == "environment":
            hint = f"export {self.origin}={example}"
        else:
            is_toml = example.isdigit() or example in ("true", "false") or example[:1] in '"[{'
            hint = f"{self.key} = {example}" if is_toml else f'{self.key} = "{example}"'
        return UsageError(message, where=self.origin, hint=hint)


class Settings(Struct, frozen=True):
    """Every setting the user wrote, by key."""

    raw: Mapping[str, RawSetting]

    def read(self, key: str, parse: Callable[[RawSetting], T], default: T) -> Sourced[T]:
        """Return a setting, parsed, with its origin. `parse` raises UsageError for a value it does not accept."""
        setting = self.raw.get(key)
        return Sourced(default, DEFAULT) if setting is None else Sourced(parse(setting), setting.origin)

    def parse(self, parsers: Mapping[str, Callable[[RawSetting], Any]]) -> dict[str, Any]:
        """Return the values of those settings that the user wrote, by key."""
        return {key: parse(self.raw[key]) for key, parse in parsers.items() if key in self.raw}

    def origins(self, keys: Iterable[str]) -> dict[str, str]:
        """Return where each of these settings came from."""
        return {key: self.raw[key].origin if key in self.raw else DEFAULT for key in keys}


def gather(project: Project, stage: Sourced[str], environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings of all layers, the strongest of each. The variables in `env` are merged one by one.

    Raises UsageError for an unknown key or stage.
    """
    source = project.table_source
    base_table = {key: value for key, value in project.table.items() if key != STAGES}
    stage_table = find_stage_table(stage, project.table, source)
    base = _from_table(base_table, f"{source} [tool.lambent]", "project")
    override = _from_table(stage_table, f"{source} [tool.lambent.stages.{stage.value}]", "stage")
    variables = [layer["env"].value for layer in (base, override) if "env" in layer]
    if len(variables) == 2 and all(isinstance(table, Mapping) for table in variables):
        override["env"] = replace(override["env"], value=variables[0] | variables[1])
    return Settings(base | override | _from_environment(environ) | _from_flags(flags))


def _from_table(table: Mapping[str, Any], origin: str, layer: Literal["stage", "project"]) -> dict[str, RawSetting]:
    for key in table:
        if key not in KEYS:
            similar = get_close_matches(key, KEYS, 1, 0.6)
            hint = f"did you mean {similar[0]}?" if similar else f"the settings are {', '.join(KEYS)}"
            raise UsageError(f"unknown setting: {key}", where=f"{origin} {key}", hint=hint)
    return {key: RawSetting(value, f"{origin} {key}", key, layer) for key, value in table.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, RawSetting]:
    variables = {key: f"LAMBENT_{key.upper()}" for key in FROM_ENVIRONMENT}
    return {
        key: RawSetting(environ[variable], variable, key, "environment")
        for key, variable in variables.items()
        if environ.get(variable)
    }


def _from_flags(flags: Mapping[str, Any]) -> dict[str, RawSetting]:
    options = {key: _SHORT_OPTIONS.get(key, key).replace("_", "-") for key in flags}
    return {
        key: RawSetting(value, f"--no-{options[key]}" if value is False else f"--{options[key]}", key, "flag")
        for key, value in flags.items()
        if value is not None
    }
