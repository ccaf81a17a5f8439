"""The least IAM policy for the person or pipeline that deploys one app: plan, deploy, roll back, look, destroy. Pure.

What may be done is every operation that `aws/` calls, on the app's own names alone. Sources: the actions, resources and
condition keys of AWS's Service Authorization Reference (lambda, iam, logs, s3, ec2, elasticfilesystem).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lambent.deploy.desired import PUBLIC, Desired
from lambent.names import Names

_FUNCTION = (
    *("CreateFunction", "DeleteFunction", "GetFunction", "GetFunctionConfiguration", "InvokeFunction"),
    *("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "ListVersionsByFunction"),
    *("CreateAlias", "UpdateAlias", "GetAlias", "ListAliases", "AddPermission", "RemovePermission", "GetPolicy"),
    *("CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "GetFunctionUrlConfig", "DeleteFunctionUrlConfig"),
    *("PutFunctionConcurrency", "DeleteFunctionConcurrency", "TagResource", "UntagResource", "ListTags"),
    *("PutProvisionedConcurrencyConfig", "GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"),
)
"""GetFunction shows tags, by which lambent knows its own, only to those who may ListTags."""

_LOGS = ("CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "DeleteRetentionPolicy", "TagResource", "FilterLogEvents")
_ROLE_READ = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")
_ROLE_WRITE = ("CreateRole", "TagRole", "UpdateAssumeRolePolicy", "DeleteRole", "DeleteRolePolicy")
_BUCKET = ("CreateBucket", "PutBucketPublicAccessBlock", "PutBucketTagging", "PutLifecycleConfiguration")
_OBJECTS = ("PutObject", "GetObject", "DeleteObject")

Statement = dict[str, Any]


def policy(desired: Desired) -> dict[str, Any]:
    """The policy as a document. GetCallerIdentity needs no permission, and is not in it."""
    asks = ("InvokeFunctionUrl",) if desired.auth != PUBLIC else ()  # the last step asks the URL, signed by whoever deploys
    statements = [
        _allow("Function", "lambda", (*_FUNCTION, *asks), [desired.names.function_arn, f"{desired.names.function_arn}:*"]),
        _allow("ListApps", "lambda", ("ListFunctions",), ["*"]),
        *_logs(desired.names),
        *_role(desired),
        *_storage(desired),
        *_around(desired),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, service: str, actions: tuple[str, ...], resources: list[str], **condition: Any) -> Statement:
    named = [f"{service}:{action}" for action in sorted(actions)]
    beside = {"Condition": condition} if condition else {}
    return {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": resources, **beside}


def _logs(names: Names) -> Iterator[Statement]:
    every = f"arn:{names.partition}:logs:{names.region}:{names.account}:log-group:"
    yield _allow("Logs", "logs", _LOGS, [f"{every}{names.log_group}", f"{every}{names.log_group}:*"])
    yield _allow("FindLogs", "logs", ("DescribeLogGroups",), [f"{every}*"])  # takes no narrower one


def _role(desired: Desired) -> Iterator[Statement]:
    """Only the managed policies that the app names may be put on its role; PutRolePolicy knows no such bound."""
    names, ours = desired.names, [desired.names.role_arn]
    yield _allow("LookAtRole", "iam", _ROLE_READ, ours)
    if desired.own_role:
        inside = ("PutRolePolicy",) if desired.inline else ()
        yield _allow("Role", "iam", (*_ROLE_WRITE, *inside), ours)
        attached = {"ArnEquals": {"iam:PolicyARN": list(desired.policies)}}
        yield _allow("RolePolicies", "iam", ("AttachRolePolicy",), ours, **attached)
        yield _allow("EmptyRole", "iam", ("DetachRolePolicy",), ours)
    passed = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    yield _allow("PassRole", "iam", ("PassRole",), [names.role_arn if desired.own_role else desired.settings.role], **passed)


def _storage(desired: Desired) -> Iterator[Statement]:
    """A destroy looks whether there were uploads, so the bucket may be asked for in any case."""
    names, code, overflow = desired.names, desired.code, desired.overflow
    arn = f"arn:{names.partition}:s3:::"
    bucket = code.bucket or (overflow.bucket if overflow else "")
    yield _allow(
        "FindUploads", "s3", ("ListBucket",), list(dict.fromkeys(arn + each for each in (names.bucket, bucket) if each))
    )
    if code.bucket:
        yield _allow("Uploads", "s3", _OBJECTS, [f"{arn}{code.bucket}/uploads/{names.app}/*"])
    if overflow:
        yield _allow("Packages", "s3", _OBJECTS, [f"{arn}{overflow.bucket}/{names.overflow}*"])
    if bucket and desired.makes_bucket:
        yield _allow("Bucket", "s3", _BUCKET, [arn + bucket])


def _around(desired: Desired) -> Iterator[Statement]:
    """What Lambda looks at in the name of whoever configures it."""
    settings = desired.settings
    if settings.layers:
        yield _allow("Layers", "lambda", ("GetLayerVersion",), list(settings.layers))
    if settings.subnets:
        yield _allow("Network", "ec2", ("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs"), ["*"])
    if settings.mounts:
        yield _allow("FileSystem", "elasticfilesystem", ("DescribeMountTargets", "DescribeAccessPoints"), ["*"])
