"""URLs with passwords in files that name packages are secrets; examples, placeholders and substituted variables aren't."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.password_urls import KIND, names_packages
from lambent.package.project_files import collect
from lambent.package.secret_scan import check, scan

FILES = [
    *("requirements.txt", "deep/requirements-dev.txt", "requirements/prod.txt", "dev_requirements.in", "constraints.txt"),
    *("pip.conf", ".config/pip/pip.conf", "pip.ini", "uv.toml", "pyproject.toml", "Pipfile", "Pipfile.lock", "uv.lock"),
    *("poetry.lock", "pylock.toml", "setup.cfg", "environment.yml", "Dockerfile", "Dockerfile.prod", ".gitmodules"),
    *("requirements.lock", "deps.txt", "scripts/install.sh", "Makefile", "noxfile.py", "environment-dev.yaml", "Containerfile"),
    *(".gitlab-ci.yml", ".github/workflows/deploy.yml", "buildspec.yml", "azure-pipelines.yml", ".pre-commit-config.yaml"),
]
OTHER_FILES = ["README.md", "docs/requirements.md", "app.py", "config.toml", "mypip.conf", "notes.txt", "requirements.txt.orig"]

SECRETS = [
    "--extra-index-url https://alice:hunter2@pypi.corp.io/simple",
    "index-url = https://alice:s3cr3t@pypi.corp.io/simple",
    'url = "http://alice:p@ss@pypi.corp.io:8080/simple"',
    "demo @ git+https://alice:hunter2@github.com/alice/demo",
    "demo @ git+ssh://git:hunter2@git.corp.io/demo",
    "-i https://bob:secret@pypi.corp.io/simple",
    "-i https://__token__:k3Jd9fLq@pypi.corp.io/simple",
    "-i https://k3Jd9fLqW2mZx8Vb7NcT@pypi.fury.io/acme/",
    "demo @ git+https://k3Jd9fLqW2mZx8Vb7NcT:x-oauth-basic@github.com/acme/demo",
    "# -i https://alice:hunter2@pypi.corp.io/simple",
    "-f ftp://alice:hun*ter2@pypi.corp.io/wheels",
    "--extra-index-url=https://alice:hun[ter2@pypi.corp.io/simple",
]
HARMLESS = [
    *(
        "-i https://user:password@host/simple",
        "-i https://user:password@pypi.corp.io/simple",
        "-i https://<user>:<pw>@corp.io/x",
    ),
    *("-i https://${USER}:${TOKEN}@corp.io/x", "-i https://alice:$PIP_TOKEN@corp.io/x", "-i https://alice:%TOKEN%@corp.io/x"),
    *(
        "-i https://gitlab-ci-token:${CI_JOB_TOKEN}@corp.io/x",
        "-i https://aws:{{ token }}@corp.io/x",
        "-i https://a:***@corp.io/x",
    ),
    *("-i https://alice:hunter2@example.com/simple", "-i http://me:hunter2@localhost:8080/", "-i http://a:b1@127.0.0.1:80/x"),
    *(
        "-i https://USERNAME:PASSWORD@corp.io/x",
        "-i https://alice:YOUR_TOKEN@corp.io/x",
        "# -i https://alice:password@corp.io/x",
    ),
    *(
        "demo @ git+ssh://git@github.com/acme/demo",
        "demo @ git+https://alice@bitbucket.org/acme/demo",
        "-i https://corp.io/a:b@c/",
    ),
    *(
        "demo @ https://corp.io/demo.whl#sha256=a:b@c",
        "DATABASE_URL = postgres://postgres:postgres1@db/app",
        "https://a.io a:b@c",
    ),
    "-i https://personal-access-token-of-the-user@corp.io/x",
    "-i https://oauth2accesstoken@europe-python.pkg.dev/p/r/simple/",  # Google's keyring plugin wants this user
    "-i https://VssSessionToken@pkgs.dev.azure.com/acme/_packaging/feed/pypi/simple/",  # and Azure's this one
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", SECRETS)
def test_password_is_found(name: str, text: str) -> None:
    (secret,) = scan(name, f"flask\n\n{text}\n".encode())
    assert (secret.file, secret.line, secret.kind) == (name, 3, KIND)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_password_is_found_in_what_powershell_writes(encoding: str) -> None:
    (secret,) = scan("requirements.txt", f"flask\r\n{SECRETS[0]}\r\n".encode(encoding))
    assert (secret.line, secret.kind) == (2, KIND)


@pytest.mark.parametrize("text", HARMLESS)
def test_placeholder_is_no_secret(text: str) -> None:
    assert not list(scan("requirements.txt", f"flask\n{text}\n".encode()))


@pytest.mark.parametrize("name", OTHER_FILES)
def test_other_files_may_hold_examples(name: str) -> None:
    assert not names_packages(name)
    assert not list(scan(name, SECRETS[0].encode()))


def test_each_cure_works(tmp_path: Path) -> None:
    """The error names the file and not the password; a file that is left out, or an URL without it, is fine."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"flask\n{SECRETS[0]}\n")
    with pytest.raises(PackagingError) as error:
        check(collect(tmp_path).files, ())
    raised = error.value
    assert raised.what == "the zip would contain a secret: URL with a password in requirements.txt, line 2"
    assert "~/.netrc" in raised.hint and "echo '/requirements.txt' >> .lambentignore" in raised.hint
    assert "hunter2" not in f"{raised.what}{raised.where}{raised.hint}{raised.detail}"
    check(collect(tmp_path).files, ("requirements.txt",))
    (tmp_path / ".lambentignore").write_text("/requirements.txt\n")
    check(collect(tmp_path).files, ())
    (tmp_path / ".lambentignore").unlink()
    requirements.write_text("flask\n--extra-index-url https://pypi.corp.io/simple\n")
    check(collect(tmp_path).files, ())
