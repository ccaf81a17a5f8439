"""The Function URL and who may call it. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from lambent.aws.regions import WITHOUT_URLS
from lambent.aws.values import STREAMED, Cors, Url
from lambent.deploy import steps
from lambent.deploy.desired import PUBLIC, Desired
from lambent.deploy.observed import Observed
from lambent.deploy.parts.part import Part, because
from lambent.deploy.statements import base, free, missing, right
from lambent.deploy.steps import Step
from lambent.events import PlannedLine
from lambent.names import ALIAS


def url(desired: Desired, observed: Observed) -> Part:
    """Both statements come before the URL: the other way round, a URL was seen that stayed at 403 (simple-container api#83).
    When the URL is no longer public they go after `traffic` has closed it, so that no caller meets one that refuses everybody;
    one that somebody has changed by hand goes when the right one is there.
    """
    name, there = desired.names.function, observed.statements
    grants: list[Step] = []
    lines: list[PlannedLine] = []
    for wanted in missing(there, desired.statements):
        sid = free(wanted.sid, there)
        grants.append(steps.Grant(name, ALIAS, replace(wanted, sid=sid)))
        lines.append(PlannedLine("create", f"permission {sid}", f"allows {wanted.action}"))
    surplus = [each.sid for each in there if base(each.sid) and not any(right(each, one) for one in desired.statements)]
    revokes: list[Step] = [steps.Revoke(name, ALIAS, sid) for sid in surplus]
    why = "it is not as lambent made it" if desired.statements else "the URL is no longer public"
    lines += [PlannedLine("delete", f"permission {sid}", why) for sid in surplus]
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
