"""Check out a commit of a repository with the user's git, without any prompt."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lambent.errors import PackagingError
from lambent.package.lock import Repository
from lambent.package.urls import host_of, printable_url
from lambent.package.wheels.credentials import Credentials, basic_authorization

_DETAIL_LINES = 8


def check_out(repository: Repository, package: str, folder: Path, environ: Mapping[str, str], credentials: Credentials) -> Path:
    """Check out the commit in `folder`, and return the folder of the package in it. Raises PackagingError."""
    git = _Git(repository, package, folder, _environment(repository, environ, credentials))
    git.run("init", "-q", str(folder))
    address = ("--", repository.url)
    if git.succeeds("fetch", "-q", "--no-tags", "--depth", "1", *address, repository.commit):
        git.run("checkout", "-q", "--detach", "FETCH_HEAD")
    else:  # some servers don't serve a commit by its hash, and none does by a short hash
        git.run("fetch", "-q", *address, "+refs/*:refs/all/*")
        git.run("checkout", "-q", "--detach", repository.commit)
    head = git.run("rev-parse", "HEAD").strip()
    if not head.startswith(repository.commit.lower()):
        raise git.error(f"the repository gave commit {head[:12]}, not {repository.commit[:12]}")
    if (folder / ".gitmodules").is_file():
        git.run("submodule", "update", "-q", "--init", "--recursive")
    tree = (folder / repository.subdirectory).resolve()
    if not tree.is_dir() or not tree.is_relative_to(folder.resolve()):
        raise git.error(f"commit {repository.commit[:12]} has no folder {repository.subdirectory}")
    return tree


class _Git:
    def __init__(self, repository: Repository, package: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._repository = repository
        self._package = package
        self._folder = folder
        self._environ = environ

    def run(self, *arguments: str) -> str:
        """Return the output. Raises PackagingError if git fails."""
        run = self._start(*arguments)
        if run.returncode != 0:
            raise self.error(f"git {arguments[0]} failed", run.stderr)
        return run.stdout

    def succeeds(self, *arguments: str) -> bool:
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
                f"{self._package} comes from a git repository, but git is not installed",
                where=printable_url(self._repository.url),
                hint="install git, or use a released version of the package",
            ) from error

    def error(self, reason: str, output: str = "") -> PackagingError:
        address = printable_url(self._repository.url)
        lines = [line for line in output.splitlines() if line.strip()]
        return PackagingError(
            f"cannot get {self._package} from its repository: {reason}",
            where=f"{address}@{self._repository.commit}",
            hint=f"check the address and whether you may read it: git ls-remote {address}",
            detail="\n".join(lines[-_DETAIL_LINES:]),
        )


def _environment(repository: Repository, environ: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """Return git's environment: no prompts, and the password not on a command line, where other users could see it."""
    variables = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND") or "ssh -o BatchMode=yes",
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_LFS_SKIP_SMUDGE": environ.get("GIT_LFS_SKIP_SMUDGE") or "1",  # as uv does
        "LC_ALL": "C.UTF-8",
    }
    set_by_hooks = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # git sets them if lambent runs in a git hook
    inherited = {name: value for name, value in environ.items() if name not in set_by_hooks}
    login = next((login for login in credentials.logins(repository.url) if login.password is not None), None)
    if login is not None and login.password is not None:
        parts = urlsplit(repository.url)
        number = int(environ.get("GIT_CONFIG_COUNT") or 0)
        variables |= {
            "GIT_CONFIG_COUNT": str(number + 1),
            f"GIT_CONFIG_KEY_{number}": f"http.{parts.scheme}://{host_of(parts)}/.extraHeader",
            f"GIT_CONFIG_VALUE_{number}": f"Authorization: {basic_authorization(login.user, login.password)}",
        }
    return inherited | variables
