"""`lambent config` shows the settings that a deploy would have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lambent.cli.main import cli
from support.locking import offer, write
from support.registry import serving

HANDLER = "def lambda_handler(event, context): return 1\n"


def runtime_row(app: Path, cache: Path) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ["config", str(app), "--json", "--cache-dir", str(cache)])
    assert result.exit_code == 0, result.output
    settings: list[dict[str, Any]] = json.loads(result.stdout)["settings"]
    return next(row for row in settings if row["name"] == "runtime")


def test_runtime_is_the_one_that_the_requirements_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with serving() as registry:
        offer(registry, "fast", tag="cp311-cp311-manylinux2014_x86_64")
        offer(registry, "never", tag="cp36-cp36m-manylinux2014_x86_64")
        requirements = f"--index-url {registry.url}/simple\nfast\n"
        app = write(tmp_path / "app", {"lambda_function.py": HANDLER, "requirements.txt": requirements})
        row = runtime_row(app, tmp_path / "cache")
        assert (row["value"], row["origin"]) == ("python3.11", "fast 1.0 has no wheel for 3.12")
        write(app, {"requirements.txt": f"{requirements}never\n"})
        row = runtime_row(app, tmp_path / "cache")
        assert row["value"] == "python3.14" and "no runtime fits all requirements" in row["origin"]
