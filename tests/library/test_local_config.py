"""An app that is configured for AWS runs unchanged on the local Lambda."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

from lambent.config.model import Hosting
from lambent.library.local_config import without_aws_only
from support import forked
from support.deploy_cases import config
from support.local_service import RUNTIME, environment
from support.reader import free_port

ROLE = "arn:aws:iam::999999999999:role/theirs"
AWS_POLICY, FOREIGN_POLICY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::999999999999:policy/theirs"
FOREIGN_LAYER, LOCAL_LAYER = (f"arn:aws:lambda:eu-west-1:{account}:layer:x:1" for account in ("999999999999", "123456789012"))
MOUNT = ("arn:aws:elasticfilesystem:eu-west-1:999999999999:access-point/fsap-0123456789abcdef0", "/mnt/data")


def test_settings_that_only_aws_supports_are_ignored_with_a_warning(tmp_path: Path) -> None:
    hosting = Hosting(
        subnets=("subnet-1",), security_groups=("sg-1",), mounts=(MOUNT,),
        layers=(FOREIGN_LAYER, LOCAL_LAYER), policies=(AWS_POLICY, FOREIGN_POLICY),
        tracing=True, bucket="theirs", provisioned_concurrency=2, auth="AWS_IAM",
    )  # fmt: skip
    local, warnings = without_aws_only(config(tmp_path, hosting=hosting))
    assert local.hosting == Hosting(
        layers=(LOCAL_LAYER,), policies=(AWS_POLICY,), tracing=True, provisioned_concurrency=2, auth="AWS_IAM"
    )
    ignored = [warning.partition(" is ignored")[0] for warning in warnings]
    assert ignored == ["vpc", "efs", f"policy {FOREIGN_POLICY}", f"layer {FOREIGN_LAYER}"]
    assert "/mnt/data does not exist" in warnings[1]
    assert local.origins == dict.fromkeys(("vpc", "efs"), "ignored: not supported by the local Lambda")


def test_a_foreign_role_and_snapstart_are_ignored(tmp_path: Path) -> None:
    local, warnings = without_aws_only(config(tmp_path, hosting=Hosting(role=ROLE, snapstart=True)))
    assert (local.hosting, len(warnings)) == (Hosting(), 2)


def test_an_app_without_such_settings_stays_the_same(tmp_path: Path) -> None:
    plain = config(tmp_path)
    assert without_aws_only(plain) == (plain, ())


def test_a_deploy_warns_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.py").write_text("def lambda_handler(event, context):\n    return 'here'\n")
    (folder / "pyproject.toml").write_text(
        f'[tool.lambent]\nruntime = "{RUNTIME}"\ntracing = true\nsnapstart = true\nrole = "{ROLE}"\n'
        f'layers = ["{FOREIGN_LAYER}"]\n'
        'vpc = { subnets = ["subnet-0123456789abcdef0"], security_groups = ["sg-0123456789abcdef0"] }\n'
    )
    environ = {name: value for name, value in environment().items() if not name.startswith(("AWS_", "LAMBENT_"))}
    state = ["--state", str(tmp_path / "state")]
    lambent = [sys.executable, "-m", "lambent"]
    try:
        command = [*lambent, "deploy", "--local", *state, "--port", str(free_port()), str(folder)]
        deploy = forked.run(command, env=environ, timeout=120)
        assert deploy.returncode == 0, deploy.stderr
        for setting in ("vpc", "snapstart", "role", f"layer {FOREIGN_LAYER}"):
            assert f"{setting} is ignored" in deploy.stderr
        port = deploy.stdout.strip().rstrip("/").rpartition(":")[2]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": deploy.stdout.strip().split("/")[2]})
        assert urllib.request.urlopen(request, timeout=30).read() == b"here"
    finally:
        subprocess.run([*lambent, "local", "stop", *state], env=environ, capture_output=True, timeout=60, check=False)
