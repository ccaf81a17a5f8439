"""A commit of a repository, checked out with the user's git and never a question asked."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lambent.errors import PackagingError
from lambent.package.lock import Repository
from lambent.package.urls import shown
from lambent.package.wheels.credentials import Credentials

_LINES = 8


def check_out(repository: Repository, package: str, folder: Path, environ: Mapping[str, str], credentials: Credentials) -> Path:
    """The tree of the commit, in `folder`; returns the package's place in it. Raises PackagingError."""
    git = _Git(repository, package, folder, _environment(repository, environ, credentials))
    git.run("init", "-q", str(folder))
    address = ("--", repository.url)
    if git.tries("fetch", "-q", "--no-tags", "--depth", "1", *address, repository.commit):
        git.run("checkout", "-q", "--detach", "FETCH_HEAD")
    else:  # not every server gives out a commit by its name, and none one by its short name
        git.run("fetch", "-q", *address, "+refs/*:refs/all/*")
        git.run("checkout", "-q", "--detach", repository.commit)
    there = git.run("rev-parse", "HEAD").strip()
    if not there.startswith(repository.commit.lower()):
        raise git.failed(f"the repository gave commit {there[:12]}, not {repository.commit[:12]}", "")
    if (folder / ".gitmodules").is_file():
        git.run("submodule", "update", "-q", "--init", "--recursive")
    tree = (folder / repository.subdirectory).resolve()
    if not tree.is_dir() or not tree.is_relative_to(folder.resolve()):
        raise git.failed(f"commit {repository.commit[:12]} has no folder {repository.subdirectory}", "")
    return tree


class _Git:
    def __init__(self, repository: Repository, package: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._repository = repository
        self._package = package
        self._folder = folder
        self._environ = environ

    def run(self, *arguments: str) -> str:
        run = self._start(*arguments)
        if run.returncode != 0:
            raise self.failed(f"git {arguments[0]} failed", run.stderr)
        return run.stdout

    def tries(self, *arguments: str) -> bool:
        return self._start(*arguments).returncode == 0

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false", *arguments]
        try:
            return subprocess.run(
                command,
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except FileNotFoundError as error:
            raise PackagingError(
                f"{self._package} is in a git repository, and git is not installed",
                where=shown(self._repository.url),
                hint="install git, or ask for a released version",
            ) from error

    def failed(self, why: str, said: str) -> PackagingError:
        address = shown(self._repository.url)
        detail = "\n".join(line for line in said.splitlines() if line.strip())
        return PackagingError(
            f"{self._package} cannot be taken from its repository: {why}",
            where=f"{address}@{self._repository.commit}",
            hint=f"check the address and your rights to it: git ls-remote {address}",
            detail="\n".join(detail.splitlines()[-_LINES:]),
        )


def _environment(repository: Repository, environ: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """git's environment: nothing is asked on the terminal, and a password is no argument that others could see."""
    ours = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND") or "ssh -o BatchMode=yes",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_LFS_SKIP_SMUDGE": environ.get("GIT_LFS_SKIP_SMUDGE") or "1",  # as uv does
        "LC_ALL": "C.UTF-8",
    }
    unwanted = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # set where lambent is started by a hook of git's
    kept = {name: value for name, value in environ.items() if name not in unwanted}
    login = next((login for login in credentials.logins(repository.url) if login.password is not None), None)
    if login is not None:
        parts = urlsplit(repository.url)
        number = int(environ.get("GIT_CONFIG_COUNT") or 0)
        token = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        ours |= {
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"http.{parts.scheme}://{parts.netloc.rpartition('@')[2]}/.extraHeader",
            f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {token}",
        }
    return kept | ours
