"""The policy that `lambent plan --as policy` prints, against the calls that all commands make on the local Lambda."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.desired import desired
from lambent.deployment.destroy import destroy, prepare
from lambent.deployment.policy import policy
from lambent.deployment.rollback import rollback
from lambent.deployment.status import apps, status
from lambent.deployment.version_list import versions
from lambent.names import Names
from support.deploy_cases import artifact, config
from support.local_service import RUNTIME, Service

QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
SAYS = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"
ACTIONS = {
    "InvokeWithResponseStream": "InvokeFunction",
    "Invoke": "InvokeFunction",
    "HeadBucket": "ListBucket",
}
NOT_SEEN = {
    # required by AWS in addition to the call itself: Service Authorization Reference
    *("iam:PassRole", "iam:TagRole", "logs:TagResource", "lambda:ListTags"),
    # calls that this test doesn't make: no change of trust or retention, no provisioned concurrency
    *("iam:UpdateAssumeRolePolicy", "logs:DeleteRetentionPolicy", "lambda:GetFunctionConfiguration"),
    "logs:StartLiveTail",  # following a log
    *("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
}


def test_policy_allows_every_call_and_little_else(service: Service, tmp_path: Path) -> None:
    aws = connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
    calls: set[str] = set()

    def record(model: Any, **_: Any) -> None:
        prefix = model.service_model.endpoint_prefix
        if prefix != "sts":
            calls.add(f"{prefix}:{ACTIONS.get(model.name, model.name)}")

    aws._session.register("before-call", record)  # type: ignore[attr-defined]
    name = "least"

    def deploy_app(text: str, **changes: Any) -> None:
        zipped = artifact(tmp_path, text, runtime=RUNTIME)
        deploy(config(tmp_path, name, runtime=RUNTIME, **changes), zipped, DeployContext(aws, events.ignore, QUICK))

    permissions = ('{"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["*"]}',)
    full_hosting = Hosting(permissions=permissions, reserved_concurrency=2, tags=(("a", "b"),))
    deploy_app(SAYS.format("one"), hosting=full_hosting)
    deploy_app(SAYS.format("two"), memory_mb=256, hosting=Hosting(keep_versions=1, tags=(("c", "d"),)))
    deploy_app(SAYS.format("two"), memory_mb=256, hosting=Hosting(auth="AWS_IAM"))
    rollback(name, "2", DeployContext(aws, events.ignore, QUICK))
    status(name, aws, 5)
    versions(name, aws)
    apps(aws)
    destroy(prepare(name, aws, logs=True), aws, events.ignore)

    goal = desired(
        config(tmp_path, name, runtime=RUNTIME, hosting=full_hosting),
        artifact(tmp_path, "x"),
        Names(name, "1" * 12, "eu-west-1"),
    )
    allowed = {action for statement in policy(goal)["Statement"] for action in statement["Action"]}
    assert calls - allowed == set()
    assert allowed - calls <= NOT_SEEN


def test_policy_covers_only_this_app(tmp_path: Path) -> None:
    names = Names("shop", "123456789012", "eu-west-1")
    zipped = replace(artifact(tmp_path, "x"), zipped=60_000_000)
    plain = policy(desired(config(tmp_path, "shop"), artifact(tmp_path, "x"), names))
    hosting = Hosting(
        role="arn:aws:iam::123456789012:role/own",
        auth="AWS_IAM",
        layers=("arn:aws:lambda:eu-west-1:1:layer:l:1",),
        subnets=("subnet-1",),
    )
    with_hosting = policy(desired(config(tmp_path, "shop", hosting=hosting), zipped, names))
    for document in (plain, with_hosting):
        assert len(json.dumps(document, separators=(",", ":"))) < 6144  # the limit of a managed policy
        for statement in document["Statement"]:
            wide = {"lambda:ListFunctions", "logs:DescribeLogGroups", "lambda:GetLayerVersion", "s3:ListBucket"}
            describes = all(":Describe" in action for action in statement["Action"])
            if not describes and not set(statement["Action"]) <= wide:
                assert all(
                    "shop" in arn or arn in (hosting.role, "arn:aws:s3:::lambent-123456789012-eu-west-1")
                    for arn in statement["Resource"]
                )
    statements = {statement["Sid"]: statement for statement in plain["Statement"]}
    assert statements["PassRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert statements["AttachPolicies"]["Condition"]["ArnEquals"]["iam:PolicyARN"] == [names.basic_policy_arn]
    assert "iam:PutRolePolicy" not in str(plain) and "s3:PutObject" not in str(plain)
    own = {statement["Sid"]: statement for statement in with_hosting["Statement"]}
    assert own["PassRole"]["Resource"] == [hosting.role] and "Role" not in own
    assert own["Uploads"]["Resource"] == ["arn:aws:s3:::lambent-123456789012-eu-west-1/uploads/shop/*"]
    assert "lambda:InvokeFunctionUrl" in own["Function"]["Action"]
