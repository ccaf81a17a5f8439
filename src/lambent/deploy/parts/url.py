"""The Function URL and who may call it. Pure."""

from __future__ import annotations

from lambent.aws.interface import STREAMED, Cors, Url
from lambent.aws.regions import WITHOUT_URLS
from lambent.deploy import steps
from lambent.deploy.desired import PUBLIC, Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.names import ALIAS, INVOKE_STATEMENT, URL_STATEMENT


def url(desired: Desired, observed: Observed) -> Part:
    """Both statements come before the URL: the other way round, a URL was seen that stayed at 403 (simple-container api#83).
    When the URL is no longer public they go after `traffic` has closed it, so that no caller meets one that refuses everybody.
    """
    name = desired.names.function
    ids = {statement.sid for statement in observed.statements}
    missing = [wanted for wanted in desired.statements if wanted not in observed.statements]
    grants: list[Step] = [steps.Grant(name, ALIAS, wanted, replace=wanted.sid in ids) for wanted in missing]
    lines = [
        PlannedLine("update" if wanted.sid in ids else "create", f"permission {wanted.sid}", f"allows {wanted.action}")
        for wanted in missing
    ]
    asked = {statement.sid for statement in desired.statements}
    surplus = [sid for sid in (URL_STATEMENT, INVOKE_STATEMENT) if sid in ids and sid not in asked]
    revokes: list[Step] = [steps.Revoke(name, ALIAS, sid) for sid in surplus]
    lines += [PlannedLine("delete", f"permission {sid}", "the URL is no longer public") for sid in surplus]
    address, line = _address(desired, observed.url)
    if observed.url is None and desired.names.region in WITHOUT_URLS:
        told = "had no Function URLs in November 2026: if AWS refuses, choose another with --region"
        lines.append(PlannedLine("check", f"region {desired.names.region}", told))
    return Part((*grants, *address, *revokes), (*lines, line))


def _address(desired: Desired, url: Url | None) -> tuple[list[Step], PlannedLine]:
    """The URL's line tells of its mode too, which `traffic` sets."""
    name, auth, mode = desired.names.function, desired.auth, desired.mode
    told = ["answers are streamed"] if mode == STREAMED else []
    if url is None:
        begins = [f"auth {auth}{because('auth', desired.origins)}", *told]
        return [steps.CreateUrl(name, ALIAS, auth, mode, desired.cors)], PlannedLine("create", "URL", ", ".join(begins))
    differences = [f"{url.auth} -> {auth}{because('auth', desired.origins)}"] if url.auth != auth else []
    if url.mode != mode:
        differences.append(f"{url.mode} -> {mode}{because('stream', desired.origins)}")
    if url.cors != desired.cors:
        change = "CORS changes" if desired.cors else "CORS is left to the app"
        differences.append(f"{change}{because('cors', desired.origins)}")
    changes: list[Step] = []
    opened = auth if url.auth != auth and auth == PUBLIC else ""
    if opened or url.cors != desired.cors:
        cors = (desired.cors or Cors()) if url.cors != desired.cors else None
        changes = [steps.UpdateUrl(name, ALIAS, opened, cors=cors)]
    return changes, PlannedLine("update" if differences else "keep", f"URL {url.address}", ", ".join(differences + told))
