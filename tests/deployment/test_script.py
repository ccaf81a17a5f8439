"""`lambent plan --as aws-cli`: the script, run by a shell with the real `aws`, has the same result as a deploy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import Code
from lambent.config.model import Config, Cors, Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.observed import observe
from lambent.deployment.plan import plan
from lambent.deployment.resources.bucket import Upload
from lambent.deployment.script import script
from support.deploy_cases import artifact, config
from support.local_service import RUNTIME, Service
from support.plan_cases import CASES

QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
SAYS = "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': {!r}}}\n"
FIRST: dict[str, Any] = {
    "environment": (("GREETING", 'it\'s $HOME "quoted"'),),
    "hosting": Hosting(
        permissions=('{"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["arn:aws:s3:::b/*"]}',),
        reserved_concurrency=5,
        tags=(("team", "web and shop"),),
        cors=Cors(origins=("https://example.com",), methods=("GET",), max_age_s=60),
    ),
}
THEN: dict[str, Any] = {"memory_mb": 256, "stream": True, "hosting": Hosting(log_retention_days=None, tags=(("team", "x"),))}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")


def app_config(folder: Path, name: str, changes: dict[str, Any]) -> Config:
    return config(folder, name, runtime=RUNTIME, **changes)


def by_script(aws: Aws, service: Service, folder: Path, text: str, changes: dict[str, Any]) -> str:
    """Run the script, and return what it printed."""
    commands = script(prepare(app_config(folder, "scripted", changes), artifact(folder, text, runtime=RUNTIME), aws))
    ran = subprocess.run(["sh"], input=commands, env=service.environ(), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, commands + ran.stderr
    assert not ran.stderr, ran.stderr
    return ran.stdout


def by_deploy(aws: Aws, folder: Path, text: str, changes: dict[str, Any]) -> events.Deployed:
    zipped = artifact(folder, text, runtime=RUNTIME)
    return deploy(app_config(folder, "deployed", changes), zipped, DeployContext(aws, events.ignore, QUICK))


def state(aws: Aws, app: str) -> str:
    """Return everything that can be observed, without what differs from run to run and from name to name."""
    names, observed = observe(aws, app, 5)
    assert observed.latest and observed.live and observed.url and observed.alias
    text = (
        *(names.function, observed.role, sorted(observed.attached), observed.inline, observed.log_group, observed.statements),
        *((each.settings, each.sha256, each.architecture, each.size, each.tags) for each in (observed.latest, observed.live)),
        *(observed.latest.reserved, observed.provisioned, observed.versions, observed.alias.version, observed.alias.weights),
        *(observed.url.auth, observed.url.mode, observed.url.cors),
    )
    return str(text).replace(app, "APP")


def test_script_does_the_same_as_a_deploy(aws: Aws, service: Service, tmp_path: Path) -> None:
    """A first deploy, and an update of nearly everything: code, memory, permissions, CORS, streaming."""
    for text, changes, version in ((SAYS.format("one"), FIRST, "1"), (SAYS.format("two"), THEN, "2")):
        printed = by_script(aws, service, tmp_path, text, changes)
        assert by_deploy(aws, tmp_path, text, changes).version == version
        assert state(aws, "scripted") == state(aws, "deployed")
        remaining = prepare(app_config(tmp_path, "scripted", changes), artifact(tmp_path, text, runtime=RUNTIME), aws)
        assert remaining.changes == 0, remaining.lines
        assert printed == f"{remaining.url}\n"
        assert service.fetch(remaining.url).status == 200


def test_script_of_every_plan_is_valid_shell() -> None:
    for case in CASES:
        text = script(plan(case.desired, case.observed))
        checked = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, timeout=20)
        assert checked.returncode == 0 and not checked.stderr, f"{case.name}: {checked.stderr}"


def test_failing_version_ends_the_script_before_it_is_live(aws: Aws, service: Service, tmp_path: Path) -> None:
    by_deploy(aws, tmp_path, SAYS.format("good"), {})
    before = aws.alias("deployed", "live")
    broken = artifact(tmp_path, "import nonesuch\n", runtime=RUNTIME)
    text = script(prepare(app_config(tmp_path, "deployed", {}), broken, aws))
    ran = subprocess.run(["sh"], input=text, env=service.environ(), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 1
    assert "nonesuch" in ran.stderr
    assert aws.alias("deployed", "live") == before


def test_upload_creates_a_bucket_without_public_access(tmp_path: Path, service: Service) -> None:
    """The second run finds the bucket of the first."""
    zipped = artifact(tmp_path, SAYS.format("x"), runtime=RUNTIME).path
    code = Code(zipped, "", 1, "x86_64", bucket="uploaded-by-script", key="uploads/a b/c.zip")
    step = Upload(code, True, (), "123456789012")
    s3 = service.client("s3")
    for _ in range(2):
        commands = "\n".join(['set -eu; work=$(mktemp -d); trap "rm -r $work" EXIT', *step.shell()])
        ran = subprocess.run(["sh"], input=commands, env=service.environ(), capture_output=True, text=True, timeout=120)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        assert s3.get_object(Bucket=step.code.bucket, Key=step.code.key)["Body"].read() == zipped.read_bytes()
        blocked = s3.get_public_access_block(Bucket=step.code.bucket)["PublicAccessBlockConfiguration"]
        assert set(blocked.values()) == {True}
        s3.delete_object(Bucket=step.code.bucket, Key=step.code.key)
