"""The hosting settings, and what AWS would refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambent.config.model import Canary, Cors, Hosting
from lambent.errors import UsageError
from support.configs import load_config


def test_hosting_settings_are_read(web_app: Path) -> None:
    hosting = load_config(
        web_app,
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
        """,
    ).hosting
    assert [json.loads(statement)["Action"] for statement in hosting.permissions] == [["s3:GetObject"], ["sqs:*"]]
    assert (hosting.auth, hosting.log_retention_days, hosting.log_format) == ("AWS_IAM", None, "JSON")
    assert (hosting.reserved_concurrency, hosting.keep_versions, hosting.tags) == (0, 3, (("team", "web"),))
    assert hosting.cors == Cors(origins=("https://a.b",), max_age_s=60)
    assert hosting.mounts[0][1] == "/mnt/d" and hosting.subnets == ("subnet-1",)
    assert load_config(web_app, "").hosting == Hosting()


@pytest.mark.parametrize("path", ["health", "//health", "/a b", "/a#b", "/ä", ""])
def test_check_path_is_a_path(web_app: Path, path: str) -> None:
    with pytest.raises(UsageError, match="check_path must be"):
        load_config(web_app, "", check_path=path)


def test_check_path_and_url(web_app: Path) -> None:
    config = load_config(web_app, 'check_path = "/"')
    assert (config.hosting.check_path, config.has_url) == ("", True)
    assert load_config(web_app, "", check_path="/health?x=1").hosting.check_path == "/health?x=1"
    assert not load_config(web_app, "url = false").has_url
    with pytest.raises(UsageError, match="auth is about a URL, and url = false"):
        load_config(web_app, 'url = false\nauth = "iam"')


@pytest.mark.parametrize(
    ("text", "share", "seconds", "shown"),
    [
        ("10%/5m", 0.1, 300, "10 % for 5 min"),
        ("2.5 % / 90s", 0.025, 90, "2.5 % for 90 s"),
        ("50%/2h", 0.5, 7200, "50 % for 2 h"),
    ],
)
def test_canary_is_a_share_and_a_duration(web_app: Path, text: str, share: float, seconds: int, shown: str) -> None:
    stage = f'[tool.lambent.stages.prod]\ncanary = "{text}"'
    assert load_config(web_app, stage).hosting.canary is None
    canary = load_config(web_app, stage, stage="prod").hosting.canary
    assert (canary, str(canary)) == (Canary(share, seconds), shown)
    assert load_config(web_app, stage, stage="prod", canary="none").hosting.canary is None
    assert load_config(web_app, "", canary=text).origins["canary"] == "--canary"


@pytest.mark.parametrize(
    ("settings", "message"),
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
        ('layers = ["numpy"]', "layers must be layer version ARNs, got numpy"),
        ('vpc = { subnets = ["subnet-1"] }', "vpc must have subnets and security_groups"),
        ('efs = { "/data" = "x" }', "efs must map a path below /mnt"),
        (
            'efs = { "/mnt/d" = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0" }',
            "efs needs a VPC",
        ),
        ("snapstart = true\nprovisioned_concurrency = 1", "SnapStart can't be combined with provisioned concurrency"),
        ("snapstart = true\ntmp = 1024", "SnapStart allows 512 MB of /tmp"),
        ("keep_versions = 0", "keep_versions must be between 1"),
        ('tags = { "aws:x" = "y" }', "tag names must not start with aws: or lambent:"),
        ("cors = { max_age = 100000 }", "cors max_age must be between 0 and 86400 seconds"),
        ('cors = { origins = "x" }', "cors needs a number for max_age"),
        ('bucket = "My_Bucket"', "bucket must look like my-bucket"),
        ('stages = "prod"', "stages must be tables"),
    ],
)
def test_setting_that_aws_would_refuse_is_refused(web_app: Path, settings: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(web_app, settings)
    assert error.value.what.startswith(message)
    assert error.value.where.startswith("pyproject.toml [tool.lambent] ") and error.value.hint
