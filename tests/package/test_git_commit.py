"""The commit of a project, from a real repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from lambent.config.provenance import Provenance
from lambent.package.git_commit import read_commit


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_commit_and_whether_the_folder_differs_from_it(tmp_path: Path) -> None:
    shop, other = tmp_path / "shop", tmp_path / "other"
    for folder in (shop, other):
        folder.mkdir()
        (folder / "app.py").write_text("")
    assert read_commit(shop, os.environ) == Provenance(), "no repository"
    git(tmp_path, "init", "-q")
    assert read_commit(shop, os.environ) == Provenance(), "no commit"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Fix the total\n\nAnd more")
    commit = git(tmp_path, "log", "-1", "--format=%h")
    assert read_commit(shop, os.environ) == Provenance(commit, False, "Fix the total")
    (other / "app.py").write_text("changed")
    assert not read_commit(shop, os.environ).dirty, "another folder's files aren't deployed"
    (shop / "new.py").write_text("")
    assert read_commit(shop, os.environ) == Provenance(commit, True, "Fix the total")
    assert read_commit(shop, {**os.environ, "PATH": ""}) in (Provenance(), Provenance(commit, True, "Fix the total"))


def test_a_message_with_a_secret_is_left_out(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for message in (
        "Use ghp_" + ("Zk3Qw8Rt5Yp1Lm7Xv2Bn6Hj9Dc4Sg0AfTuEiOoPp"[:36]),
        "Use https://ada:hunter2secret@pypi.acme.dev/simple",
    ):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", message)
        read = read_commit(tmp_path, os.environ)
        assert read.commit and read.subject == "", message
