"""Which requests to other AWS services survive a restart, and what they change. Pure.

Everything in IAM survives, so do the buckets and objects of S3, and log groups (log lines have a store of their own). All else
is in memory only, as in moto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

from msgspec import Struct

from lambent.local import json_input
from lambent.local.http import Request, credential_scope

Effect = Literal["add", "replace", "end"]
"""What a request does to its subject: it adds to it, makes everything before it obsolete, or removes it."""

_IAM_READS = ("Get", "List", "Simulate", "Generate")
_LOG_GROUP_WRITES = frozenset(
    {
        "AssociateKmsKey",
        "CreateLogGroup",
        "CreateLogStream",
        "DeleteLogGroup",
        "DeleteLogStream",
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


class Change(Struct, frozen=True):
    """A change that survives. If the subject can't be determined it is "", and the change is never dropped."""

    subject: str
    effect: Effect

    @property
    def deletes_logs(self) -> bool:
        """Whether a log group or stream disappears, and its events with it."""
        return self.effect == "end" and self.subject.startswith("logs:")


def persistent_change(request: Request) -> Change | None:
    """Return the change that a request makes, or None if it changes nothing that survives."""
    service, region = credential_scope(request)
    if service == "iam":
        return _iam(dict(parse_qsl(request.body.decode("utf-8", "replace"))))
    if service == "logs":
        return _logs(request, region)
    if service == "s3":
        return _s3(request)
    return None


def _iam(params: Mapping[str, str]) -> Change | None:
    action = params.get("Action", "")
    if not action or action.startswith(_IAM_READS):
        return None
    for member, kind in _IAM_SUBJECTS:
        if member in params:
            deletes = action == f"Delete{kind.capitalize()}"
            return Change(f"iam:{kind}/{params[member]}", "end" if deletes else "add")
    return Change("", "add")


def _logs(request: Request, region: str) -> Change | None:
    operation = (request.header("x-amz-target") or "").rpartition(".")[2]
    if operation not in _LOG_GROUP_WRITES:
        return None
    try:
        params = json_input.loads(request.body)
        name = params.get("logGroupName") or params.get("resourceArn", "").partition(":log-group:")[2].removesuffix(":*")
        stream = f":{params['logStreamName']}" if operation.endswith("LogStream") else ""
    except (ValueError, AttributeError, KeyError):
        return None
    if not name:
        return Change("", "add")
    return Change(f"logs:{region}/{name}{stream}", "end" if operation in ("DeleteLogGroup", "DeleteLogStream") else "add")


def _s3(request: Request) -> Change | None:
    if request.method not in ("PUT", "POST", "DELETE"):
        return None
    host = (request.header("host") or "").rpartition(":")[0]
    bucket, _, key = request.path.lstrip("/").partition("/")
    plain = not any(name not in ("x-id",) for name, _ in parse_qsl(request.query, keep_blank_values=True))
    if host not in ("127.0.0.1", "localhost", "[::1]") or not bucket or request.header("x-amz-copy-source"):
        return Change("", "add")  # the bucket is in the host name, or the request copies another object
    subject = f"s3:{bucket}/{key}" if key else f"s3:{bucket}"
    if request.method == "DELETE" and plain:
        return Change(subject, "end")
    if request.method == "PUT" and plain and key:
        return Change(subject, "replace")
    return Change(subject, "add")
