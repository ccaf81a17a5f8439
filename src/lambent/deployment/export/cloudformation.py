"""An app as a CloudFormation template: the resources that `lambent deploy` creates, under the same names. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Lambda.html
"""

from __future__ import annotations

import json
from typing import Any

from lambent.deployment.desired import Desired
from lambent.deployment.export.hidden_values import cloudformation_parameters
from lambent.deployment.export.placeholders import ACCOUNT, REGION, refuse_packages_outside_zip, with_partition
from lambent.deployment.resources import alias, function, log_group, permission, role, url, version

_RESOURCES = (role, log_group, function, version, alias, permission, url)

_PARAMETERS = {
    "CodeBucket": {"Type": "String", "Description": "The S3 bucket, in this region, that has the zip"},
    "CodeKey": {"Type": "String", "Description": "The key of the zip in that bucket"},
}

_OUTPUTS = {"Url": {"Description": "The app's address", "Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}}


def cloudformation(desired: Desired) -> str:
    """Return the template as JSON. Raises UsageError for what a template can't do."""
    refuse_packages_outside_zip(desired)
    resources = {name: block for module in _RESOURCES for name, block in module.cloudformation(desired).items()}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{desired.names.app}, as lambent deploys it. CodeSha256 of the zip: {desired.code.sha256}",
        "Parameters": _PARAMETERS | _value_parameters(desired),
        "Resources": _substitute(resources),
        **({"Outputs": _OUTPUTS} if desired.has_url else {}),
    }
    return json.dumps(template, indent=2) + "\n"


def _value_parameters(desired: Desired) -> dict[str, Any]:
    parameters = {
        parameter: {"Type": "String", "NoEcho": True, "Description": f"The environment variable {name}"}
        for name, parameter in cloudformation_parameters(desired).items()
    }
    if not parameters:
        return {}
    release = "Change this to publish a new version when only a value of a parameter above has changed"
    return {**parameters, "Release": {"Type": "String", "Default": "1", "Description": release}}


def _substitute(value: Any) -> Any:
    """Replace the placeholders by CloudFormation's own account and region. A text without them stays unchanged."""
    if isinstance(value, dict):
        return {key: _substitute(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_substitute(member) for member in value]
    if not isinstance(value, str):
        return value
    text = with_partition(value.replace("${", "${!"), "${AWS::Partition}")
    if not (ACCOUNT in text or REGION in text or "${AWS::Partition}" in text):
        return value
    return {"Fn::Sub": text.replace(ACCOUNT, "${AWS::AccountId}").replace(REGION, "${AWS::Region}")}
