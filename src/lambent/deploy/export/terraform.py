"""An app as a Terraform configuration in its JSON form (.tf.json): what `lambent deploy` makes, under the same names. Pure.

https://developer.hashicorp.com/terraform/language/syntax/json and the documentation of the provider hashicorp/aws.
"""

from __future__ import annotations

import json
from typing import Any

from lambent.aws.values import TRUST, Cors
from lambent.deploy.desired import Desired
from lambent.deploy.export.place import ACCOUNT, REGION, partitioned, refuse_what_cannot_be
from lambent.deploy.export.private import private
from lambent.names import ALIAS, POLICY

Block = dict[str, Any]

_SAID = (
    "{app}, as lambent deploys it. This was checked to be JSON of Terraform's form, and never applied: read `terraform plan`."
    " The zip has to be in the bucket first. `invoked_via_function_url` needs a provider that knows it."
)
_ACCOUNT, _REGION = "${data.aws_caller_identity.current.account_id}", "${data.aws_region.current.region}"
_PARTITION = "${data.aws_partition.current.partition}"


class Expression(str):
    """A text that Terraform is to read as an expression; any other is taken as it is."""


def terraform(desired: Desired) -> str:
    """The configuration, as JSON. Raises UsageError for what it cannot bring about."""
    refuse_what_cannot_be(desired)
    configuration = {
        "//": _SAID.format(app=desired.names.app),
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.0"}}},
        "variable": {
            "code_bucket": {"type": "string", "description": "The S3 bucket, of this region, that has the zip"},
            "code_key": {"type": "string", "description": "The key of the zip in it"},
            **{
                word: {"type": "string", "sensitive": True, "description": f"The environment variable {name}"}
                for name, word in _variables(desired).items()
            },
        },
        "data": {"aws_caller_identity": {"current": {}}, "aws_region": {"current": {}}, "aws_partition": {"current": {}}},
        "resource": _resources(desired),
        "output": {"url": {"value": Expression("${aws_lambda_function_url.live.function_url}")}},
    }
    return json.dumps(_placed(configuration), indent=2) + "\n"


def _variables(desired: Desired) -> dict[str, str]:
    """The variable, in Terraform's sense, of each one whose value is not shown. Case tells Terraform's names apart."""
    return {name: f"env_{name}" for name in private(desired)}


def _resources(desired: Desired) -> Block:
    found: Block = {}
    if desired.own_role:
        found |= _role(desired)
    kept = {"retention_in_days": desired.retention_days} if desired.retention_days else {}
    group = {"name": desired.names.log_group, **kept, "tags": dict(desired.tags)}
    found["aws_cloudwatch_log_group"] = {"app": group}
    found["aws_lambda_function"] = {"app": _function(desired)}
    function = Expression("${aws_lambda_function.app.function_name}")
    alias = {"name": ALIAS, "function_name": function, "function_version": Expression("${aws_lambda_function.app.version}")}
    found["aws_lambda_alias"] = {"live": alias}
    qualifier = Expression("${aws_lambda_alias.live.name}")
    at = {"function_name": function, "qualifier": qualifier}
    if desired.provisioned is not None:
        warm = {**at, "provisioned_concurrent_executions": desired.provisioned}
        found["aws_lambda_provisioned_concurrency_config"] = {"live": warm}
    if desired.statements:
        found["aws_lambda_permission"] = {
            "invoke" if each.via_url else "url": {
                **at,
                "statement_id": each.sid,
                "action": each.action,
                "principal": each.principal,
                **({"function_url_auth_type": each.url_auth} if each.url_auth else {}),
                **({"invoked_via_function_url": True} if each.via_url else {}),
            }
            for each in desired.statements
        }
    found["aws_lambda_function_url"] = {"live": {**at, **_url(desired)}}
    return found


def _role(desired: Desired) -> Block:
    role = Expression("${aws_iam_role.app.name}")
    found: Block = {
        "aws_iam_role": {
            "app": {"name": desired.names.role, "assume_role_policy": json.dumps(TRUST), "tags": dict(desired.tags)}
        },
        "aws_iam_role_policy_attachment": {
            f"policy_{number}": {"role": role, "policy_arn": arn} for number, arn in enumerate(desired.policies)
        },
    }
    if desired.inline:
        found["aws_iam_role_policy"] = {"app": {"name": POLICY, "role": role, "policy": desired.inline}}
    return found


def _function(desired: Desired) -> Block:
    settings = desired.settings
    attached = ["aws_iam_role_policy_attachment.policy_0"] if desired.own_role and desired.policies else []
    found: Block = {
        "function_name": desired.names.function,
        "runtime": settings.runtime,
        "handler": settings.handler,
        "role": Expression("${aws_iam_role.app.arn}") if desired.own_role else settings.role,
        "s3_bucket": Expression("${var.code_bucket}"),
        "s3_key": Expression("${var.code_key}"),
        "source_code_hash": desired.code.sha256,
        "publish": True,
        "architectures": [desired.code.architecture],
        "memory_size": settings.memory_mb,
        "timeout": settings.timeout_s,
        "ephemeral_storage": {"size": settings.tmp_mb},
        "logging_config": {"log_format": settings.log_format},
        "tracing_config": {"mode": "Active" if settings.tracing else "PassThrough"},
        "tags": dict(desired.tags),
        "depends_on": ["aws_cloudwatch_log_group.app", *attached],
    }
    if settings.environment:
        asked = {name: Expression(f"${{var.{word}}}") for name, word in _variables(desired).items()}
        found["environment"] = {"variables": dict(settings.environment) | asked}
    if settings.layers:
        found["layers"] = list(settings.layers)
    if settings.subnets:
        found["vpc_config"] = {"subnet_ids": list(settings.subnets), "security_group_ids": list(settings.security_groups)}
    if settings.mounts:
        found["file_system_config"] = [{"arn": arn, "local_mount_path": path} for arn, path in settings.mounts]
    if settings.snapstart:
        found["snap_start"] = {"apply_on": "PublishedVersions"}
    if desired.reserved is not None:
        found["reserved_concurrent_executions"] = desired.reserved
    return found


def _url(desired: Desired) -> Block:
    found: Block = {"authorization_type": desired.auth, "invoke_mode": desired.mode}
    if desired.statements:
        found["depends_on"] = ["aws_lambda_permission.invoke", "aws_lambda_permission.url"]
    if desired.cors is not None:
        found["cors"] = _cors(desired.cors)
    return found


def _cors(cors: Cors) -> Block:
    told = {
        "allow_origins": list(cors.origins),
        "allow_methods": list(cors.methods),
        "allow_headers": list(cors.headers),
        "expose_headers": list(cors.expose),
        "allow_credentials": cors.credentials,
        "max_age": cors.max_age_s,
    }
    return {key: value for key, value in told.items() if value}


def _placed(value: Any) -> Any:
    """With Terraform's own account and region where the marks are. What would be an expression in other texts is escaped."""
    if isinstance(value, dict):
        return {key: _placed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placed(each) for each in value]
    if not isinstance(value, str) or isinstance(value, Expression):
        return value
    told = partitioned(value.replace("${", "$${").replace("%{", "%%{"), _PARTITION)
    return told.replace(ACCOUNT, _ACCOUNT).replace(REGION, _REGION)
