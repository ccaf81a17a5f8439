"""A zip for the local Lambda of a Mac, built on Linux: the same versions and layout, with wheels for macOS."""

from __future__ import annotations

import platform
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from packaging import tags as packaging_tags

from lambent.cli.main import cli
from lambent.config.model import App, Config
from lambent.events import ignore
from lambent.package.build import build
from lambent.package.target import Target
from lambent.package.wheels.tags import platforms
from support.local_service import environment
from support.locking import make_target, write
from support.paths import CACHE
from support.reader import free_port

FLASK = "from flask import Flask\napp = Flask(__name__)\n\n@app.get('/')\ndef hello():\n    return 'hello'\n"
REQUIREMENTS = "markupsafe==3.0.2\nappnope==0.1.4; sys_platform == 'darwin'\n"
SONOMA = (14, 5)


def natives(config: Config, cache: Path) -> set[str]:
    """Return the names of the native modules in a zip."""
    archive = build(config, cache, environment(), ignore).path
    return {name for name in zipfile.ZipFile(archive).namelist() if name.endswith(".so")}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_wheels_are_those_for_macos(tmp_path: Path, architecture: str) -> None:
    app = write(tmp_path / "app", {"app.py": "app = lambda environ, start: []\n", "requirements.txt": REQUIREMENTS})
    amazon = Config(app, "app", App("app", "app", "wsgi"), "python3.13", architecture)  # type: ignore[arg-type]
    machine = {"arm64": "aarch64"}.get(architecture, architecture)
    cache = CACHE / "lambent"
    assert natives(amazon, cache) == {f"markupsafe/_speedups.cpython-313-{machine}-linux-gnu.so"}
    assert natives(replace(amazon, macos=SONOMA), cache) == {"markupsafe/_speedups.cpython-313-darwin.so"}
    names = zipfile.ZipFile(build(replace(amazon, macos=SONOMA), cache, environment(), ignore).path).namelist()
    assert "appnope/__init__.py" in names  # only macOS needs it
    assert natives(amazon, cache) == {f"markupsafe/_speedups.cpython-313-{machine}-linux-gnu.so"}


def test_tags_are_those_of_packaging() -> None:
    target = replace(make_target("3.13", "arm64"), macos=SONOMA)
    assert list(platforms(target)) == list(packaging_tags.mac_platforms(SONOMA, "arm64"))


def test_the_name_says_macos() -> None:
    target = Target("3.13", "arm64", (2, 34), SONOMA)
    assert (target.name, target.platform) == ("python3.13 arm64 macOS", "python3.13 arm64 macOS 14.5")


def test_a_mac_says_that_its_packages_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.library.destination.is_macos", lambda: True)
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.5.1", ("", "", ""), "arm64"))
    app = write(tmp_path / "app", {"app.py": FLASK, "requirements.txt": "flask\n"})
    local = ("--state", str(tmp_path / "state"), "--port", str(free_port()))
    try:
        planned = CliRunner().invoke(cli, ["deploy", str(app), "--local", *local], catch_exceptions=False)
    finally:
        CliRunner().invoke(cli, ["local", "stop", "--state", str(tmp_path / "state")])
    assert planned.exit_code == 0, planned.output
    assert "the packages are those for this Mac; lambent deploy to AWS uploads Amazon Linux's\n" in planned.stderr
    assert planned.stdout.startswith("http://app.localhost:")
