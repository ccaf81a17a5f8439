"""The least IAM policy for the person or pipeline that deploys one app: plan, deploy, inspect, destroy ... Pure.

It has the actions of every step that exists, and those of the reads, on the app's own names. Sources: the actions, resources
and condition keys of AWS's Service Authorization Reference (lambda, iam, logs, s3, ec2, elasticfilesystem).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lambent.deployment.desired import PUBLIC, Desired
from lambent.deployment.follow_log import FOLLOW_ACTIONS
from lambent.deployment.logs import LOG_ACTIONS
from lambent.deployment.observed import READ_ACTIONS
from lambent.deployment.resources import (
    alias,
    bucket,
    canary,
    concurrency,
    function,
    log_group,
    permission,
    role,
    tags,
    url,
    version,
)
from lambent.deployment.status import STATUS_ACTIONS
from lambent.deployment.step import Action
from lambent.names import Names

_RESOURCES = (alias, bucket, canary, concurrency, function, log_group, permission, role, tags, url, version)

Statement = dict[str, Any]


def policy(desired: Desired) -> dict[str, Any]:
    """Return the policy document. GetCallerIdentity needs no permission, so it isn't in it."""
    actions = {*READ_ACTIONS, *STATUS_ACTIONS, *LOG_ACTIONS, *FOLLOW_ACTIONS, *_step_actions()}
    statements = [
        *_function(desired, actions),
        *_logs(desired.names, actions),
        *_role(desired, actions),
        *_storage(desired, actions),
        *_related(desired),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _step_actions() -> Iterator[str]:
    """Yield the actions of every kind of step that exists."""
    for module in _RESOURCES:
        for member in vars(module).values():
            if isinstance(member, type) and issubclass(member, Action):
                yield from member.actions


def _allow(sid: str, actions: Iterable[str], resources: list[str], **condition: Any) -> Statement:
    conditions = {"Condition": condition} if condition else {}
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources, **conditions}


def _of(service: str, actions: Iterable[str]) -> set[str]:
    return {action for action in actions if action.startswith(f"{service}:")}


def _function(desired: Desired, actions: set[str]) -> Iterator[Statement]:
    own = _of("lambda", actions) - {"lambda:ListFunctions"}
    if desired.auth == PUBLIC:
        own.remove("lambda:InvokeFunctionUrl")  # needed only to sign the request of the URL
    yield _allow("Function", own, [desired.names.function_arn, f"{desired.names.function_arn}:*"])
    yield _allow("ListApps", ["lambda:ListFunctions"], ["*"])


def _logs(names: Names, actions: set[str]) -> Iterator[Statement]:
    groups = f"arn:{names.partition}:logs:{names.region}:{names.account}:log-group:"
    own = _of("logs", actions) - {"logs:DescribeLogGroups"}
    yield _allow("Logs", own, [f"{groups}{names.log_group}", f"{groups}{names.log_group}:*"])
    yield _allow("FindLogs", ["logs:DescribeLogGroups"], [f"{groups}*"])  # AWS allows no narrower resource


def _role(desired: Desired, actions: set[str]) -> Iterator[Statement]:
    """Allow only the managed policies that the app names to be attached to its role. PutRolePolicy has no such condition."""
    names, role = desired.names, [desired.names.role_arn]
    reads = _of("iam", READ_ACTIONS)
    yield _allow("ReadRole", reads, role)
    if desired.own_role:
        writes = _of("iam", actions) - reads - {"iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PassRole"}
        yield _allow("Role", writes - (set() if desired.inline else {"iam:PutRolePolicy"}), role)
        attached = {"ArnEquals": {"iam:PolicyARN": list(desired.policies)}}
        yield _allow("AttachPolicies", ["iam:AttachRolePolicy"], role, **attached)
        yield _allow("DetachPolicies", ["iam:DetachRolePolicy"], role)
    passed = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    yield _allow("PassRole", ["iam:PassRole"], [names.role_arn if desired.own_role else desired.settings.role], **passed)


def _storage(desired: Desired, actions: set[str]) -> Iterator[Statement]:
    """Allow listing the bucket in any case, because destroying an app looks for uploads."""
    names, code, overflow = desired.names, desired.code, desired.overflow
    arn = f"arn:{names.partition}:s3:::"
    bucket = code.bucket or (overflow.bucket if overflow else "")
    buckets = dict.fromkeys(name for name in (names.bucket, bucket) if name)
    yield _allow("FindUploads", ["s3:ListBucket"], [arn + name for name in buckets])
    on_objects = {action for action in _of("s3", actions) if action.endswith("Object")}
    if code.bucket:
        yield _allow("Uploads", on_objects, [f"{arn}{code.bucket}/{names.uploads}*"])
    if overflow:
        yield _allow("Packages", on_objects, [f"{arn}{overflow.bucket}/{names.overflow}*"])
    if bucket and desired.creates_bucket:
        yield _allow("Bucket", _of("s3", actions) - on_objects - {"s3:ListBucket"}, [arn + bucket])


def _related(desired: Desired) -> Iterator[Statement]:
    """Yield the statements for what Lambda reads on behalf of the caller who configures the function."""
    settings = desired.settings
    if settings.layers:
        yield _allow("Layers", ["lambda:GetLayerVersion"], list(settings.layers))
    if settings.subnets:
        network = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
        yield _allow("Network", network, ["*"])
    if settings.mounts:
        mounts = ["elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeMountTargets"]
        yield _allow("FileSystem", mounts, ["*"])
