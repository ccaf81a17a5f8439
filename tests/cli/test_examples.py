"""One command deploys each example, unmodified, to the local Lambda, and its pages work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from support import forked
from support.browser import Browser
from support.example_pages import FOLDER, PAGES
from support.reader import free_port

LAMBENT = Path(sys.executable).parent / "lambent"


class LocalLambda(Struct, frozen=True):
    """A local Lambda only for these tests."""

    state: Path
    port: int

    def deploy(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return lambent("deploy", "--local", *arguments, "--state", self.state, "--port", str(self.port))


def lambent(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    return forked.run([LAMBENT, *arguments], timeout=300, env=environ)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalLambda]:
    state = tmp_path_factory.mktemp("state")
    yield LocalLambda(state, free_port())
    stop = lambent("local", "stop", "--state", state)
    assert stop.returncode == 0, stop.stderr


@pytest.mark.parametrize("name", PAGES)
def test_one_command_deploys_it(name: str, local: LocalLambda) -> None:
    before = contents(FOLDER / name)
    first = local.deploy(FOLDER / name)
    assert first.returncode == 0, first.stderr
    url = first.stdout.strip()
    assert re.fullmatch(rf"http://[a-z-]+\.localhost:{local.port}/", url)
    PAGES[name](Browser(url))

    second = local.deploy(FOLDER / name)
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == url
    assert "unchanged: version" in second.stderr
    assert contents(FOLDER / name) == before, "a deploy must not change the project"


@pytest.mark.parametrize("name", ["fastapi", "django"])
def test_it_works_on_an_old_runtime(name: str, local: LocalLambda) -> None:
    """python3.11 runs on an older Linux than the newest runtimes, so lambent chooses other wheels."""
    deploy = local.deploy(FOLDER / name, "--name", f"{name}-on-3-11", "--runtime", "python3.11")
    assert deploy.returncode == 0, deploy.stderr
    PAGES[name](Browser(deploy.stdout.strip()))
