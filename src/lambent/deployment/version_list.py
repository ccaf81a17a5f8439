"""The published versions of an app: which of them get traffic, and how each differs from the one before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import asdict, replace

from lambent import status_events
from lambent.aws.interface import Aws
from lambent.aws.values import Alias, Function
from lambent.config.provenance import parse
from lambent.deployment.alias_history import is_unchecked
from lambent.deployment.failed_versions import failed_versions
from lambent.deployment.resources.function_settings import changed
from lambent.errors import DeployError
from lambent.names import ALIAS, Names


def versions(app: str, aws: Aws) -> status_events.Versions:
    """Read the versions from AWS. Raises DeployError if there is no such app."""
    function = Names(app, "", aws.region).function
    with ThreadPoolExecutor(4) as pool:
        account, alias = pool.submit(aws.account), pool.submit(aws.alias, function, ALIAS)
        latest = pool.submit(aws.function, function)
        published = pool.submit(aws.versions, function).result()
    names = Names(app, account.result(), aws.region)
    location = f"account {names.account} in {names.region}"
    if not published:
        raise DeployError(f"{app} has no versions", where=location, hint="lambent status --all lists the apps")
    function_now = latest.result()
    failed = failed_versions(function_now.tags) if function_now else frozenset()
    return status_events.Versions(app, location, list_versions(published, alias.result(), failed))


def list_versions(
    published: tuple[Function, ...], alias: Alias | None, failed: frozenset[str] = frozenset()
) -> tuple[status_events.Version, ...]:
    """Return the versions, which come oldest first, newest first. Pure."""
    listed = [_version(function, before, alias) for before, function in zip((None, *published), published, strict=False)]
    return tuple(replace(version, failed=version.version in failed) for version in reversed(listed))


def _version(function: Function, previous: Function | None, alias: Alias | None) -> status_events.Version:
    provenance = parse(function.description)
    return status_events.Version(
        version=function.version,
        published=function.modified,
        sha256=function.sha256,
        size=function.size,
        runtime=function.settings.runtime,
        memory_mb=function.settings.memory_mb,
        share=_share(function.version, alias),
        notes=", ".join(_differences(function, previous)),
        **asdict(provenance),
    )


def _share(version: str, alias: Alias | None) -> float:
    """Return its share of the traffic: other versions have their weights, and the alias's own version has the rest."""
    if alias is None or is_unchecked(alias):
        return 0
    weights = dict(alias.weights)
    return 1 - sum(weights.values()) if version == alias.version else weights.get(version, 0)


def _differences(function: Function, previous: Function | None) -> list[str]:
    if previous is None:
        return []
    code = ["new code"] if function.sha256 != previous.sha256 else []
    architecture = [function.architecture] if function.architecture != previous.architecture else []
    return [*code, *architecture, *changed(previous.settings, function.settings, {})]
