"""The configuration for display: each setting as text, with its origin.

The values of environment variables are hidden by default, because they may be secret. References to secrets are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from lambent.config.model import Config
from lambent.config.settings import PACKAGING
from lambent.config.sourced import DEFAULT
from lambent.events import Configured, Setting

HIDDEN = "…"


def describe(config: Config, *, show_env: bool = False) -> Configured:
    """Return every setting, those of the app itself first."""
    settings = (*_app(config), *_environment(config, show_env), *_hosting(config), *_packaging(config))
    return Configured(config.name, config.stage, settings)


def _app(config: Config) -> Iterator[Setting]:
    rows: tuple[tuple[str, Any, str], ...] = (
        ("app", config.app.spec, "app"),
        ("kind", config.app.kind, "app"),
        ("name", config.name, "name"),
        ("stage", config.stage, "stage"),
        ("region", config.region, "region"),
        ("profile", config.profile, "profile"),
        ("runtime", config.runtime, "runtime"),
        ("architecture", config.architecture, "architecture"),
        ("memory", f"{config.memory_mb} MB", "memory_mb"),
        ("timeout", f"{config.timeout_s} s", "timeout_s"),
        ("tmp", f"{config.tmp_mb} MB", "tmp_mb"),
        ("stream", config.stream, "stream"),
        ("static", dict(config.static or ()), "static"),
        ("writable", "auto" if config.writable is None else config.writable, "writable"),
        ("run", config.run, "run"),
        ("events", config.events, "events"),
        ("base_path", config.base_path, "base_path"),
        ("runtime_client", config.client, "runtime_client"),
    )
    for name, value, key in rows:
        yield Setting(name, _format(value), config.origins.get(key, DEFAULT))


def _environment(config: Config, show: bool) -> Iterator[Setting]:
    variables = {name: value if show else HIDDEN for name, value in config.environment} | dict(config.secrets)
    for name, value in sorted(variables.items()):
        yield Setting(f"env.{name}", value, config.origins.get(f"env.{name}", DEFAULT))


def _hosting(config: Config) -> Iterator[Setting]:
    hosting = config.hosting
    vpc = {"subnets": hosting.subnets, "security_groups": hosting.security_groups} if hosting.subnets else None
    days = hosting.log_retention_days
    rows: dict[str, Any] = {
        "url": config.has_url,
        "check_path": hosting.check_path or "/",
        "auth": "none" if hosting.auth == "NONE" else "iam",
        "role": hosting.role,
        "permissions": "; ".join(map(_format_permission, hosting.permissions)),
        "policies": hosting.policies,
        "log_retention": "forever" if days is None else f"{days} days",
        "log_format": hosting.log_format.lower(),
        "keep_versions": hosting.keep_versions,
        "reserved_concurrency": hosting.reserved_concurrency,
        "provisioned_concurrency": hosting.provisioned_concurrency,
        "snapstart": hosting.snapstart,
        "tracing": hosting.tracing,
        "tags": dict(hosting.tags),
        "layers": hosting.layers,
        "vpc": vpc,
        "efs": {path: arn for arn, path in hosting.mounts},
        "cors": asdict(hosting.cors) if hosting.cors else None,
        "canary": str(hosting.canary or ""),
        "bucket": hosting.bucket,
    }
    for name, value in rows.items():
        yield Setting(name, _format(value), config.origins.get(name, DEFAULT))


def _format_permission(text: str) -> str:
    """Format a policy statement in the short form if it has one, otherwise as IAM writes it."""
    statement = json.loads(text)
    is_simple = set(statement) == {"Effect", "Action", "Resource"} and isinstance(statement["Action"], list)
    if is_simple and statement["Effect"] == "Allow":
        return f"{', '.join(statement['Action'])} {', '.join(statement['Resource'])}"
    return text


def _packaging(config: Config) -> Iterator[Setting]:
    values: dict[str, Any] = {"exclude": config.exclude, **asdict(config.packaging)}
    for name in PACKAGING:
        yield Setting(name, _format(values[name]), config.origins.get(name, DEFAULT))


def _format(value: Any) -> str:
    """Format a value as in TOML, but text without quotes. "" is a setting without a value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, ensure_ascii=False) if value else ""
