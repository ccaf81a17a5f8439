"""What a release consists of: it installs and works on every Python that it claims, and scripts/release refuses a wrong one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import uv
import yaml

import lambent
from support.interpreter import python
from support.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CLAIMED = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: Python :: 3\.\d+$", line)]
VERSION = lambent.__version__
LOCAL_SERVICES = ["cognitoidp", "dynamodb", "events", "iam", "kms", "logs", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts"]
"""Services of moto, by its names, that work without `lambent[services]`."""
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", "dist", "__pycache__", ".*_cache", ".hypothesis", "tests", "bench", "docs"
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", folder, ROOT)
    return folder


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """Run a command and return its stdout."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_index_accepts_it(dist: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir())


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    with zipfile.ZipFile(dist / f"lambent-{VERSION}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"lambent-{VERSION}.dist-info/METADATA").decode()
    assert {name.split("/")[0] for name in names} == {"lambent", f"lambent-{VERSION}.dist-info"}
    assert {"lambent/py.typed", "lambent/config/reference.toml", f"lambent-{VERSION}.dist-info/licenses/LICENSE"} <= names
    assert not re.findall(r"\]\((?!https://|#)[^)]*\)", metadata), "a relative link leads nowhere on the index"


def test_what_the_metadata_links_to_is_what_the_readme_links_to() -> None:
    (repository,) = set(re.findall(r"https://github\.com/[\w-]+/[\w-]+", (ROOT / "README.md").read_text("utf-8")))
    assert all(url.startswith(repository) for url in PROJECT["urls"].values())


@pytest.mark.parametrize("version", CLAIMED)
def test_the_wheel_works_in_a_fresh_environment(dist: Path, tmp_path: Path, version: str) -> None:
    environment = tmp_path / "environment"
    run(uv.find_uv_bin(), "venv", "--quiet", "--python", python(version), environment)
    (wheel,) = dist.glob("*.whl")
    run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", environment, wheel)
    command = environment / "bin" / "lambent"
    assert run(command, "--version").startswith(f"lambent {VERSION}, Python {version}.")
    assert "lambent deploy" in run(command, "--help")
    run(
        environment / "bin" / "python",
        "-c",
        "\n".join(f"import moto.server, moto.{service}.urls" for service in LOCAL_SERVICES),
    )
    app = shutil.copytree(ROOT / "examples" / "flask", tmp_path / "app")
    archive = run(command, "build", "--quiet", app).strip()
    assert {"app.py", "flask/app.py"} <= set(zipfile.ZipFile(archive).namelist())


def test_the_workflows_run_what_exists_on_what_is_claimed() -> None:
    workflows = {path.stem: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    jobs = {name: yaml.safe_load(text)["jobs"] for name, text in workflows.items()}
    linux, others = jobs["ci"]["linux"], jobs["ci"]["other-systems"]
    assert set(linux["steps"][1]["with"]["python-version"].split()) == set(CLAIMED)
    assert others["strategy"]["matrix"]["system"] == ["macos-latest", "windows-latest"]
    publish = jobs["release"]["publish"]
    assert publish["permissions"] == {"id-token": "write"} and publish["needs"] == "build", "there is no token to publish with"
    for script in re.findall(r"run: (\.?[a-z]+/[\w-]+)", "".join(workflows.values())):
        assert os.access(ROOT / script, os.X_OK), script


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A committed copy of what a release consists of, whose changelog has today's version."""
    copy = tmp_path / "checkout"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    (copy / "scripts" / "setup").write_text("#!/bin/sh\n")  # the environment is made
    (copy / ".venv").symlink_to(sys.prefix)
    (copy / ".gitignore").write_text(".venv\ndist/\n")
    (copy / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (2026-12-01)\n")
    run("git", "init", "--quiet", copy)
    commit(copy)
    return copy


def commit(copy: Path) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    run("git", *identity, "-C", copy, "add", "--all")
    run("git", *identity, "-C", copy, "commit", "--quiet", "--message", "x")


def release(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    names = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        [copy / "scripts" / "release", *arguments],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_release_is_built_and_tagged_once(checkout: Path) -> None:
    done = release(checkout, "--tag")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"tagged; to publish it: git push origin v{VERSION}\n")
    assert run("git", "-C", checkout, "tag", "--points-at", "HEAD") == f"v{VERSION}\n"
    assert {path.suffix for path in (checkout / "dist").iterdir()} == {".whl", ".gz"}
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (2026-12-02)\n")
    commit(checkout)
    again = release(checkout)
    assert again.returncode == 1 and again.stderr.startswith(f"error: version {VERSION} is released already\n")


def test_a_release_needs_a_changelog_with_its_version_and_date(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (unreleased)\n")
    done = release(checkout)
    assert done.returncode == 1
    assert re.fullmatch(
        rf'error: the first section of CHANGELOG.md is "{VERSION} \(unreleased\)"\n  try  ## {VERSION} \(\d{{4}}-..-..\)\n',
        done.stderr,
    )
    assert not (checkout / "dist").exists()


def test_a_release_is_made_from_a_commit(checkout: Path) -> None:
    (checkout / "README.md").write_text("changed\n")
    assert release(checkout).stderr == "error: there are changes that aren't committed\n  try  git status\n"


def test_a_tag_has_the_name_of_the_version(checkout: Path) -> None:
    run("git", "-C", checkout, "tag", "v9.9")
    assert release(checkout).stderr.startswith(f"error: this commit has the tag v9.9, but the version is {VERSION}\n")
