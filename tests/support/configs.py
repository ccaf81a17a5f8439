"""Small apps and their configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.config.python_runtime import Installed, Machine

TODAY = date(2026, 11, 23)
HANDLER = "def lambda_handler(event, context): return 1\n"
WEB_APP = "async def app(scope, receive, send): pass\n"


def machine_with(home: Path, *pythons: str) -> dict[str, str]:
    """Return the environment of a machine with only these Pythons, installed by pyenv."""
    for python in pythons:
        path = home / f".pyenv/versions/{python}.1/bin/python{python}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF")
        path.chmod(0o755)
    return {"HOME": str(home), "PATH": ""}


def load_config(
    app: Path,
    /,
    settings: str | None = None,
    *,
    pythons: tuple[str, ...] = ("3.13",),
    environ: Mapping[str, str] | None = None,
    on: date = TODAY,
    installed: Installed = "any",
    **flags: Any,
) -> Config:
    """Load the configuration of an app. `settings` are lines for `[tool.lambent]`; None leaves pyproject.toml alone."""
    if settings is not None:
        (app / "pyproject.toml").write_text(f"[tool.lambent]\n{settings}\n")
    machine = machine_with(app.parent / "home", *pythons)
    return load(app, Flags(**flags), {**machine, **(environ or {})}, on, machine=Machine(installed=installed))
