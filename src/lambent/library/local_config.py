"""Adapts an app's configuration to the local Lambda, so that an app that is configured for AWS runs there unchanged."""

from __future__ import annotations

import os
from typing import Any

from msgspec.structs import replace

from lambent import interpreters
from lambent.config.model import Config
from lambent.errors import LocalError
from lambent.events import Emit, Warned
from lambent.library.destination import machine_architecture
from lambent.local.daemon import ACCOUNT

_IGNORED = "ignored: not supported by the local Lambda"


def adapt_to_local(config: Config, emit: Emit) -> Config:
    """Return the configuration without what only AWS supports, and warn about each setting that is ignored.

    Raises LocalError if this machine lacks the Python version of the app's runtime.
    """
    version = config.runtime.removeprefix("python")
    if interpreters.find(version, os.environ) is None:
        raise LocalError(
            f"{config.runtime} needs Python {version}, which is not installed on this machine",
            where=config.origins["runtime"],
            hint=interpreters.install_command(version),
        )
    machine = machine_architecture()
    if config.architecture != machine:
        emit(Warned(f"the zip is for {config.architecture}, but this machine is {machine}: native packages will not load"))
    config, warnings = without_aws_only(config)
    for warning in warnings:
        emit(Warned(warning))
    return config


def without_aws_only(config: Config) -> tuple[Config, tuple[str, ...]]:
    """Return the configuration without what only AWS supports or what belongs to another account, and a warning for each."""
    hosting, warnings = config.hosting, []
    changes: dict[str, Any] = {"bucket": ""}  # lambent creates its own, and the app doesn't see which
    origins = dict(config.origins)
    if hosting.subnets or hosting.security_groups:
        changes |= {"subnets": (), "security_groups": ()}
        origins["vpc"] = _IGNORED
        warnings.append("vpc is ignored: the local Lambda has none, so the function can reach what this machine can reach")
    if hosting.mounts:
        changes["mounts"] = ()
        origins["efs"] = _IGNORED
        paths = ", ".join(path for _, path in hosting.mounts)
        warnings.append(f"efs is ignored: the local Lambda has no file systems, so {paths} does not exist")
    if hosting.snapstart:
        changes["snapstart"] = False
        origins["snapstart"] = _IGNORED
        warnings.append("snapstart is ignored: the local Lambda takes no snapshots, so every environment runs its own init")
    if _is_foreign(hosting.role):
        changes["role"] = ""
        origins["role"] = _IGNORED
        warnings.append(f"role is ignored: {hosting.role} does not exist on the local Lambda, so lambent creates one")
    for field, noun in (("policies", "policy"), ("layers", "layer")):
        arns: tuple[str, ...] = getattr(hosting, field)
        changes[field] = tuple(arn for arn in arns if not _is_foreign(arn))
        warnings += [
            f"{noun} {arn} is ignored: it belongs to another account than the local Lambda's"
            for arn in arns
            if _is_foreign(arn)
        ]
    return replace(config, hosting=replace(hosting, **changes), origins=origins), tuple(warnings)


def _is_foreign(arn: str) -> bool:
    """Whether an ARN belongs to an account other than that of the local Lambda. AWS's own policies belong to none."""
    account = arn.split(":")[4] if arn else ""
    return account not in ("", "aws", ACCOUNT)
