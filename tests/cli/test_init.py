"""`lambent init` writes settings that mean what was detected, changes nothing else, and its pipeline's role can be created."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from lambent.cli.main import cli
from lambent.deployment.github_actions import Pipeline, trust, workflow
from lambent.names import Names
from support.local_service import Service
from support.locking import write
from support.paths import ROOT

APP = "from flask import Flask\napp = Flask(__name__)\n"
ISSUER = "token.actions.githubusercontent.com"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", {"main.py": APP, "requirements.txt": ""})


def init(app: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", str(app), *arguments])


def settings(app: Path, *arguments: str) -> dict[str, str]:
    result = CliRunner().invoke(cli, ["config", str(app), "--json", *arguments])
    assert result.exit_code == 0, result.output
    return {row["name"]: row["value"] for row in json.loads(result.stdout)["settings"]}


def test_what_was_detected_becomes_the_settings(app: Path) -> None:
    before = settings(app)
    assert init(app).exit_code == 0
    table = tomllib.loads((app / "pyproject.toml").read_text())["tool"]["lambent"]
    assert table == {"app": "main:app", "name": "shop"}
    assert settings(app) == before


def test_every_comment_is_a_setting_that_works(app: Path) -> None:
    init(app)
    path = app / "pyproject.toml"
    path.write_text(re.sub(r"^# (?=\[|\w+ = )", "", path.read_text(), flags=re.MULTILINE))
    assert settings(app)["region"] == "eu-west-1"
    prod = settings(app, "--stage", "prod")
    assert (prod["name"], prod["memory"], prod["timeout"]) == ("shop-prod", "2048 MB", "30 s")
    assert set(tomllib.loads(path.read_text())["tool"]["lambent"]) >= {"runtime", "check_path", "auth", "permissions", "env"}


@pytest.mark.parametrize(
    "existing",
    [
        '[project]\r\nname = "shop"  # mine\r\nversion = "1"\r\n\r\n[tool.ruff]\r\nline-length=80',
        "[tool.uv]\ndev-dependencies = []\n",
        "# nothing yet\n",
    ],
)
def test_the_rest_of_the_file_stays_as_it_is(app: Path, existing: str) -> None:
    path = app / "pyproject.toml"
    path.write_bytes(existing.encode())
    result = init(app)
    assert result.exit_code == 0, result.output
    text = path.read_bytes().decode()
    assert text.startswith(existing)
    assert ("\n" in text.replace("\r\n", "")) != ("\r\n" in existing), "line ends are mixed"
    assert tomllib.loads(text)["tool"]["lambent"]["app"] == "main:app"


def test_settings_that_exist_stay_as_they_are(app: Path) -> None:
    for text in ("[tool.lambent]\nmemory = 512\n", "[tool.lambent.env]\nGREETING = 'hi'\n", "tool.lambent.memory = 512\n"):
        (app / "pyproject.toml").write_text(text)
        result = init(app)
        assert result.exit_code == 0 and "has a [tool.lambent]: not changed" in result.stderr
        assert (app / "pyproject.toml").read_text() == text


def test_a_file_that_takes_no_table_at_its_end_is_not_touched(app: Path) -> None:
    (app / "pyproject.toml").write_text("tool = { x = 1 }\n")
    result = init(app)
    assert result.exit_code == 1 and "can't take a [tool.lambent]" in str(result.exception)
    assert (app / "pyproject.toml").read_text() == "tool = { x = 1 }\n"


def test_the_file_keeps_its_place_and_mode(app: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared.toml"
    shared.write_text("# shared\n")
    shared.chmod(0o600)
    (app / "pyproject.toml").symlink_to(shared)
    assert init(app).exit_code == 0
    assert (app / "pyproject.toml").is_symlink() and "[tool.lambent]" in shared.read_text()
    assert shared.stat().st_mode & 0o777 == 0o600


def test_names_in_any_script_stay_readable(app: Path) -> None:
    (app / "main.py").rename(app / "ファイル.py")
    assert init(app).exit_code == 0
    assert 'app = "ファイル:app"' in (app / "pyproject.toml").read_text("utf-8")


def test_the_name_of_a_stage_is_not_doubled(app: Path) -> None:
    init(app, "--stage", "prod")
    assert settings(app, "--stage", "prod")["name"] == "shop-prod"


def test_a_script_keeps_its_own_settings(tmp_path: Path) -> None:
    script = write(tmp_path, {"app.py": f"# /// script\n# dependencies = ['flask']\n# ///\n{APP}"}) / "app.py"
    assert "a script with its own settings" in str(init(script).exception)


def run_script(script: str) -> tuple[int, str]:
    """Run a shell script. Return its exit status and what it prints."""
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """A repository on GitHub with an app in a folder."""
    top = tmp_path / "site"
    write(top / "backend", {"main.py": APP, "requirements.txt": ""})
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "trunk", top], check=True)
    subprocess.run(["git", "-C", top, "remote", "add", "origin", "git@github.com:Ann/Site.git"], check=True)
    return top


@pytest.mark.skipif(shutil.which("aws") is None, reason="no aws CLI on this machine")
def test_the_role_can_be_created_twice(service: Service, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "lambent", "AWS_SECRET_ACCESS_KEY": "lambent", "AWS_DEFAULT_REGION": "eu-west-1"}
    environ = {**keys, "AWS_ENDPOINT_URL": service.url}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = init(repository / "backend", "--github")
    assert result.exit_code == 0, result.output
    for _ in range(2):
        assert run_script(result.stdout) == (0, ""), result.stdout
    role = service.client("iam").get_role(RoleName="deploy-site-backend")["Role"]
    ((condition, subjects),) = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringLike"].items()
    assert condition == f"{ISSUER}:sub" and subjects[0] == "repo:Ann/Site:ref:refs/heads/trunk"
    policy = service.client("iam").get_role_policy(RoleName="deploy-site-backend", PolicyName="deploy")["PolicyDocument"]
    passed = next(statement for statement in policy["Statement"] if statement["Sid"] == "PassRole")
    assert passed["Resource"] == ["arn:aws:iam::123456789012:role/lambent-site-backend"]
    path = repository / ".github/workflows/deploy-site-backend.yml"
    job = yaml.safe_load(path.read_text())
    steps: list[dict[str, Any]] = job["jobs"]["deploy"]["steps"]
    assert next(step["with"]["role-to-assume"] for step in steps if "role-to-assume" in step.get("with", {})) == role["Arn"]
    assert steps[-1]["run"] == "lambent deploy --yes backend"
    assert job[True]["push"] == {"branches": ["trunk"]}  # YAML 1.1 reads "on" as true
    again = init(repository / "backend", "--github")
    assert str(again.exception) == "deploy-site-backend.yml exists, and there is no terminal to ask for confirmation"


def test_only_the_branch_of_the_repository_may_take_the_role() -> None:
    pipeline = Pipeline(Names("shop", "123456789012", "eu-west-1"), "ann/shop", "main", "3.13")
    condition = trust(pipeline)["Statement"][0]["Condition"]
    assert condition == {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{ISSUER}:sub": ["repo:ann/shop:ref:refs/heads/main", "repo:ann@*/shop@*:ref:refs/heads/main"]},
    }


def test_names_are_strings_in_yaml() -> None:
    pipeline = Pipeline(Names("shop", "123456789012", "eu-west-1"), "ann/shop", "2026", "3.13", folder="the #1: shop")
    job = yaml.safe_load(workflow(pipeline))
    assert job[True]["push"] == {"branches": ["2026"]}
    assert job["jobs"]["deploy"]["steps"][-1]["run"] == "lambent deploy --yes 'the #1: shop'"


def test_the_code_of_every_action_is_pinned() -> None:
    pipeline = Pipeline(Names("shop", "123456789012", "eu-west-1"), "ann/shop", "main", "3.13")
    own = [path.read_text("utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")]
    actions = [line for text in (workflow(pipeline), *own) for line in text.splitlines() if "uses:" in line]
    assert actions and all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in actions), actions


def test_a_pipeline_needs_a_repository_on_github(app: Path) -> None:
    result = init(app, "--github")
    assert str(result.exception) == "--github needs a repository with a remote on github.com"
    assert not (app / "pyproject.toml").exists()


def test_a_pipeline_needs_a_branch(repository: Path) -> None:
    (repository / ".git/HEAD").write_text(f"{'0' * 40}\n")
    result = init(repository / "backend", "--github")
    assert str(result.exception) == "--github needs to know the branch, and the repository is on none"
