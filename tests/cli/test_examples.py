"""Each example, untouched, is put online on the local Lambda by one command, and its pages are fetched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from support.browser import Browser
from support.example_pages import FOLDER, PAGES

LAMBENT = Path(sys.executable).parent / "lambent"


class Here(Struct, frozen=True):
    """A local Lambda of this test's own: its state folder and its port."""

    state: Path
    port: int

    def deploy(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        place = ("--state", self.state, "--port", str(self.port))
        return lambent("deploy", "--local", *words, *place)


def lambent(*words: str | Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    return subprocess.run([LAMBENT, *words], capture_output=True, text=True, timeout=300, env=kept)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    state = tmp_path_factory.mktemp("state")
    yield Here(state, port)
    stopped = lambent("local", "stop", "--state", state)
    assert stopped.returncode == 0, stopped.stderr


@pytest.mark.parametrize("name", PAGES)
def test_one_command_and_it_answers(name: str, here: Here) -> None:
    before = contents(FOLDER / name)
    first = here.deploy(FOLDER / name)
    assert first.returncode == 0, first.stderr
    url = first.stdout.strip()
    assert url.endswith(f".lambda-url.us-east-1.localhost:{here.port}/")
    PAGES[name](Browser(url))

    again = here.deploy(FOLDER / name)
    assert again.returncode == 0, again.stderr
    assert again.stdout.strip() == url
    assert "nothing to change" in again.stderr
    assert contents(FOLDER / name) == before, "a deploy must leave no trace in the project"


@pytest.mark.parametrize("name", ["fastapi", "django"])
def test_on_the_oldest_runtime_we_need(name: str, here: Here) -> None:
    """python3.11 has an older Linux below it than the newest runtimes: other wheels are chosen."""
    done = here.deploy(FOLDER / name, "--name", f"{name}-on-3-11", "--runtime", "python3.11")
    assert done.returncode == 0, done.stderr
    PAGES[name](Browser(done.stdout.strip()))
