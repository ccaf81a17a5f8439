"""Published versions: copies of $LATEST that never change."""

from __future__ import annotations

import hashlib
import json

from lambent.local.control.configuration import configuration, listed, page
from lambent.local.control.context import Call, refuse_while_busy
from lambent.local.control.faults import invalid
from lambent.local.store import LATEST, Document, Record, new_revision

# What may differ between $LATEST and a version without $LATEST having "changed since the last version".
VOLATILE = frozenset(
    [
        "FunctionArn",
        "Version",
        "RevisionId",
        "LastModified",
        "State",
        "StateReason",
        "StateReasonCode",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
    ]
)


async def publish_version(call: Call) -> Document:
    """A new version, or the last one when nothing has changed since."""
    target, params = call.target().unqualified(), call.params
    record = call.record(target)
    sha = params.get("CodeSha256")
    if sha and sha != record.latest["CodeSha256"]:
        raise invalid(
            f"CodeSHA256 ({sha}) is different from current CodeSHA256 in $LATEST ({record.latest['CodeSha256']}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    call.check_revision(record.latest)
    refuse_while_busy(record)
    version = publish(record, params.get("Description"), pending=False)
    call.store.save(record)
    return configuration(version, f"{target.arn}:{version['Version']}")


def publish(record: Record, description: str | None = None, *, pending: bool) -> Document:
    """Publishes $LATEST into the record (the caller saves it). `pending` versions settle together with $LATEST."""
    source = fingerprint(record.latest)
    last = record.versions.get(str(record.last_version))
    if last is not None and last["_source"] == source:
        return last
    record.last_version += 1
    number = str(record.last_version)
    version = {key: value for key, value in record.latest.items() if not key.startswith(("State", "LastUpdateStatus"))}
    version |= {"Version": number, "RevisionId": new_revision(), "_source": source}
    version |= CREATING if pending else {"State": "Active", "LastUpdateStatus": "Successful"}
    if description is not None:
        version["Description"] = description
    record.versions[number] = version
    if not pending:
        record.latest["RevisionId"] = new_revision()  # recorded: publishing changes $LATEST's too
    return version


CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}


def fingerprint(latest: Document) -> str:
    kept = {member: value for member, value in latest.items() if member not in VOLATILE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


async def list_versions_by_function(call: Call) -> Document:
    target = call.target().unqualified()
    record = call.record(target)
    shown, more = page(all_versions(record), call.params, lambda version: str(version["Version"]))
    return {"Versions": [listed(version, f"{target.arn}:{version['Version']}") for version in shown], **more}


def all_versions(record: Record) -> list[Document]:
    """$LATEST, then the published versions by number."""
    assert record.latest["Version"] == LATEST
    return [record.latest, *(record.versions[number] for number in sorted(record.versions, key=int))]
