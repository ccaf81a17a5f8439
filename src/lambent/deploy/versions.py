"""The versions of an app that there are, which of them answer, and how each differs from the one before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import Alias, Function
from lambent.deploy.parts.function import changed
from lambent.errors import DeployError
from lambent.names import ALIAS, Names


def versions(app: str, aws: Aws) -> events.Versions:
    """From AWS alone, with three reads at the same time. Raises DeployError if there is no such app."""
    function = Names(app, "", aws.region).function
    with ThreadPoolExecutor(3) as pool:
        account, alias = pool.submit(aws.account), pool.submit(aws.alias, function, ALIAS)
        published = pool.submit(aws.versions, function).result()
    names = Names(app, account.result(), aws.region)
    where = f"account {names.account} in {names.region}"
    if not published:
        raise DeployError(f"{app} has no versions", where=where, hint="lambent status --all shows the apps there are")
    return events.Versions(app, where, rows(published, alias.result()))


def rows(published: tuple[Function, ...], alias: Alias | None) -> tuple[events.Version, ...]:
    """Pure; from the oldest first to the newest first."""
    before = (None, *published)
    told = [_row(each, previous, alias) for previous, each in zip(before, published, strict=False)]
    return tuple(reversed(told))


def _row(function: Function, previous: Function | None, alias: Alias | None) -> events.Version:
    return events.Version(
        version=function.version,
        published=function.modified,
        sha256=function.sha256,
        size=function.size,
        runtime=function.settings.runtime,
        memory_mb=function.settings.memory_mb,
        share=_share(function.version, alias),
        notes=", ".join(_notes(function, previous)),
    )


def _share(version: str, alias: Alias | None) -> float:
    """How much of the traffic it has: further versions have their weights, and the alias's own has the rest."""
    if alias is None:
        return 0
    weights = dict(alias.weights)
    return 1 - sum(weights.values()) if version == alias.version else weights.get(version, 0)


def _notes(function: Function, previous: Function | None) -> list[str]:
    if previous is None:
        return []
    code = ["new code"] if function.sha256 != previous.sha256 else []
    machine = [function.architecture] if function.architecture != previous.architecture else []
    return [*code, *machine, *changed(previous.settings, function.settings, {})]
