"""A configuration for eyes: each setting as text with its origin. Pure.

The values of environment variables are left out unless they are asked for: they may be secret, whatever the docs say.
References to secrets are no secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from lambent.config.model import Config
from lambent.config.settings import PACKAGING
from lambent.events import Configured, Setting

HIDDEN = "…"


def describe(config: Config, *, show_env: bool = False) -> Configured:
    """Every setting there is, those of the app itself first."""
    found = (*_app(config), *_environment(config, show_env), *_hosting(config), *_packaging(config))
    return Configured(config.name, config.stage, tuple(found))


def _app(config: Config) -> Iterator[Setting]:
    where = config.origins
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
        ("events", config.events, "events"),
        ("base_path", config.base_path, "base_path"),
        ("runtime_client", config.client, "runtime_client"),
    )
    for name, value, key in rows:
        yield Setting(name, _text(value), where.get(key, "default"))


def _environment(config: Config, show: bool) -> Iterator[Setting]:
    told = {name: value if show else HIDDEN for name, value in config.environment} | dict(config.secrets)
    for name, value in sorted(told.items()):
        yield Setting(f"env.{name}", value, config.origins.get(f"env.{name}", "default"))


def _hosting(config: Config) -> Iterator[Setting]:
    hosting = config.hosting
    vpc = {"subnets": hosting.subnets, "security_groups": hosting.security_groups} if hosting.subnets else None
    days = hosting.log_retention_days
    rows: dict[str, Any] = {
        "auth": "none" if hosting.auth == "NONE" else "iam",
        "role": hosting.role,
        "permissions": "; ".join(map(_permission, hosting.permissions)),
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
        yield Setting(name, _text(value), config.origins.get(name, "default"))


def _permission(text: str) -> str:
    """In the short form when it has one, or as IAM writes it."""
    told = json.loads(text)
    if set(told) == {"Effect", "Action", "Resource"} and told["Effect"] == "Allow" and isinstance(told["Action"], list):
        return f"{', '.join(told['Action'])} {', '.join(told['Resource'])}"
    return text


def _packaging(config: Config) -> Iterator[Setting]:
    said: dict[str, Any] = {"exclude": config.exclude, **asdict(config.packaging)}
    for name in PACKAGING:
        yield Setting(name, _text(said[name]), config.origins.get(name, "default"))


def _text(value: Any) -> str:
    """As one would write it, but texts without quotes; "" for what is not set."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    return json.dumps(value, ensure_ascii=False) if value else ""
