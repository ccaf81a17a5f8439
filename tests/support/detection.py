"""Small projects to detect an app in."""

from __future__ import annotations

import textwrap
from pathlib import Path

from lambent.config.detection.detect import find_app
from lambent.config.model import App
from lambent.config.project import find_project
from lambent.config.sourced import Sourced

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
GUARD = 'if __name__ == "__main__":\n'
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"


def detect(path: Path, spec: str = "") -> App:
    return find_app(find_project(path), Sourced(spec, "--app") if spec else None)


def write_project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder


def guard_line(folder: Path, where: str) -> None:
    """Move a line, "main.py:3", below `if __name__ == "__main__"`."""
    file, _, number = where.partition(":")
    lines = (folder / file).read_text().splitlines(keepends=True)
    at = int(number) - 1
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()))
    lines[at] = f"{indent}{GUARD}{indent}    {lines[at].lstrip()}"
    (folder / file).write_text("".join(lines))
