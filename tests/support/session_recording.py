"""Records docs/images/session.svg: a real session in a terminal, as text in an SVG, for the README.

The commands run at a pseudo-terminal, in a new folder, with a state folder and a local Lambda of their own.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from support.paths import DOCS
from support.reader import free_port, reader_environment

COLUMNS = 100
APP = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "Io, Europa, Ganymede\\n"
"""
COMMANDS = (
    "cat app.py requirements.txt",
    "lambent deploy --local",
    "curl http://moons.localhost:4580/",
    "sed -i 's/Ganymede/Ganymede, Callisto/' app.py",
    "lambent deploy --local",
    "curl http://moons.localhost:4580/",
)
_TOKEN = re.compile(r"(\r\n|\r|\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh])")


def record(folder: Path) -> str:
    """Run the commands in a new folder `moons` of `folder`, and return the SVG."""
    project, port = folder / "moons", free_port()
    project.mkdir()
    (project / "app.py").write_text(APP)
    (project / "requirements.txt").write_text("flask\n")
    environment = reader_environment(folder, port) | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    environment.pop("NO_COLOR", None)
    subprocess.run(["lambent", "local", "start"], env=environment, check=True, capture_output=True, timeout=60)
    try:
        outputs = [_at_terminal(command.replace(":4580", f":{port}"), project, environment) for command in COMMANDS]
    finally:
        subprocess.run(["lambent", "local", "stop"], env=environment, check=True, capture_output=True, timeout=60)
    return _svg([output.replace(f":{port}", ":4580") for output in outputs])


def _at_terminal(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command at a terminal and return what is on the screen at the end, with its colours. Raises if it fails."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=dict(environment), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    written = b""
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    if process.wait(timeout=60):
        raise RuntimeError(f"{command}: exit status {process.returncode}\n{written.decode()}")
    return on_screen(written.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: the other end is closed
        return b""


def on_screen(written: str) -> str:
    """Return what remains of a terminal's input after its spinner has drawn over itself. Colours stay."""
    lines, at = [""], 0
    for token in _TOKEN.split(written):
        if token == "\r\n":
            at += 1
            lines += [""] if at == len(lines) else []
        elif token == "\x1b[1A":
            at -= 1
        elif token == "\x1b[2K":
            lines[at] = ""
        elif not _TOKEN.fullmatch(token):
            lines[at] += token
    return "\n".join(lines).rstrip("\n")


def _svg(outputs: list[str]) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    for command, output in zip(COMMANDS, outputs, strict=True):
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        if output:
            console.print(Text.from_ansi(output), soft_wrap=True)
    svg = console.export_svg(title="lambent", theme=MONOKAI, unique_id="session")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # requests to another host


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        image = DOCS / "images/session.svg"
        image.parent.mkdir(exist_ok=True)
        image.write_text(record(Path(folder)))
