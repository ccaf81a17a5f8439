"""An app that is configured for AWS, put on the local Lambda as it is."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from lambent.cli.locally import for_local

from lambent.config.model import Hosting
from support.deploy_cases import config
from support.local_service import RUNTIME, environment

ROLE = "arn:aws:iam::999999999999:role/theirs"
MANAGED = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
THEIRS, HERE = (f"arn:aws:lambda:eu-west-1:{account}:layer:x:1" for account in ("999999999999", "123456789012"))
MOUNT = ("arn:aws:elasticfilesystem:eu-west-1:999999999999:access-point/fsap-0123456789abcdef0", "/mnt/data")


def test_what_is_left_out_and_what_is_said(tmp_path: Path) -> None:
    policies = (MANAGED, "arn:aws:iam::999999999999:policy/theirs")
    given = Hosting(
        subnets=("subnet-1",), security_groups=("sg-1",), mounts=(MOUNT,), layers=(THEIRS, HERE), policies=policies,
        tracing=True, bucket="theirs", provisioned_concurrency=2, auth="AWS_IAM",
    )  # fmt: skip
    local, said = for_local(config(tmp_path, hosting=given))
    assert local.hosting == Hosting(
        layers=(HERE,), policies=(MANAGED,), tracing=True, provisioned_concurrency=2, auth="AWS_IAM"
    )
    assert [text.partition(" is left out")[0] for text in said] == ["vpc", "efs", f"policy {policies[1]}", f"layer {THEIRS}"]
    assert "/mnt/data is not there" in said[1]
    assert local.origins == dict.fromkeys(("vpc", "efs"), "left out: the local Lambda has none")
    other, said = for_local(config(tmp_path, hosting=Hosting(role=ROLE, snapstart=True)))
    assert (other.hosting, len(said)) == (Hosting(), 2)


def test_nothing_is_said_of_an_app_that_asks_for_nothing(tmp_path: Path) -> None:
    plain = config(tmp_path)
    assert for_local(plain) == (plain, ())


def test_a_deploy_warns_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.py").write_text("def lambda_handler(event, context):\n    return 'here'\n")
    (folder / "pyproject.toml").write_text(
        f'[tool.lambent]\nruntime = "{RUNTIME}"\ntracing = true\nsnapstart = true\nrole = "{ROLE}"\nlayers = ["{THEIRS}"]\n'
        'vpc = { subnets = ["subnet-0123456789abcdef0"], security_groups = ["sg-0123456789abcdef0"] }\n'
    )
    kept = {name: value for name, value in environment().items() if not name.startswith(("AWS_", "LAMBENT_"))}
    state = ["--state", str(tmp_path / "state")]
    lambent = [sys.executable, "-m", "lambent"]
    try:
        done = subprocess.run(
            [*lambent, "deploy", "--local", *state, "--port", str(_free_port()), str(folder)],
            env=kept, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for text in ("vpc is left out", "snapstart is left out", "role is left out", f"layer {THEIRS} is left out"):
            assert text in done.stderr
        port = done.stdout.strip().rstrip("/").rpartition(":")[2]
        url = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": done.stdout.strip().split("/")[2]})
        assert urllib.request.urlopen(url, timeout=30).read() == b"here"
    finally:
        subprocess.run([*lambent, "local", "stop", *state], env=kept, capture_output=True, timeout=60, check=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
