"""The page about the library, executed, and the how-to about testing, typed as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import fields

import lambent
from support.console_pages import Session, blocks, play
from support.forked import commands
from support.paths import DOCS
from support.reader import free_port, reader_environment

LIBRARY = DOCS / "reference/library.md"
TEST = DOCS / "how-to/test.md"
APP = 'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b"hi"]\n'


def python_blocks(page: str) -> list[str]:
    return re.findall(r"(?<!<!-- not run -->\n)```python\n(.*?)```", page, re.DOTALL)


def test_the_reference_runs(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/app.py").write_text(APP)
    program = "\n".join(python_blocks(LIBRARY.read_text()))
    assert "lambent.find_app" in program and "auth=" not in program
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=reader_environment(tmp_path, 0), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "app:app wsgi"
    assert "function shop" in lines[2]
    assert re.fullmatch(r"http://shop\.localhost:\d+/ 1", lines[3])
    assert lines[4] == "200"
    assert lines[-1] == "no module or attribute" or "shop" in lines[-1], lines[-1]


def test_the_reference_names_everything() -> None:
    page = LIBRARY.read_text()
    assert all(f"`{field.name}`" in page for field in fields(lambent.Flags))
    assert all(f"lambent.{name}" in page or f"`{name}" in page for name in lambent.__all__)


def test_the_how_to(tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    with Session(folder, reader_environment(tmp_path, free_port(), commands())) as session:
        for block in blocks(TEST.read_text()):
            program, _, name = block.commands[0].text.partition(" ")
            if program == "cat":  # the reader writes the file as the page shows it
                (folder / name).write_text(f"{block.shown}\n")
            play(block, session, TEST.name)


def test_the_options_are_those_of_the_plugin(pytestconfig: pytest.Config) -> None:
    options = set(re.findall(r"`(--lambent-\w+) ", TEST.read_text()))
    assert options == {f"--lambent-{name}" for name in ("path", "app", "stage", "port")}
    assert all(pytestconfig.getini(option[2:].replace("-", "_")) == "" for option in options)
