"""The examples are ordinary web apps: ordinary servers serve the same pages."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from support.browser import Browser
from support.example_pages import FOLDER, PAGES
from support.reader import free_port
from support.waiting import eventually

WSGI = """
import importlib, sys
from wsgiref.simple_server import make_server
sys.path.insert(0, ".")
module, name, port = sys.argv[1:]
make_server("127.0.0.1", int(port), getattr(importlib.import_module(module), name)).serve_forever()
"""

SERVED = {
    "cowsay": ("wsgi", "app", "app"),
    "starlette": ("asgi", "main", "app"),
    "fastapi": ("asgi", "main", "app"),
    "flask": ("wsgi", "app", "app"),
    "django": ("wsgi", "mysite.wsgi", "application"),
    "datasette": ("asgi", "main", "app"),
}


def python_with(folder: Path, requirements: Path, *more: str) -> Path:
    """Return the interpreter of a new virtual environment with these requirements."""
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True, timeout=120)
    python = folder / "bin/python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", requirements, *more], check=True, timeout=300)
    return python


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def served(command: list[str | Path], folder: Path, port: int) -> Iterator[Browser]:
    """Run a server in `folder`, and yield the site that it serves on this port of the loopback address."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        eventually(lambda: listens(port) or process.poll() is not None, within_s=60, what="the server")
        assert process.poll() is None, "the server has ended"
        yield Browser(f"http://127.0.0.1:{port}/")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


@pytest.mark.parametrize("name", SERVED)
def test_an_ordinary_server_serves_the_example(name: str, tmp_path: Path) -> None:
    kind, module, attribute = SERVED[name]
    port = free_port()
    requirements = FOLDER / name / "requirements.txt"
    if kind == "asgi":
        python = python_with(tmp_path / "venv", requirements, "uvicorn")
        command = [python, "-m", "uvicorn", f"{module}:{attribute}", "--port", str(port), "--log-level", "warning"]
    else:
        python = python_with(tmp_path / "venv", requirements)
        command = [python, "-c", WSGI, module, attribute, str(port)]
    with served(command, FOLDER / name, port) as site:
        PAGES[name](site)


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"hello"}))
def test_no_example_mentions_lambda(name: str) -> None:
    files = [path for path in (FOLDER / name).rglob("*") if path.suffix in {".py", ".html", ".toml", ".txt"}]
    assert files
    for path in files:
        text = path.read_text().lower()
        assert not [word for word in ("lambda", "lambent", "mangum", "aws") if word in text], path


def test_the_script_creates_the_committed_fixtures_db(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_fixtures", FOLDER / "datasette/make_fixtures.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path / "fixtures.db")
    with (
        closing(sqlite3.connect(tmp_path / "fixtures.db")) as created,
        closing(sqlite3.connect(FOLDER / "datasette/fixtures.db")) as committed,
    ):
        assert list(created.iterdump()) == list(committed.iterdump())
