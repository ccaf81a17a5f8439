"""An app as a Terraform configuration in JSON (.tf.json): what `lambent deploy` creates, under the same names. Pure.

https://developer.hashicorp.com/terraform/language/syntax/json and the documentation of the provider hashicorp/aws.
"""

from __future__ import annotations

import json
from typing import Any

from lambent.deployment.desired import Desired
from lambent.deployment.export.hidden_values import terraform_variables
from lambent.deployment.export.placeholders import ACCOUNT, REGION, Expression, refuse_packages_outside_zip, with_partition
from lambent.deployment.resources import alias, concurrency, function, log_group, permission, role, url

_RESOURCES = (role, log_group, function, alias, concurrency, permission, url)

_COMMENT = (
    "{app}, as lambent deploys it. Its form was checked, but it has never been applied: read `terraform plan`."
    " Upload the zip to the bucket first. `invoked_via_function_url` needs a provider that knows it."
)
_ACCOUNT, _REGION = "${data.aws_caller_identity.current.account_id}", "${data.aws_region.current.region}"
_PARTITION = "${data.aws_partition.current.partition}"

_OUTPUTS = {"url": {"value": Expression("${aws_lambda_function_url.live.function_url}")}}


def terraform(desired: Desired) -> str:
    """Return the configuration as JSON. Raises UsageError for what it can't do."""
    refuse_packages_outside_zip(desired)
    configuration = {
        "//": _COMMENT.format(app=desired.names.app),
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.0"}}},
        "variable": {
            "code_bucket": {"type": "string", "description": "The S3 bucket, in this region, that has the zip"},
            "code_key": {"type": "string", "description": "The key of the zip in that bucket"},
            **{
                variable: {"type": "string", "sensitive": True, "description": f"The environment variable {name}"}
                for name, variable in terraform_variables(desired).items()
            },
        },
        "data": {"aws_caller_identity": {"current": {}}, "aws_region": {"current": {}}, "aws_partition": {"current": {}}},
        "resource": {kind: blocks for module in _RESOURCES for kind, blocks in module.terraform(desired).items()},
        **({"output": _OUTPUTS} if desired.has_url else {}),
    }
    return json.dumps(_substitute(configuration), indent=2) + "\n"


def _substitute(value: Any) -> Any:
    """Replace the placeholders by Terraform's own account and region, and escape what it would take for an expression."""
    if isinstance(value, dict):
        return {key: _substitute(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_substitute(member) for member in value]
    if not isinstance(value, str) or isinstance(value, Expression):
        return value
    text = with_partition(value.replace("${", "$${").replace("%{", "%%{"), _PARTITION)
    return text.replace(ACCOUNT, _ACCOUNT).replace(REGION, _REGION)
