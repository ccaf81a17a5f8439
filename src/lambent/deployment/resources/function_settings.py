"""The function's configuration: how it differs, and its form in the aws CLI, CloudFormation and Terraform. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec.structs import fields

from lambent.aws.values import BUFFERED, STREAMED, Settings
from lambent.config.live_environment import FLAG_VARIABLES
from lambent.deployment.desired import Desired
from lambent.deployment.export.hidden_values import cloudformation_parameters, terraform_variables
from lambent.deployment.export.placeholders import Expression
from lambent.deployment.step import because

_WORDS = {"memory_mb": "memory", "timeout_s": "timeout", "tmp_mb": "/tmp"}
_UNITS = {"memory_mb": " MB", "timeout_s": " s", "tmp_mb": " MB"}
_OPTIONS = {"subnets": "vpc", "security_groups": "vpc", "mounts": "efs"}
"""The option of lambent's configuration, where its name differs from the field's."""


def changed(old: Settings, new: Settings, origins: dict[str, str]) -> list[str]:
    """Return every difference as "memory 128 MB -> 256 MB (--memory)".

    Of environment variables only the names are shown: their values may be secret.
    """
    differences = []
    for field in fields(Settings):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name == "environment":
            differences += _changed_variables(dict(before), dict(after))
            continue
        word, unit = _WORDS.get(field.name, field.name), _UNITS.get(field.name, "")
        why = because(_OPTIONS.get(field.name, field.name), origins)
        differences.append(f"{word} {before}{unit} -> {after}{unit}{why}")
    return differences


def _changed_variables(before: dict[str, str], after: dict[str, str]) -> list[str]:
    added = [f"env +{name}" for name in after if name not in before]
    removed = [f"env -{name}" for name in before if name not in after]
    new = [f"env {name} (new value)" for name in after if name in before and before[name] != after[name]]
    differences = [*added, *removed, *new]
    own = [difference for difference in differences if FLAG_VARIABLES not in difference]
    return own or differences  # the names of flags' variables change along with them


def removed_variables(old: Settings, new: Settings) -> list[str]:
    """Return the names of the user's environment variables that go away."""
    return [name for name in dict(old.environment) if name not in dict(new.environment) and not name.startswith("LAMBENT_")]


def url_mode(settings: Settings) -> str:
    """Return the InvokeMode that the runtime in this version's zip responds for: see `package.build.STREAM`."""
    return STREAMED if dict(settings.environment).get("LAMBENT_RESPONSE") == "stream" else BUFFERED


def cli_options(settings: Settings, *, complete: bool = False) -> Iterable[str]:
    """Yield the options of the aws CLI. `complete` names empty settings too, since an update keeps what it doesn't name."""
    yield from ("--runtime", settings.runtime, "--handler", settings.handler, "--role", settings.role)
    yield from ("--memory-size", str(settings.memory_mb), "--timeout", str(settings.timeout_s))
    yield from ("--ephemeral-storage", json.dumps({"Size": settings.tmp_mb}))
    yield from ("--environment", json.dumps({"Variables": dict(settings.environment)}))
    if settings.layers:
        yield from ("--layers", *settings.layers)
    if settings.subnets or settings.security_groups:
        network = {"SubnetIds": settings.subnets, "SecurityGroupIds": settings.security_groups}
        yield from ("--vpc-config", json.dumps(network))
    if settings.mounts:
        mounts = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
        yield from ("--file-system-configs", json.dumps(mounts))
    if settings.tracing or complete:
        yield from ("--tracing-config", json.dumps({"Mode": _tracing(settings)}))
    if settings.log_format != "Text" or complete:
        yield from ("--logging-config", json.dumps({"LogFormat": settings.log_format}))
    if settings.snapstart:
        yield from ("--snap-start", json.dumps({"ApplyOn": "PublishedVersions"}))


def cloudformation_properties(desired: Desired) -> dict[str, Any]:
    settings = desired.settings
    properties: dict[str, Any] = {
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "EphemeralStorage": {"Size": settings.tmp_mb},
        "LoggingConfig": {"LogFormat": settings.log_format},
        "TracingConfig": {"Mode": _tracing(settings)},
        "Tags": [{"Key": key, "Value": value} for key, value in desired.tags],
    }
    if settings.environment:
        parameters = {name: {"Ref": parameter} for name, parameter in cloudformation_parameters(desired).items()}
        properties["Environment"] = {"Variables": dict(settings.environment) | parameters}
    if settings.layers:
        properties["Layers"] = list(settings.layers)
    if settings.subnets:
        properties["VpcConfig"] = {"SubnetIds": list(settings.subnets), "SecurityGroupIds": list(settings.security_groups)}
    if settings.mounts:
        properties["FileSystemConfigs"] = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
    if settings.snapstart:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    if desired.reserved is not None:
        properties["ReservedConcurrentExecutions"] = desired.reserved
    return properties


def terraform_arguments(desired: Desired) -> dict[str, Any]:
    settings = desired.settings
    arguments: dict[str, Any] = {}
    if settings.environment:
        variables = {name: Expression(f"${{var.{variable}}}") for name, variable in terraform_variables(desired).items()}
        arguments["environment"] = {"variables": dict(settings.environment) | variables}
    if settings.layers:
        arguments["layers"] = list(settings.layers)
    if settings.subnets:
        arguments["vpc_config"] = {
            "subnet_ids": list(settings.subnets),
            "security_group_ids": list(settings.security_groups),
        }
    if settings.mounts:
        arguments["file_system_config"] = [{"arn": arn, "local_mount_path": path} for arn, path in settings.mounts]
    if settings.snapstart:
        arguments["snap_start"] = {"apply_on": "PublishedVersions"}
    if desired.reserved is not None:
        arguments["reserved_concurrent_executions"] = desired.reserved
    return {
        "memory_size": settings.memory_mb,
        "timeout": settings.timeout_s,
        "ephemeral_storage": {"size": settings.tmp_mb},
        "logging_config": {"log_format": settings.log_format},
        "tracing_config": {"mode": _tracing(settings)},
        **arguments,
    }


def _tracing(settings: Settings) -> str:
    return "Active" if settings.tracing else "PassThrough"
