"""An app as a CloudFormation template: the resources that `lambent deploy` makes, under the same names. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Lambda.html
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from msgspec.structs import replace

from lambent.aws.values import TRUST, Statement
from lambent.deploy.desired import Desired
from lambent.deploy.export.place import ACCOUNT, REGION, partitioned, refuse_what_cannot_be
from lambent.deploy.export.private import private
from lambent.names import ALIAS, INVOKE_STATEMENT, POLICY, URL_STATEMENT

Resource = dict[str, Any]

_PARAMETERS = {
    "CodeBucket": {"Type": "String", "Description": "The S3 bucket, of this region, that has the zip"},
    "CodeKey": {"Type": "String", "Description": "The key of the zip in it"},
}


def cloudformation(desired: Desired) -> str:
    """The template, as JSON. Raises UsageError for what a template cannot bring about."""
    refuse_what_cannot_be(desired)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{desired.names.app}, as lambent deploys it. CodeSha256 of the zip: {desired.code.sha256}",
        "Parameters": _PARAMETERS | _asked(desired),
        "Resources": _placed(_resources(desired)),
        "Outputs": {"Url": {"Description": "Where the app answers", "Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}},
    }
    return json.dumps(template, indent=2) + "\n"


def _parameters(desired: Desired) -> dict[str, str]:
    """The parameter of each variable whose value is not shown. A name in CloudFormation has letters and digits alone."""
    found: dict[str, str] = {}
    for name in private(desired):
        word = "Env" + "".join(part.capitalize() for part in name.split("_"))
        while word in found.values():
            word += "X"
        found[name] = word
    return found


def _asked(desired: Desired) -> dict[str, Any]:
    told = {
        word: {"Type": "String", "NoEcho": True, "Description": f"The environment variable {name}"}
        for name, word in _parameters(desired).items()
    }
    release = "Another word publishes a version though nothing else has changed: for a new value of a parameter above"
    return {**told, "Release": {"Type": "String", "Default": "1", "Description": release}} if told else {}


def _resources(desired: Desired) -> dict[str, Resource]:
    version = f"Version{_fingerprint(desired)}"
    release = {"Description": {"Ref": "Release"}} if private(desired) else {}
    found = {"Role": _role(desired)} if desired.own_role else {}
    found["LogGroup"] = _log_group(desired)
    found["Function"] = _function(desired)
    # A version is immutable: each state of the app has one of its own, and those of before stay, to go back to.
    found[version] = {
        "Type": "AWS::Lambda::Version",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"FunctionName": {"Ref": "Function"}, **release},
    }
    found["Alias"] = _alias(desired, version)
    permissions = {_WORDS[each.sid]: _permission(each) for each in desired.statements}
    found |= permissions
    found["Url"] = _url(desired, [*permissions])
    return found


_WORDS = {URL_STATEMENT: "UrlPermission", INVOKE_STATEMENT: "InvokePermission"}


def _fingerprint(desired: Desired) -> str:
    """Of what a version holds: code and configuration, without the values that are not shown."""
    hidden = private(desired)
    environment = tuple((name, "" if name in hidden else value) for name, value in desired.settings.environment)
    told = f"{desired.code.sha256} {desired.code.architecture} {replace(desired.settings, environment=environment)}"
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _role(desired: Desired) -> Resource:
    inside = {"Policies": [{"PolicyName": POLICY, "PolicyDocument": json.loads(desired.inline)}]} if desired.inline else {}
    properties = {
        "RoleName": desired.names.role,
        "AssumeRolePolicyDocument": TRUST,
        "ManagedPolicyArns": list(desired.policies),
        **inside,
        "Tags": _tags(desired),
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _log_group(desired: Desired) -> Resource:
    kept = {"RetentionInDays": desired.retention_days} if desired.retention_days else {}
    properties = {"LogGroupName": desired.names.log_group, **kept, "Tags": _tags(desired)}
    policies = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {"Type": "AWS::Logs::LogGroup", **policies, "Properties": properties}


def _function(desired: Desired) -> Resource:
    settings = desired.settings
    properties: dict[str, Any] = {
        "FunctionName": desired.names.function,
        "Runtime": settings.runtime,
        "Handler": settings.handler,
        "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]} if desired.own_role else settings.role,
        "Architectures": [desired.code.architecture],
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "EphemeralStorage": {"Size": settings.tmp_mb},
        "LoggingConfig": {"LogFormat": settings.log_format},
        "TracingConfig": {"Mode": "Active" if settings.tracing else "PassThrough"},
        "Tags": _tags(desired),
    }
    if settings.environment:
        asked = {name: {"Ref": word} for name, word in _parameters(desired).items()}
        properties["Environment"] = {"Variables": dict(settings.environment) | asked}
    if settings.layers:
        properties["Layers"] = list(settings.layers)
    if settings.subnets:
        properties["VpcConfig"] = {"SubnetIds": list(settings.subnets), "SecurityGroupIds": list(settings.security_groups)}
    if settings.mounts:
        properties["FileSystemConfigs"] = [{"Arn": arn, "LocalMountPath": path} for arn, path in settings.mounts]
    if settings.snapstart:
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    if desired.reserved is not None:
        properties["ReservedConcurrentExecutions"] = desired.reserved
    return {"Type": "AWS::Lambda::Function", "DependsOn": ["LogGroup"], "Properties": properties}


def _alias(desired: Desired, version: str) -> Resource:
    properties: dict[str, Any] = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
        "Name": ALIAS,
    }
    if desired.provisioned is not None:
        properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": desired.provisioned}
    return {"Type": "AWS::Lambda::Alias", "Properties": properties}


def _permission(statement: Statement) -> Resource:
    """CloudFormation makes up the statement's id itself."""
    properties: dict[str, Any] = {
        "FunctionName": {"Ref": "Alias"},
        "Action": statement.action,
        "Principal": statement.principal,
    }
    if statement.url_auth:
        properties["FunctionUrlAuthType"] = statement.url_auth
    if statement.via_url:
        properties["InvokedViaFunctionUrl"] = True
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def _url(desired: Desired, permissions: list[str]) -> Resource:
    properties: dict[str, Any] = {
        "TargetFunctionArn": {"Ref": "Function"},
        "Qualifier": ALIAS,
        "AuthType": desired.auth,
        "InvokeMode": desired.mode,
    }
    if desired.cors is not None:
        properties["Cors"] = desired.cors.members
    return {"Type": "AWS::Lambda::Url", "DependsOn": ["Alias", *permissions], "Properties": properties}


def _tags(desired: Desired) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in desired.tags]


def _placed(value: Any) -> Any:
    """With CloudFormation's own account and region where the marks are; a text without marks is taken as it is."""
    if isinstance(value, dict):
        return {key: _placed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placed(each) for each in value]
    if not isinstance(value, str):
        return value
    told = partitioned(value.replace("${", "${!"), "${AWS::Partition}")
    if not (ACCOUNT in told or REGION in told or "${AWS::Partition}" in told):
        return value
    return {"Fn::Sub": told.replace(ACCOUNT, "${AWS::AccountId}").replace(REGION, "${AWS::Region}")}
