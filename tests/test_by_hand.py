"""docs/how-to/by-hand.md, typed as it stands: its own commands, against the local Lambda, with the real aws CLI."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import Block, Session, Wrong, blocks, play
from lambent import interpreters

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/how-to/by-hand.md"
OLD = "The old form, word for word"
LOGS = """
for group in $(aws logs describe-log-groups --query 'logGroups[].logGroupName' --output text); do
  echo "--- $group"
  aws logs filter-log-events --log-group-name "$group" --query 'events[].[message]' --output text | tail -n 30
done
echo "--- the service"
lambent local log
"""


def reader_environment(folder: Path, port: int) -> dict[str, str]:
    """A reader's environment with our programs first on the PATH, and with no AWS account, profile or state."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_", "PYTHON"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
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


def _there(need: str) -> bool:
    if need == "x86_64":
        return platform.machine() == need
    if need.startswith("python3."):
        return interpreters.find(need.removeprefix("python"), os.environ) is not None
    return shutil.which(need) is not None


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Session]:
    port = free_port()
    folder = tmp_path / "recipe"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, port), {f":{port}": ":4580"}) as session:
        try:
            yield session
        finally:
            session.run("lambent local stop", 60)


def typed(found: list[Block], reader: Session) -> None:
    """Runs the blocks; when one fails, what the functions and the service said is shown too."""
    try:
        for block in found:
            play(block, reader, PAGE.name)
    except Wrong as wrong:
        wrong.add_note(reader.run(LOGS, 60)[1])
        raise


def wanted(old: bool) -> list[Block]:
    """The blocks of one half of the page. Skips the test when its first block cannot run, tells of later ones that cannot."""
    found = [block for block in blocks(PAGE.read_text()) if (OLD in block.sections) is old]
    if missing := lacking(found[0]):
        pytest.skip(f"this machine has no {' and no '.join(missing)}")
    for section, missing in {block.sections[-1]: lacking(block) for block in found}.items():
        if missing:
            warnings.warn(f"not run: {section}: this machine is or has no {', '.join(missing)}", stacklevel=2)
    return [block for block in found if not lacking(block)]


def test_the_recipe_of_today(reader: Session) -> None:
    typed(wanted(old=False), reader)


def test_the_recipe_of_2024(reader: Session) -> None:
    typed(wanted(old=True), reader)
