"""Installing AWS's runtime client for an interpreter."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local.sandbox import runtimes as module
from lambent.local.sandbox.runtimes import InstalledRuntime, Runtimes, install


def test_failed_installation_leaves_nothing_behind(tmp_path: Path) -> None:
    """Two at the same time without a network, and one without an interpreter."""
    environ = {
        "PATH": "",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_CACHE_DIR": str(tmp_path / "empty"),
        "HOME": "/",
        "UV_HTTP_RETRIES": "0",
    }
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environ["PATH"] = str(Path(sys.executable).resolve().parent)

    async def run() -> list[object]:
        runtimes = Runtimes(tmp_path / "cache", environ)
        return await asyncio.gather(*(runtimes.get(f"python{version}") for _ in range(2)), return_exceptions=True)

    for result in asyncio.run(run()):
        assert isinstance(result, LocalError)
        assert "awslambdaric" in result.what
        assert "network" in result.hint
    assert [path.name for path in (tmp_path / "cache" / "runtimes").iterdir()] == [f"python{version}.lock"]
    with pytest.raises(LocalError, match=r"python3\.99"):
        install("python3.99", tmp_path, environ)


def test_two_services_install_a_runtime_only_once(tmp_path: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    environ = {**os.environ, "PATH": str(Path(sys.executable).resolve().parent)}
    abandoned = tmp_path / "runtimes" / f"python{version}-{module._LAYOUT}.killed"
    abandoned.mkdir(parents=True)

    async def run() -> list[InstalledRuntime]:
        return await asyncio.gather(*(Runtimes(tmp_path, environ).get(f"python{version}") for _ in range(2)))

    first, second = asyncio.run(run())
    assert first == second
    assert first.interpreter == Path(sys.executable).resolve()
    assert {"awslambdaric", "boto3", "bootstrap.py"} <= {path.name for path in first.folder.iterdir()}
    assert not abandoned.exists()
    assert all(path.stat().st_mode & 0o004 for path in first.folder.rglob("*"))
