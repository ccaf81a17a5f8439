"""The function: its code and configuration. Pure."""

from __future__ import annotations

from msgspec.structs import fields

from lambent.aws.values import Function, Settings
from lambent.deploy import steps
from lambent.deploy.desired import Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because, size
from lambent.deploy.steps import Step
from lambent.events import PlannedLine

_WORDS = {"memory_mb": "memory", "timeout_s": "timeout", "tmp_mb": "/tmp"}
_UNITS = {"memory_mb": " MB", "timeout_s": " s", "tmp_mb": " MB"}
_KEYS = {"subnets": "vpc", "security_groups": "vpc", "mounts": "efs"}
"""Where the setting that says it has another name."""


def is_as_desired(function: Function | None, desired: Desired) -> bool:
    """Whether this version has the desired code and configuration."""
    return (
        function is not None
        and function.sha256 == desired.code.sha256
        and function.architecture == desired.code.architecture
        and function.settings == desired.settings
    )


def function(desired: Desired, observed: Observed) -> Part:
    name, code, latest = desired.names.function, desired.code, observed.latest
    told = f"{size(code.size)} zipped, {size(desired.raw)} raw"
    if latest is None:
        create = steps.CreateFunction(name, desired.settings, code, desired.tags)
        todo = (*_upload(desired), create, *_reserve(desired, None))
        return Part(
            todo, (PlannedLine("create", f"function {name}", f"{_described(desired)}, {told}"), *_reserved(desired, None))
        )
    around = (*_tags(desired, latest), *_reserve(desired, latest.reserved))
    around_lines = (*_tagged(desired, latest), *_reserved(desired, latest.reserved))
    if is_as_desired(observed.live, desired):
        return Part(around, (PlannedLine("keep", f"function {name}", _described(desired)), *around_lines))
    steps_, lines = _update(desired, observed, latest, told)
    return Part(
        (*steps_, *around),
        (*(lines or [PlannedLine("keep", f"function {name}", "uploaded already, not yet live")]), *around_lines),
    )


def _update(desired: Desired, observed: Observed, latest: Function, told: str) -> tuple[list[Step], list[PlannedLine]]:
    name, code = desired.names.function, desired.code
    todo: list[Step] = []
    lines: list[PlannedLine] = []
    before = observed.live or latest
    if code.sha256 != latest.sha256 or code.architecture != latest.architecture or latest.failed:
        todo += [*_upload(desired), steps.UpdateCode(name, code)]
    if before.sha256 != code.sha256 or before.architecture != code.architecture:
        lines.append(PlannedLine("update", "code", f"{before.sha256[:8]} -> {code.sha256[:8]}, {told}"))
    if desired.settings != latest.settings or latest.failed:
        todo.append(steps.UpdateSettings(name, desired.settings))
    differences = changed(before.settings, desired.settings, desired.origins)
    if differences:
        lines.append(PlannedLine("update", "configuration", ", ".join(differences)))
    return todo, lines


def _upload(desired: Desired) -> tuple[Step, ...]:
    return (steps.Upload(desired.code, desired.makes_bucket, desired.tags),) if desired.code.bucket else ()


def _reserve(desired: Desired, now: int | None) -> tuple[Step, ...]:
    return (steps.Reserve(desired.names.function, desired.reserved),) if desired.reserved != now else ()


def _reserved(desired: Desired, now: int | None) -> tuple[PlannedLine, ...]:
    if desired.reserved == now:
        return ()
    verb, why = "update" if now is not None else "create", because("reserved_concurrency", desired.origins)
    return (PlannedLine(verb, "reserved concurrency", f"{_or_none(now)} -> {_or_none(desired.reserved)}{why}"),)


def _or_none(number: int | None) -> str:
    return "none" if number is None else str(number)


def _tags(desired: Desired, latest: Function) -> tuple[Step, ...]:
    wanted, there = dict(desired.tags), dict(latest.tags)
    new = tuple((key, value) for key, value in desired.tags if there.get(key) != value)
    old = tuple(key for key in there if key not in wanted and not key.startswith("aws:"))
    added = (steps.Tag(desired.names.function_arn, new),) if new else ()
    return (*added, *((steps.Untag(desired.names.function_arn, old),) if old else ()))


def _tagged(desired: Desired, latest: Function) -> tuple[PlannedLine, ...]:
    wanted, there = dict(desired.tags), dict(latest.tags)
    told = [f"{key} = {value}" for key, value in desired.tags if there.get(key) != value]
    told += [f"-{key}" for key in there if key not in wanted and not key.startswith("aws:")]
    return (PlannedLine("update", "tags", f"{', '.join(told)}{because('tags', desired.origins)}"),) if told else ()


def changed(old: Settings, new: Settings, origins: dict[str, str]) -> list[str]:
    """Every difference as "memory 128 MB -> 256 MB (--memory)". Of the environment only the names: values may be secrets."""
    out = []
    for field in fields(Settings):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name == "environment":
            out += _changed_names(dict(before), dict(after))
            continue
        word, unit = _WORDS.get(field.name, field.name), _UNITS.get(field.name, "")
        out.append(f"{word} {before}{unit} -> {after}{unit}{because(_KEYS.get(field.name, field.name), origins)}")
    return out


def _changed_names(before: dict[str, str], after: dict[str, str]) -> list[str]:
    added = [f"env +{name}" for name in after if name not in before]
    removed = [f"env -{name}" for name in before if name not in after]
    return added + removed + [f"env {name} (new value)" for name in after if name in before and before[name] != after[name]]


def _described(desired: Desired) -> str:
    settings, origins = desired.settings, desired.origins
    return ", ".join(
        (
            f"{settings.runtime}{because('runtime', origins)}",
            f"{desired.code.architecture}{because('architecture', origins)}",
            f"{settings.memory_mb} MB{because('memory_mb', origins)}",
            f"{settings.timeout_s} s{because('timeout_s', origins)}",
        )
    )
