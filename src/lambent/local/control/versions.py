"""Published versions: copies of $LATEST that never change."""

from __future__ import annotations

import hashlib
import json

from lambent.local.control.configuration import CREATING, STATUS, listed_configuration, shown_configuration
from lambent.local.control.configuration_rules import check_settled
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import invalid
from lambent.local.control.pagination import page
from lambent.local.store import Document, Record, new_revision

# What may differ between $LATEST and a version although $LATEST hasn't "changed since the last version".
VOLATILE = STATUS | {"FunctionArn", "Version", "RevisionId", "_layers"}


async def publish_version(context: RequestContext) -> Document:
    """Publish a new version, or return the last one if nothing has changed since."""
    reference, params = context.reference().require_unqualified(), context.params
    record = context.record(reference)
    sha = params.get("CodeSha256")
    if sha and sha != record.latest["CodeSha256"]:
        raise invalid(
            f"CodeSHA256 ({sha}) is different from current CodeSHA256 in $LATEST ({record.latest['CodeSha256']}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    context.check_revision(record.latest)
    check_settled(record)
    version = publish(record, params.get("Description"), pending=False)
    context.store.save(record)
    return shown_configuration(version, f"{reference.arn}:{version['Version']}")


def publish(record: Record, description: str | None = None, *, pending: bool) -> Document:
    """Publish $LATEST into the record, which the caller saves. `pending` versions settle together with $LATEST."""
    source = fingerprint(record.latest)
    last = record.versions.get(str(record.last_version))
    if last is not None and last["_source"] == source:
        return last
    record.last_version += 1
    number = str(record.last_version)
    version = {member: value for member, value in record.latest.items() if member not in STATUS}
    version |= {"Version": number, "RevisionId": new_revision(), "_source": source}
    version |= CREATING if pending else {"State": "Active", "LastUpdateStatus": "Successful"}
    if description is not None:
        version["Description"] = description
    record.versions[number] = version
    if not pending:
        record.latest["RevisionId"] = new_revision()  # recorded: publishing changes $LATEST's too
    return version


def fingerprint(latest: Document) -> str:
    """Return a digest of everything whose change makes a new version."""
    stable = {member: value for member, value in latest.items() if member not in VOLATILE}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()


async def list_versions_by_function(context: RequestContext) -> Document:
    reference = context.reference().require_unqualified()
    record = context.record(reference)
    versions, more = page(all_versions(record), context.params, lambda version: str(version["Version"]))
    return {
        "Versions": [listed_configuration(version, f"{reference.arn}:{version['Version']}") for version in versions],
        **more,
    }


def all_versions(record: Record) -> list[Document]:
    """Return $LATEST, then the published versions by number."""
    return [record.latest, *(record.versions[number] for number in sorted(record.versions, key=int))]
