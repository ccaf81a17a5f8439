"""Stages, environment variables, secrets and the hosting settings."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lambent.config.load import AppLocation, Flags, load, locate_app
from lambent.config.model import Canary, Config, Cors, Hosting
from lambent.deploy.desired import desired
from lambent.errors import UsageError
from lambent.names import Names
from lambent.package.artifact import Artifact

APP = "async def app(scope, receive, send): pass\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "main.py").write_text(APP)
    return folder


def load_config(app: Path, toml: str, /, environ: dict[str, str] | None = None, **flags: Any) -> Config:
    (app / "pyproject.toml").write_text(toml)
    return load(app, Flags(runtime="python3.13", **flags), environ or {}, date(2026, 11, 23))


def table(lines: str) -> str:
    return f"[tool.lambent]\n{lines}\n"


def test_stage_overrides_the_settings_of_the_app(app: Path) -> None:
    toml = table(
        'memory = 256\ntimeout = 5\nenv = { A1 = "a", B1 = "b" }\n[tool.lambent.stages.prod]\nmemory = 2048\nenv = { B1 = "c" }'
    )
    plain, prod = load_config(app, toml), load_config(app, toml, stage="prod")
    assert (plain.name, plain.memory_mb, plain.stage) == ("shop", 256, "")
    assert (prod.name, prod.memory_mb, prod.timeout_s, prod.stage) == ("shop-prod", 2048, 5, "prod")
    assert prod.environment == (("A1", "a"), ("B1", "c"))
    assert prod.origins["memory_mb"] == "pyproject.toml [tool.lambent.stages.prod] memory"
    assert prod.origins["timeout_s"] == "pyproject.toml [tool.lambent] timeout"
    assert load_config(app, toml, {"LAMBENT_STAGE": "prod"}).name == "shop-prod"


def test_stage_is_part_of_the_name(app: Path) -> None:
    toml = table('name = "my"\n[tool.lambent.stages.prod]\nname = "the-shop"\n[tool.lambent.stages.test]\nregion = "eu-west-1"')
    assert load_config(app, toml, stage="prod").name == "the-shop"
    assert (load_config(app, toml, stage="test").name, load_config(app, toml, stage="test").region) == ("my-test", "eu-west-1")
    assert load_config(app, toml, stage="test", name="other").name == "other"
    assert locate_app(app, Flags(stage="test"), {}) == AppLocation("my-test", region="eu-west-1")
    assert load_config(app, "", stage="pr-17").name == "shop-pr-17", "any stage is allowed when none is defined"


@pytest.mark.parametrize(
    ("stage", "message", "hint"),
    [
        ("prdo", "unknown stage: prdo (defined: prod)", "did you mean prod?"),
        ("x", "unknown stage: x (defined: prod)", "add [tool.lambent.stages.x] to pyproject.toml"),
        ("a b", "a stage name must be 1 to 20 letters, digits, - or _, got 'a b'", "--stage prod"),
        ("", "a stage name must be 1 to 20 letters, digits, - or _, got ''", "--stage prod"),
    ],
)
def test_unknown_stage_is_refused(app: Path, stage: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(app, table("[tool.lambent.stages.prod]\nmemory = 512"), stage=stage)
    assert (error.value.what, error.value.hint) == (message, hint)


def test_unknown_setting_in_a_stage_is_refused_with_its_origin(app: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_config(app, table("[tool.lambent.stages.prod]\nmemroy = 512"), stage="prod")
    assert (error.value.where, error.value.hint) == ("pyproject.toml [tool.lambent.stages.prod] memroy", "did you mean memory?")


def test_env_file_comes_between_flags_and_table(app: Path) -> None:
    (app / "prod.env").write_text("# mine\nexport AA='x y'\nBB=\"q\"\nCC=$HOME # no\n")
    toml = table('env_file = "prod.env"\nenv = { AA = "table", DD = "table" }')
    config = load_config(app, toml, env=("BB=flag",))
    assert config.environment == (("AA", "x y"), ("BB", "flag"), ("CC", "$HOME"), ("DD", "table"))
    with pytest.raises(UsageError, match=r"cannot read no\.env: No such file or directory"):
        load_config(app, table('env_file = "no.env"'))
    (app / "prod.env").write_text("\ufeffAA=marked by an editor\n")
    assert ("AA", "marked by an editor") in load_config(app, toml).environment


@pytest.mark.parametrize(("line", "message"), (("AA", "AA has no value"), ("CC 'se'cret", "line 2 of prod.env is")))
def test_invalid_line_of_an_env_file_is_refused(app: Path, line: str, message: str) -> None:
    (app / "prod.env").write_text(f"BB=1\n{line}\nDD=2\n")
    with pytest.raises(UsageError, match=message) as error:
        load_config(app, table('env_file = "prod.env"'))
    assert error.value.where.endswith("prod.env:2") and "cret" not in str(vars(error.value))


def test_secret_references_become_permissions_of_the_role(app: Path) -> None:
    toml = table("")
    toml += '[tool.lambent.env]\nDB = { ssm = "/shop/db" }\nKEY = { secret = "shop/keys", key = "stripe" }\nPLAIN = "x"\n'
    config = load_config(app, toml)
    assert config.secrets == (("DB", "ssm:/shop/db"), ("KEY", "secret:shop/keys#stripe"))
    artifact = Artifact(Path("/a.zip"), "x=", 1, 1, 1, "python3.13", "x86_64", "main.app")
    state = desired(config, artifact, Names("shop", "123456789012", "eu-west-1"))
    environment = dict(state.settings.environment)
    assert json.loads(environment["LAMBENT_SECRETS"]) == {"DB": "ssm:/shop/db", "KEY": "secret:shop/keys#stripe"}
    assert environment["PLAIN"] == "x" and "DB" not in environment
    permissions = [(statement["Action"], statement["Resource"]) for statement in json.loads(state.inline)["Statement"]]
    assert permissions == [
        ("ssm:GetParameters", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/keys-??????"),
    ]
    assert load_config(app, toml, env=("DB=plain",)).secrets == (("KEY", "secret:shop/keys#stripe"),), "a flag is stronger"


@pytest.mark.parametrize(
    "value", ['{ ssm = "" }', '{ ssm = "/a b" }', '{ secret = "a", kye = "b" }', "{ vault = 1 }", "{}", "[1]"]
)
def test_invalid_reference_is_refused(app: Path, value: str) -> None:
    with pytest.raises(UsageError, match=r"env\.DB"):
        load_config(app, f"[tool.lambent.env]\nDB = {value}\n")


def test_handler_with_secrets_uses_the_client_that_resolves_them(app: Path) -> None:
    (app / "main.py").write_text("def lambda_handler(event, context): return 1\n")
    assert load_config(app, "").client == "aws"
    assert load_config(app, '[tool.lambent.env]\nDB = { ssm = "/a" }\n').client == "lambent"


def test_hosting_settings_are_read(app: Path) -> None:
    hosting = load_config(
        app,
        table(
            """
            auth = "iam"
            permissions = ["s3:GetObject arn:aws:s3:::b/*", { actions = ["sqs:*"], resources = ["*"] }]
            policies = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
            log_retention = "forever"
            log_format = "json"
            reserved_concurrency = 0
            keep_versions = 3
            tags = { team = "web" }
            layers = ["arn:aws:lambda:eu-west-1:123456789012:layer:name:1"]
            vpc = { subnets = ["subnet-1"], security_groups = ["sg-1"] }
            efs = { "/mnt/d" = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }
            cors = { origins = ["https://a.b"], max_age = 60 }
            """
        ),
    ).hosting
    assert [json.loads(statement)["Action"] for statement in hosting.permissions] == [["s3:GetObject"], ["sqs:*"]]
    assert (hosting.auth, hosting.log_retention_days, hosting.log_format) == ("AWS_IAM", None, "JSON")
    assert (hosting.reserved_concurrency, hosting.keep_versions, hosting.tags) == (0, 3, (("team", "web"),))
    assert hosting.cors == Cors(origins=("https://a.b",), max_age_s=60)
    assert hosting.mounts[0][1] == "/mnt/d" and hosting.subnets == ("subnet-1",)
    assert load_config(app, "").hosting == Hosting()


@pytest.mark.parametrize(
    ("text", "share", "seconds", "shown"),
    [
        ("10%/5m", 0.1, 300, "10 % for 5 min"),
        ("2.5 % / 90s", 0.025, 90, "2.5 % for 90 s"),
        ("50%/2h", 0.5, 7200, "50 % for 2 h"),
    ],
)
def test_canary_is_a_share_and_a_duration(app: Path, text: str, share: float, seconds: int, shown: str) -> None:
    stage = table(f'[tool.lambent.stages.prod]\ncanary = "{text}"')
    assert load_config(app, stage).hosting.canary is None
    canary = load_config(app, stage, stage="prod").hosting.canary
    assert (canary, str(canary)) == (Canary(share, seconds), shown)
    assert load_config(app, stage, stage="prod", canary="none").hosting.canary is None
    assert load_config(app, "", canary=text).origins["canary"] == "--canary"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('permissions = "s3:*"', "permissions must be a list"),
        ('permissions = ["s3:GetObject"]', "a permission needs an action and a resource"),
        ('permissions = ["GetObject *"]', "invalid IAM action: GetObject"),
        ('permissions = [{ Effect = "Maybe" }]', "invalid permission"),
        ("log_retention = 31", "log_retention must be one of 1, 3, 5"),
        ("log_retention = true", "log_retention must be one of 1, 3, 5"),
        ('auth = "basic"', "auth must be none"),
        ('canary = "10%"', "canary must be a percentage of the traffic and a duration"),
        ('canary = "0%/5m"', "canary must be a percentage of the traffic and a duration"),
        ('canary = "100%/5m"', "canary must be a percentage of the traffic and a duration"),
        ('canary = "5%/25h"', "canary must be a percentage of the traffic and a duration"),
        ("canary = 10", "canary must be text"),
        ('role = "me"', "role must look like arn:aws:iam::"),
        (
            'role = "arn:aws:iam::123456789012:role/r"\npermissions = ["s3:* *"]',
            "permissions only apply to a role that lambent creates",
        ),
        ('layers = ["numpy"]', "layers must be ARNs of layer versions, got numpy"),
        ('vpc = { subnets = ["subnet-1"] }', "vpc must have subnets and security_groups"),
        ('efs = { "/data" = "x" }', "efs must map a path below /mnt"),
        (
            'efs = { "/mnt/d" = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }',
            "efs needs a VPC",
        ),
        ("snapstart = true\nprovisioned_concurrency = 1", "SnapStart can't be combined with provisioned concurrency"),
        ("snapstart = true\ntmp = 1024", "SnapStart allows 512 MB of /tmp"),
        ("keep_versions = 0", "keep_versions must be between 1"),
        ('tags = { "aws:x" = "y" }', "the prefixes aws: and lambent: are reserved"),
        ("cors = { max_age = 100000 }", "cors max_age must be between 0 and 86400 seconds"),
        ('cors = { origins = "x" }', "in cors, max_age is a number"),
        ('bucket = "My_Bucket"', "bucket must look like my-bucket"),
        ('stages = "prod"', "stages must be tables"),
    ],
)
def test_setting_that_aws_would_refuse_is_refused(app: Path, toml: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(app, table(toml))
    assert error.value.what.startswith(message)
    assert error.value.where.startswith("pyproject.toml [tool.lambent] ") and error.value.hint
