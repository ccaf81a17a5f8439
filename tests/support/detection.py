"""Small projects to detect an app in."""

from __future__ import annotations

import textwrap
from pathlib import Path

from lambent.config.detection.detect import find_app
from lambent.config.model import App
from lambent.config.project import find_project
from lambent.config.sourced import Sourced

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"


def detect(path: Path, spec: str = "") -> App:
    return find_app(find_project(path), Sourced(spec, "--app") if spec else None)


def write_project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder
