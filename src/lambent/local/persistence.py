"""Which requests to AWS's other services outlive a restart, and what they are about. Pure.

Kept: everything in IAM, the buckets and objects of S3, and log groups (not the log lines). All else is in memory, as moto
has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar
from urllib.parse import parse_qsl

from msgspec import Struct

Effect = Literal["add", "replace", "end"]
"""What a request does to its subject: adds to it, makes all that was before it needless, or removes it."""

_IAM_READS = ("Get", "List", "Simulate", "Generate")
_LOG_GROUP_WRITES = frozenset(
    {
        "AssociateKmsKey",
        "CreateLogGroup",
        "DeleteLogGroup",
        "DeleteMetricFilter",
        "DeleteRetentionPolicy",
        "DeleteSubscriptionFilter",
        "PutMetricFilter",
        "PutRetentionPolicy",
        "PutSubscriptionFilter",
        "TagLogGroup",
        "TagResource",
        "UntagLogGroup",
        "UntagResource",
    }
)
_IAM_SUBJECTS = (("RoleName", "role"), ("UserName", "user"), ("GroupName", "group"), ("PolicyName", "policy"))


class Call(Struct, frozen=True):
    """One HTTP request to another AWS service. `path` is percent-encoded; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Meaning(Struct, frozen=True):
    """`subject` is "" when nothing can be said of it: such an entry is kept for good."""

    subject: str
    effect: Effect


class Subjected(Protocol):
    @property
    def subject(self) -> str: ...
    @property
    def effect(self) -> Effect: ...


Entry = TypeVar("Entry", bound=Subjected)


def scope(call: Call) -> tuple[str, str]:
    """(service, region) of the credential scope a request was signed for, or ("", "")."""
    credential = call.header("authorization").partition("Credential=")[2].partition(",")[0]
    if not credential:
        told = dict(parse_qsl(call.query))
        credential = told.get("X-Amz-Credential", "")
    parts = credential.split("/")
    return (parts[3].lower(), parts[2]) if len(parts) == 5 else ("", "")


def meaning(call: Call) -> Meaning | None:
    """What to keep of a request, or None when it changes nothing that is kept."""
    service, region = scope(call)
    if service == "iam":
        return _iam(dict(parse_qsl(call.body.decode("utf-8", "replace"))))
    if service == "logs":
        return _logs(call, region)
    if service == "s3":
        return _s3(call)
    return None


def compact(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those that a later one made needless. The order stays."""
    gone: set[str] = set()
    kept = []
    for entry in reversed(entries):
        subject = entry.subject
        if subject and any(ancestor in gone for ancestor in _lineage(subject)):
            continue
        if subject and entry.effect != "add":
            gone.add(subject)
        if entry.effect != "end" or not subject:
            kept.append(entry)
    kept.reverse()
    return kept


def _lineage(subject: str) -> Iterable[str]:
    """An object goes with its bucket: "s3:bucket/key" and "s3:bucket"."""
    yield subject
    if subject.startswith("s3:") and "/" in subject:
        yield subject.partition("/")[0]


def _iam(told: Mapping[str, str]) -> Meaning | None:
    action = told.get("Action", "")
    if not action or action.startswith(_IAM_READS):
        return None
    for member, kind in _IAM_SUBJECTS:
        if member in told:
            ends = action == f"Delete{kind.capitalize()}"
            return Meaning(f"iam:{kind}/{told[member]}", "end" if ends else "add")
    return Meaning("", "add")


def _logs(call: Call, region: str) -> Meaning | None:
    operation = call.header("x-amz-target").rpartition(".")[2]
    if operation not in _LOG_GROUP_WRITES:
        return None
    try:
        told = json.loads(call.body)
        name = told.get("logGroupName") or told.get("resourceArn", "").partition(":log-group:")[2].removesuffix(":*")
    except (ValueError, AttributeError):
        return None
    if not name:
        return Meaning("", "add")
    return Meaning(f"logs:{region}/{name}", "end" if operation == "DeleteLogGroup" else "add")


def _s3(call: Call) -> Meaning | None:
    if call.method not in ("PUT", "POST", "DELETE"):
        return None
    host = call.header("host").rpartition(":")[0]
    bucket, _, key = call.path.lstrip("/").partition("/")
    plain = not any(name not in ("x-id",) for name, _ in parse_qsl(call.query, keep_blank_values=True))
    if host not in ("127.0.0.1", "localhost", "[::1]") or not bucket or call.header("x-amz-copy-source"):
        return Meaning("", "add")  # the bucket is in the host's name, or the request leans on another object
    subject = f"s3:{bucket}/{key}" if key else f"s3:{bucket}"
    if call.method == "DELETE" and plain:
        return Meaning(subject, "end")
    if call.method == "PUT" and plain and key:
        return Meaning(subject, "replace")
    return Meaning(subject, "add")
