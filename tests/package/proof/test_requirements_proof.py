"""The metadata of packages is checked, even if a lock of another tool claims to be complete."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.cli.build_output import BuildOutput
from lambent.config.model import App, Config, Hosting
from lambent.errors import PackagingError
from lambent.package.artifact import Artifact
from lambent.package.build import build
from support.locking import write
from support.wheel_files import wheel


def project(folder: Path, requirement: str, *wheels: Path) -> Path:
    """Write an app with a lock of another tool that has only these wheels."""
    lines = ['lock-version = "1.0"', 'created-by = "other"', f'tool.lambent.requested = ["{requirement}"]']
    for path in wheels:
        name, version, *_ = path.name.split("-")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{version}"']
        lines += [f'archive = {{ path = "{path}", hashes = {{ sha256 = "{digest}" }} }}']
    return write(folder, {"main.py": "def app(event, context): pass\n", "pylock.toml": "\n".join(lines)})


def built(path: Path, emitted: list[events.Event] | None = None, hosting: Hosting | None = None) -> Artifact:
    config = Config(path, "small", App("main", "app", "handler", "."), "python3.12", "x86_64")
    emit = (emitted if emitted is not None else []).append
    return build(replace(config, hosting=hosting or config.hosting), path.parent / "cache", os.environ, emit)


def metadata(*lines: str) -> dict[str, str | bytes]:
    return {"a-1.dist-info/METADATA": "\n".join(["Metadata-Version: 2.1", "Name: a", "Version: 1", *lines, "", "about"])}


def test_wheel_for_another_python_is_refused(tmp_path: Path) -> None:
    package = wheel(tmp_path / "w", "a", metadata("Requires-Python: >=3.13"))
    with pytest.raises(PackagingError, match=r"a 1 requires Python >=3\.13, not 3\.12"):
        built(project(tmp_path / "app", "a", package.path))


def test_requirements_of_an_extra_are_checked(tmp_path: Path) -> None:
    package = wheel(tmp_path / "w", "a", metadata("Provides-Extra: fast", 'Requires-Dist: gone; extra == "fast"'))
    built(project(tmp_path / "app", "a", package.path))
    with pytest.raises(PackagingError, match=r"a 1 requires gone \(for its extra fast\).*the zip doesn't have it"):
        built(project(tmp_path / "app", "a[fast]", package.path))


def test_layers_give_a_notice_about_the_limit(tmp_path: Path) -> None:
    package = wheel(tmp_path / "w", "a", {"a.py": ""})
    emitted: list[events.Event] = []
    hosting = Hosting(layers=("arn:aws:lambda:eu-west-1:123456789012:layer:one:1",))
    built(project(tmp_path / "app", "a", package.path), emitted, hosting)
    assert [event for event in emitted if isinstance(event, events.Notice) and "layers" in event.text]


def test_zip_above_50_mb_needs_a_bucket(tmp_path: Path) -> None:
    app = project(tmp_path / "app", "a", wheel(tmp_path / "w", "a", {"a.py": ""}).path)
    (app / "noise.bin").write_bytes(secrets.token_bytes(51 << 20))
    emitted: list[events.Event] = []
    BuildOutput(None, None, False).report_sizes(built(app), emitted.append)
    assert [event.text for event in emitted if isinstance(event, events.Notice)] == [
        "the zip has 53.5 MB: above 50 MB, upload it to a bucket, as `lambent deploy` does"
    ]
