"""What a deploy says of an app that answers 404 to the check."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.config.load import Flags, load
from lambent.library.missing_page import hint_for_no_page
from lambent.package.build import build
from support.local_service import RUNTIME
from support.paths import CACHE

APP = "def app(environ, start_response): ...\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP)
    (tmp_path / ".gitignore").write_text("dist/\n")
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "return send_from_directory('dist', 'index.html')",
        "return FileResponse(HERE / 'dist' / 'index.html')",
        "return open(os.path.join(HERE, 'dist', 'index.html'))",
        "app = Flask(__name__, static_folder='./dist/')",
    ],
)
def test_a_page_of_an_ignored_folder_that_is_missing(folder: Path, text: str) -> None:
    (folder / "main.py").write_text(f"import os\n{APP}def home():\n    {text}\n")
    (folder / "dist").mkdir()
    (folder / "dist/index.html").write_text("x")
    config = load(folder, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    hint = hint_for_no_page(config, build(config, CACHE / "build", os.environ, events.ignore))
    assert hint.startswith("--check-path with") and "; or main.py names dist" in hint and 'include = ["dist/"]' in hint


def test_page_of_a_frontend_that_is_not_built(folder: Path) -> None:
    (folder / "main.py").write_text(f"{APP}other = Flask(__name__, static_folder='front/dist')\n")
    (folder / "front").mkdir()
    (folder / "front/package.json").write_text('{"scripts": {"build": "vite build"}}')
    config = load(folder, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    hint = hint_for_no_page(config, build(config, CACHE / "build", os.environ, events.ignore))
    assert (
        'build front/dist (npm --prefix front install && npm --prefix front run build) and set include = ["front/dist/"]'
        in hint
    )


def test_path_of_an_mcp_server(folder: Path) -> None:
    config = load(folder, Flags(app="main:app", runtime=RUNTIME), {}, date.today())
    server = replace(config, app=replace(config.app, attribute="mcp.http_app()"))
    assert hint_for_no_page(server, None).startswith("--check-path /mcp, ")  # type: ignore[arg-type]
    program = replace(config, app=replace(config.app, attribute="__main__"))
    (folder / "server.py").write_text("from mcp.server.stdio import stdio_server\n")
    (folder / "main.py").write_text("from server import stdio_server\n")
    assert hint_for_no_page(program, None).startswith("--check-path /mcp, ")  # type: ignore[arg-type]
