"""Packages that don't fit: which ones leave, what the two archives hold, and what is refused. The tests lower the limit."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.cli.build_output import BuildOutput
from lambent.config.model import App, Config, Hosting, Packaging
from lambent.errors import PackagingError, UsageError
from lambent.limits import MIB
from lambent.package import overflow, partition
from lambent.package.artifact import Artifact, Overflow
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from lambent.package.bytecode import ZipBytecode
from lambent.package.layout import SourceFile, arrange
from lambent.package.lock import Wheel
from lambent.package.shards.shard_cache import open_shards
from lambent.package.shards.slim import SlimOptions
from lambent.package.zip_contents import ZipContents
from support.wheel_files import TARGET, download_wheels, wheel

LIMIT = 2_000_000  # bytes
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
CODE = """\
import cowsay, pygments, markupsafe._speedups
def app(event, context):
    return cowsay.get_output_string('cow', 'moo')
"""


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def chosen(folder: Path, wheels: Sequence[Wheel], limit: int, own: dict[str, str] | None = None) -> set[str]:
    """Return the packages that leave a zip with these wheels and own files."""
    shards = open_shards(wheels, TARGET, SlimOptions(), folder / "cache")
    files = {}
    for name, text in (own or {}).items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        files[name] = SourceFile(path)
    names = [entry.name for shard in shards for entry in shard.entries]
    contents = ZipContents(shards, arrange(names, {}, files, App("main", "app", "handler")))
    return {shards[index].name for index in partition.choose(contents, ZipBytecode(), limit)}


def sized(folder: Path, **sizes: int) -> list[Wheel]:
    """Make pure packages with data of these sizes in kB."""
    files = {name: {f"{name}/__init__.py": "", f"{name}/data.bin": noise(size * 1000)} for name, size in sizes.items()}
    return [wheel(folder, name, dict(each)) for name, each in files.items()]


@pytest.mark.parametrize(
    ("room_kb", "out"),
    [
        (1050, {"a"}),  # the smallest that is enough
        (950, {"b"}),
        (700, {"c"}),
        (300, {"c", "b"}),  # the largest, and the smallest that is enough then
        (10, {"a", "b", "c"}),
    ],
)
def test_as_little_as_possible_leaves(tmp_path: Path, room_kb: int, out: set[str]) -> None:
    assert chosen(tmp_path, sized(tmp_path, a=100, b=300, c=700), room_kb * 1000 + partition.SLACK) == out


def test_nothing_leaves_if_own_files_are_too_large(tmp_path: Path) -> None:
    assert chosen(tmp_path, sized(tmp_path, a=100), 1000, {"data.txt": "x" * 2000}) == set()


def test_native_packages_leave_first(tmp_path: Path) -> None:
    wheels = [*sized(tmp_path, pure=900), *download_wheels(tmp_path / "real", "markupsafe==3.0.2")]
    assert chosen(tmp_path, wheels, 910_000 + partition.SLACK) == {"markupsafe"}
    assert chosen(tmp_path, wheels, 500_000 + partition.SLACK) == {"pure"}  # which is enough alone


def test_one_python_package_stays_together(tmp_path: Path) -> None:
    complete = wheel(tmp_path, "complete", {"complete/__init__.py": "", "complete/data.bin": noise(500_000)})
    plugin = wheel(tmp_path, "plugin", {"complete/plugins/one.py": "x = 1\n"})
    open_ = wheel(tmp_path, "open_a", {"space/a/__init__.py": "", "space/a/data.bin": noise(400_000)})
    other = wheel(tmp_path, "open_b", {"space/b/__init__.py": ""})
    assert chosen(tmp_path, [complete, plugin, open_, other], 450_000 + partition.SLACK) == {"complete", "plugin"}
    assert chosen(tmp_path, [open_, other], 100_000 + partition.SLACK) == {"open-a"}


def test_package_shared_with_own_files_stays(tmp_path: Path) -> None:
    wheels = sized(tmp_path, a=100, b=300, c=200)
    assert chosen(tmp_path, wheels, 450_000 + partition.SLACK, {"b/extra.py": "x = 1\n", "c/__init__.py": "x = 1\n"}) == set()
    assert chosen(tmp_path, wheels, 550_000 + partition.SLACK, {"b/extra.py": "x = 1\n"}) == {"a"}


def project(
    folder: Path, kind: str = "handler", requirements: str = "cowsay==6.1\nmarkupsafe==3.0.2\npygments==2.18.0\n"
) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(CODE)
    (folder / "requirements.txt").write_text(requirements)
    return Config(folder, "small", App("main", "app", kind), PYTHON, packaging=Packaging(overflow=True))  # type: ignore[arg-type]


def built(config: Config, cache: Path, limit: int = 250 * MIB) -> tuple[Artifact, list[events.Event]]:
    emitted: list[events.Event] = []
    return build(config, cache, os.environ, emitted.append, BuildOptions(unzipped_max=limit)), emitted


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_zip_and_overflow_archive_are_the_complete_zip(tmp_path: Path, cache: Path) -> None:
    config = replace(project(tmp_path / "p"), runtime_client="lambent")
    complete, _ = built(config, cache)
    assert complete.overflow is None and "lambent_runtime/overflow.json" not in content(complete.path)
    split, emitted = built(config, cache, LIMIT)
    assert split.overflow is not None
    inside, outside = content(split.path), content(split.overflow.path)
    manifest = json.loads(inside.pop("lambent_runtime/overflow.json"))
    assert not inside.keys() & outside.keys()
    assert inside | outside == content(complete.path)
    assert any(name.endswith(".pyc") for name in outside)
    overflowed = [event for event in emitted if isinstance(event, events.Overflowed)]
    assert [event.packages for event in overflowed] == [split.overflow.packages] == [tuple(manifest["packages"])]
    data = split.overflow.path.read_bytes()
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest() == split.overflow.sha256
    assert all(hashlib.sha256(data[start : start + size]).hexdigest() == digest for start, size, digest in manifest["parts"])


def test_bytes_depend_on_neither_folder_nor_cache(tmp_path: Path, cache: Path) -> None:
    artifacts = [built(project(tmp_path / name), folder, LIMIT)[0] for name, folder in (("1", cache), ("2", tmp_path / "cold"))]
    assert artifacts[0].sha256 == artifacts[1].sha256 and artifacts[0].overflow and artifacts[1].overflow
    assert artifacts[0].overflow.sha256 == artifacts[1].overflow.sha256
    assert artifacts[0].environment == artifacts[1].environment
    assert ("LAMBENT_INTERFACE", "handler") in artifacts[0].environment  # a bare handler gets the loop that fetches


def test_overflow_is_offered_and_needs_lambents_client(tmp_path: Path, cache: Path) -> None:
    config = project(tmp_path / "p")
    with pytest.raises(PackagingError, match="too large") as error:
        built(replace(config, packaging=Packaging()), cache, LIMIT)
    assert "use --overflow (at least " in error.value.hint and "tmp = 512" in error.value.hint
    assert "pygments 2.18.0" in error.value.detail
    with pytest.raises(UsageError, match="AWS's runtime client can't fetch the rest"):
        built(replace(config, runtime_client="aws"), cache, LIMIT)
    with pytest.raises(PackagingError, match="don't fit into"):
        built(config, cache, 1000)


def taking(raw_mb: int) -> Overflow:
    return Overflow(Path(), "", 0, raw_mb * MIB, 2000, ("torch 2",))


def test_tmp_must_be_large_enough() -> None:
    large = taking(1000)
    assert (large.tmp_mb, taking(10).tmp_mb) == (1152, 512)
    config = Config(Path(), "x", App("main", "app", "asgi"), PYTHON)
    overflow._check_tmp(config, large)
    with pytest.raises(UsageError, match="tmp is 600 MB, and the overflow packages need 1152 MB") as error:
        overflow._check_tmp(replace(config, tmp_mb=600, origins={"tmp_mb": "pyproject.toml"}), large)
    assert (error.value.where, error.value.hint) == ("pyproject.toml", "tmp = 1152")
    with pytest.raises(UsageError, match="SnapStart allows no more than 512 MB"):
        overflow._check_tmp(replace(config, hosting=Hosting(snapstart=True)), large)
    with pytest.raises(PackagingError, match="at most 10,240 MB"):
        overflow._check_tmp(config, taking(11_000))


def test_overflow_archive_is_copied_next_to_the_zip(tmp_path: Path, cache: Path) -> None:
    artifact, _ = built(project(tmp_path / "p"), cache, LIMIT)
    assert artifact.overflow
    emitted: list[events.Event] = []
    BuildOutput(tmp_path / "app.zip", None, show_files=False).copy(artifact, emitted.append)
    copy = tmp_path / "app.overflow.zip"
    assert copy.read_bytes() == artifact.overflow.path.read_bytes()
    text = "".join(event.text for event in emitted if isinstance(event, events.Notice))
    assert str(copy) in text and f"LAMBENT_OVERFLOW=s3://BUCKET/{artifact.overflow.sha256}.zip" in text
