"""A reader who types the commands of a page: their environment, and what their machine lacks."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from pathlib import Path

import pytest

from lambent import interpreters
from lambent.config import provenance
from support.console_pages import Block, Session, blocks, play

PROGRAMS = Path(sys.executable).parent


def reader_environment(folder: Path, port: int, programs: Path = PROGRAMS) -> dict[str, str]:
    """A reader's environment with our programs first on the PATH, and with no AWS account, profile, state or CI system."""
    others = ("AWS_", "LAMBENT_", "PYTHON", *(variable for variable, _, _ in provenance.CI))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {
        "PATH": os.pathsep.join((str(programs), str(PROGRAMS), os.environ["PATH"])),
        "LAMBENT_PORT": str(port),
        "LAMBENT_STATE": str(folder / "state"),
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def lacking(block: Block) -> list[str]:
    """What the block needs and this machine has not."""
    return [need for need in block.needs if not _there(need)]


def play_page(page: Path, reader: Session) -> None:
    """Type the blocks of a page. Skips the test at one for which this machine lacks something."""
    for block in blocks(page.read_text()):
        if missing := lacking(block):
            pytest.skip(f"this machine has no {' and no '.join(missing)}")
        play(block, reader, page.name)


def _there(need: str) -> bool:
    if need == "x86_64":
        return platform.machine() == need
    if need.startswith("python3."):
        return interpreters.find(need.removeprefix("python"), os.environ) is not None
    return shutil.which(need) is not None
