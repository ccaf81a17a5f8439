"""`lambent export`: the template passes cfn-lint and deploys on moto. Terraform's form is only parsed, and says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.api import lint
from cfnlint.helpers import REGIONS
from click.testing import CliRunner
from msgspec.structs import replace

from lambent.aws.boto import connect
from lambent.aws.regions import WITHOUT_URLS
from lambent.cli import export
from lambent.config.model import App, Config, Cors, Hosting
from lambent.deployment.desired import Desired, desired
from lambent.deployment.export.cloudformation import cloudformation
from lambent.deployment.export.placeholders import placeholder_names
from lambent.deployment.export.terraform import terraform
from lambent.errors import UsageError
from lambent.names import Names
from lambent.package.artifact import Artifact, Overflow
from support.moto_server import endpoint

__all__ = ["endpoint"]

ARTIFACT = Artifact(Path("/p/a.zip"), "new=", 2_000_000, 6_000_000, 90, "python3.13", "arm64", "main.app", (("WRAP", "w"),))
PLAIN = Config(Path("/p"), "hello", App("main", "app", "asgi"), "python3.13")
WHOLE = replace(
    PLAIN,
    environment=(("GREETING", "${HOME} %{if}"),),
    secrets=(("DB", "ssm:/shop/db"),),
    stream=True,
    hosting=Hosting(
        permissions=('{"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["arn:aws:s3:::b/${aws:username}/*"]}',),
        policies=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",),
        log_retention_days=None,
        layers=("arn:aws:lambda:eu-west-1:123456789012:layer:numbers:1",),
        subnets=("subnet-0123456789abcdef0",),
        security_groups=("sg-0123456789abcdef0",),
        mounts=(("arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0", "/mnt/data"),),
        tags=(("team", "web"),),
        tracing=True,
        log_format="JSON",
        reserved_concurrency=20,
        provisioned_concurrency=2,
        cors=Cors(origins=("https://example.com",), methods=("GET",), credentials=True, max_age_s=60),
    ),
)
SNAPSHOT = replace(PLAIN, hosting=Hosting(snapstart=True, auth="AWS_IAM"))
OWN_ROLE = replace(PLAIN, hosting=Hosting(role="arn:aws:iam::123456789012:role/own"))
ALL = (PLAIN, WHOLE, SNAPSHOT, OWN_ROLE)


def desired_state(config: Config) -> Desired:
    return desired(config, ARTIFACT, placeholder_names(config.name))


@pytest.mark.parametrize("config", ALL, ids=("plain", "everything", "snapstart", "own role"))
def test_template_passes_cfn_lint(config: Config) -> None:
    assert [
        str(blocks)
        for blocks in lint(cloudformation(desired_state(config)), regions=["us-east-1", "eu-west-1", "ap-northeast-1"])
    ] == []


def test_regions_without_urls_are_those_of_cloudformation() -> None:
    blocks = lint(cloudformation(desired_state(PLAIN)), regions=list(REGIONS))
    matches = {re.search(r"does not exist in '([\w-]+)'", each.message) for each in blocks if each.rule.id == "E3006"}
    assert {each[1] for each in matches if each} == WITHOUT_URLS


def test_template_has_the_names_of_a_deploy() -> None:
    resources = json.loads(cloudformation(desired_state(WHOLE)))["Resources"]
    names = Names("hello", "123456789012", "eu-west-1")
    properties = {name: resource["Properties"] for name, resource in resources.items()}
    assert properties["Role"]["RoleName"] == names.role
    assert properties["LogGroup"]["LogGroupName"] == names.log_group
    assert properties["Function"]["FunctionName"] == names.function
    (inside,) = properties["Role"]["Policies"]
    statements = [each["Resource"] for each in inside["PolicyDocument"]["Statement"]]
    assert statements == [
        ["arn:aws:s3:::b/${aws:username}/*"],
        {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/db"},
        {"Fn::Sub": "arn:${AWS::Partition}:elasticfilesystem:${AWS::Region}:${AWS::AccountId}:file-system/*"},
    ]
    assert properties["Function"]["Environment"]["Variables"]["GREETING"] == "${HOME} %{if}"
    assert properties["InvokePermission"]["InvokedViaFunctionUrl"] is True
    assert "<<" not in cloudformation(desired_state(WHOLE))


def test_each_state_of_the_app_has_its_own_version() -> None:
    def version(config: Config, artifact: Artifact = ARTIFACT) -> str:
        resources = json.loads(cloudformation(desired(config, artifact, placeholder_names("hello"))))["Resources"]
        return next(name for name in resources if name.startswith("Version"))

    changed = Artifact(**{**vars_of(ARTIFACT), "sha256": "other="})
    assert len({version(PLAIN), version(PLAIN, changed), version(replace(PLAIN, memory_mb=512))}) == 3
    assert version(PLAIN) == version(replace(PLAIN, hosting=Hosting(log_retention_days=7)))


def vars_of(artifact: Artifact) -> dict[str, Any]:
    return {name: getattr(artifact, name) for name in type(artifact).__annotations__}


@pytest.mark.parametrize("config", ALL, ids=("plain", "everything", "snapstart", "own role"))
def test_terraform_refers_only_to_existing_resources(config: Config) -> None:
    text = terraform(desired_state(config))
    parsed = json.loads(text)
    assert "never been applied" in parsed["//"] and "<<" not in text
    defined = {f"{kind}.{name}" for kind, blocks in parsed["resource"].items() for name in blocks}
    defined |= {f"data.{kind}.{name}" for kind, blocks in parsed["data"].items() for name in blocks}
    defined |= {f"var.{name}" for name in parsed["variable"]}
    parameters = {
        ".".join(path.split(".")[: 3 if path.startswith("data.") else 2]) for path in re.findall(r"(?<!\$)\$\{([\w.]+)\}", text)
    }
    parameters |= {
        name for blocks in parsed["resource"].values() for each in blocks.values() for name in each.get("depends_on", ())
    }
    assert parameters <= defined
    assert parsed["resource"]["aws_lambda_function"]["app"]["function_name"] == "hello"


def test_terraform_takes_user_text_literally() -> None:
    resources = json.loads(terraform(desired_state(WHOLE)))["resource"]
    assert resources["aws_lambda_function"]["app"]["environment"]["variables"]["GREETING"] == "$${HOME} %%{if}"
    policy = resources["aws_iam_role_policy"]["app"]["policy"]
    assert "$${aws:username}" in policy
    assert "ssm:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:parameter/shop/db" in policy
    statements = resources["aws_lambda_permission"]
    assert statements["invoke"]["invoked_via_function_url"] is True and statements["url"]["function_url_auth_type"] == "NONE"


HIDDEN = replace(
    PLAIN,
    environment=(
        ("COLOUR", "blue"),
        ("DB", "postgres://shop:hunter2@db/shop"),
        ("FROM_FILE", "of the file"),
        ("STRIPE_KEY", "hunter3"),
        ("STRIPE__KEY", "hunter4"),
    ),
    secrets=(("REFERRED", "ssm:/shop/db"),),
    origins={
        "env.FROM_FILE": ".env (pyproject.toml [tool.lambent] env_file)",
        "env.COLOUR": "pyproject.toml [tool.lambent] env",
    },
)
NOT_SHOWN = ("hunter", "of the file")


def test_secret_values_are_parameters() -> None:
    text = cloudformation(desired_state(HIDDEN))
    template = json.loads(text)
    assert not any(value in text for value in NOT_SHOWN)
    variables = template["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    references = {name: value["Ref"] for name, value in variables.items() if isinstance(value, dict) and "Ref" in value}
    assert references == {
        "DB": "EnvDb",
        "FROM_FILE": "EnvFromFile",
        "STRIPE_KEY": "EnvStripeKey",
        "STRIPE__KEY": "EnvStripeKeyX",
    }
    assert variables["COLOUR"] == "blue" and variables["WRAP"] == "w"
    parameters = template["Parameters"]
    assert all(parameters[word]["NoEcho"] is True and "Default" not in parameters[word] for word in references.values())
    assert [str(match) for match in lint(text, regions=["us-east-1"])] == []
    changed = replace(HIDDEN, environment=tuple((name, value + "!" * (name == "DB")) for name, value in HIDDEN.environment))
    assert cloudformation(desired_state(changed)) == text, "not even a digest tells of the value"


def test_secret_values_are_variables_in_terraform() -> None:
    text = terraform(desired_state(HIDDEN))
    parsed = json.loads(text)
    assert not any(value in text for value in NOT_SHOWN)
    variables = parsed["resource"]["aws_lambda_function"]["app"]["environment"]["variables"]
    assert variables["DB"] == "${var.env_DB}" and variables["COLOUR"] == "blue"
    parameters = [name for name in parsed["variable"] if name.startswith("env_")]
    assert parameters == ["env_DB", "env_FROM_FILE", "env_STRIPE_KEY", "env_STRIPE__KEY"]
    assert all(parsed["variable"][name]["sensitive"] is True for name in parameters)


def test_values_of_an_env_file_are_parameters(tmp_path: Path) -> None:
    folder = tmp_path / "filed"
    folder.mkdir()
    (folder / "lambda_function.py").write_text("def lambda_handler(event, context):\n    return 'hi'\n")
    (folder / ".env").write_text("PLACE=behind the shed\n")
    (folder / "pyproject.toml").write_text('[tool.lambent]\nenv_file = ".env"\nenv = { SHOWN = "yes" }\n')
    for form, parameters in (("cloudformation", '"EnvPlace"'), ("terraform", "var.env_PLACE")):
        ran = CliRunner().invoke(
            export.command, [form, str(folder), "--cache-dir", str(tmp_path / "c")], catch_exceptions=False
        )
        assert ran.exit_code == 0 and "behind the shed" not in ran.stdout and parameters in ran.stdout and '"yes"' in ran.stdout


def test_template_works_in_any_partition() -> None:
    template, parsed = json.loads(cloudformation(desired_state(WHOLE))), json.loads(terraform(desired_state(WHOLE)))
    policies = template["Resources"]["Role"]["Properties"]["ManagedPolicyArns"]
    basic = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
    assert policies[0] == basic and all("${AWS::Partition}" in each["Fn::Sub"] for each in policies)
    attached = parsed["resource"]["aws_iam_role_policy_attachment"].values()
    assert all(each["policy_arn"].startswith("arn:${data.aws_partition.current.partition}:iam::aws:") for each in attached)
    inline = parsed["resource"]["aws_iam_role_policy"]["app"]["policy"]
    assert "arn:${data.aws_partition.current.partition}:ssm:" in inline and "arn:aws:s3:::b/" in inline


@pytest.mark.parametrize("export", (cloudformation, terraform))
def test_packages_outside_the_zip_are_refused(export: Any) -> None:
    overflow = Overflow(Path("/p/b.zip"), "ab", 1, 1, 1, ("torch 2.9.0",))
    with_it = Artifact(**{**vars_of(ARTIFACT), "overflow": overflow})
    with pytest.raises(UsageError, match="torch"):
        export(desired(PLAIN, with_it, placeholder_names("hello")))


MOTO_LACKS = ("AWS::Lambda::Alias", "AWS::Lambda::Url", "AWS::Lambda::Permission")
"""moto 5.2 creates only roles (without managed policies), log groups, functions and versions of a template."""


def test_template_deploys_on_moto(endpoint: str, tmp_path: Path) -> None:
    folder, file = tmp_path / "exported", tmp_path / "template.json"
    folder.mkdir()
    (folder / "lambda_function.py").write_text("def lambda_handler(event, context):\n    return 'hi'\n")
    words = ["cloudformation", str(folder), "-o", str(file), "--memory", "256", "--cache-dir", str(tmp_path / "cache")]
    ran = CliRunner().invoke(export.command, words, catch_exceptions=False)
    assert ran.exit_code == 0 and ran.stdout == f"{file}\n"
    zipped = re.search(r"aws s3 cp (\S+) s3://BUCKET/exported.zip", ran.stderr)
    assert zipped
    template = json.loads(file.read_text())
    supported = {name: each for name, each in template["Resources"].items() if each["Type"] not in MOTO_LACKS}
    assert len(template["Resources"]) - len(supported) == 4
    session = boto3.Session("lambent", "lambent", region_name="eu-west-1")
    s3, formation = (session.client(service, endpoint_url=endpoint) for service in ("s3", "cloudformation"))
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.upload_file(zipped[1], "code", "exported.zip")
    formation.create_stack(
        StackName="exported",
        TemplateBody=json.dumps(template | {"Resources": supported, "Outputs": {}}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": "CodeBucket", "ParameterValue": "code"},
            {"ParameterKey": "CodeKey", "ParameterValue": "exported.zip"},
        ],
    )
    (stack,) = formation.describe_stacks(StackName="exported")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    aws = connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))
    names = Names("exported", "123456789012", "eu-west-1")
    role, function, group = aws.role(names.role), aws.function(names.function), aws.log_group(names.log_group)
    assert role and role.trusts_lambda and dict(role.tags)["lambent:app"] == "exported"
    assert function and (function.settings.memory_mb, function.settings.role) == (256, names.role_arn)
    assert group and group.retention_days == 30
    assert [each.version for each in aws.versions(names.function)] == ["1"]
