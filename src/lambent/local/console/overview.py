"""What the console shows of the functions: versions, aliases and URLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambent.local.host_check import url_host
from lambent.local.store import Document, Record, UrlConfig, sha_hex


def describe_function(record: Record, port: int, environments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function as a JSON object, the newest version first. `environments` are the engine's, by name and version."""
    configurations = [record.latest, *sorted(record.versions.values(), key=lambda each: -int(each["Version"]))]
    return {
        "name": record.name,
        "region": record.region,
        "runtime": record.latest["Runtime"],
        "handler": record.latest["Handler"],
        "memory_mb": record.latest["MemorySize"],
        "timeout_s": record.latest["Timeout"],
        "aliases": [_describe_alias(name, alias) for name, alias in sorted(record.aliases.items())],
        "urls": [_describe_url(UrlConfig(**url), port) for url in record.urls.values()],
        "versions": [_describe_version(each, environments.get(f"{record.name}:{each['Version']}")) for each in configurations],
    }


def _describe_version(configuration: Document, environments: Mapping[str, int] | None) -> dict[str, Any]:
    return {
        "version": configuration["Version"],
        "description": configuration.get("Description", ""),
        "modified": configuration["LastModified"],
        "code_bytes": configuration["CodeSize"],
        "code_sha256": sha_hex(configuration),
        "runtime": configuration["Runtime"],
        "memory_mb": configuration["MemorySize"],
        "state": configuration.get("State", ""),
        "reason": configuration.get("StateReason", ""),
        "idle": environments["idle"] if environments else 0,
        "busy": environments["busy"] if environments else 0,
    }


def _describe_alias(name: str, alias: Document) -> dict[str, Any]:
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {
        "name": name,
        "version": alias["FunctionVersion"],
        "description": alias.get("Description", ""),
        "weights": dict(weights),
    }


def _describe_url(url: UrlConfig, port: int) -> dict[str, Any]:
    return {
        "qualifier": url.qualifier,
        "url": f"http://{url_host(url.url_id, url.region)}:{port}/",
        "auth": url.auth_type,
        "mode": url.invoke_mode,
    }
