"""Shards: the same bytes with any cache and in any order, never incomplete, and built again when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.app_imports import imports_of_slimmed_modules
from lambent.package.archive import compress
from lambent.package.layout import SourceFile
from lambent.package.shards.installer_files import parse_entry_points, parse_requires
from lambent.package.shards.shard import Shard
from lambent.package.shards.shard_cache import open_shard, open_shards
from lambent.package.shards.slim import SlimOptions
from support.detection import write_project
from support.wheel_files import TARGET, wheel

SLIM = SlimOptions()


def shard_files(folder: Path) -> list[Path]:
    return sorted((folder / "shards").iterdir())


def names(shard: Shard) -> list[str]:
    return [entry.name for entry in shard.entries]


def test_same_bytes_from_two_folders_and_in_any_order(tmp_path: Path) -> None:
    one = [wheel(tmp_path / "one", name, {f"{name}/__init__.py": f"x = '{name}'\n" * 50, f"{name}/b.py": ""}) for name in "abc"]
    other = [
        wheel(tmp_path / "other" / "deep", name, {f"{name}/__init__.py": f"x = '{name}'\n" * 50, f"{name}/b.py": ""})
        for name in "cab"
    ]
    hashes = {first.name: first.sha256 for first in one}
    other = [replace(second, sha256=hashes[second.name]) for second in other]
    first, second = open_shards(one, TARGET, SLIM, tmp_path / "c1"), open_shards(reversed(other), TARGET, SLIM, tmp_path / "c2")
    assert [shard.name for shard in first] == [shard.name for shard in second] == ["a", "b", "c"]
    assert [path.name for path in shard_files(tmp_path / "c1")] == [path.name for path in shard_files(tmp_path / "c2")]
    for left, right in zip(shard_files(tmp_path / "c1"), shard_files(tmp_path / "c2"), strict=True):
        assert left.read_bytes() == right.read_bytes()
    again = open_shards(one, TARGET, SLIM, tmp_path / "c1")
    assert all(shard.cached for shard in again) and not any(shard.cached for shard in first)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text"])
def test_damaged_shard_is_built_again(tmp_path: Path, damage: str) -> None:
    demo = wheel(tmp_path, "demo", {"demo.py": "x = 1\n" * 100})
    shard = open_shard(demo, TARGET, SLIM, tmp_path / "cache")
    whole = shard.path.read_bytes()
    middle = len(whole) // 3
    shard.close()
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    shard.path.write_bytes({"flip": flipped, "cut": whole[:-9], "empty": b"", "text": b"PK\5\6 not"}[damage])
    again = open_shard(demo, TARGET, SLIM, tmp_path / "cache")
    assert not again.cached and again.path.read_bytes() == whole


def test_facts_about_the_wheel_are_stored(tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": "import os\nfrom . import part\ndef f():\n    import pip\n",
        "demo/part.py": "",
        "demo/part.pyi": "x: int\n",
        "demo/tests/test_part.py": "import demo",
        "demo-1.dist-info/entry_points.txt": "[plug.ins]\na = demo:f\n",
        "demo-1.dist-info/licenses/LICENSE": "do",
    }
    shard = open_shard(
        wheel(tmp_path, "demo", files, requires=("other>=1; python_version > '3'",)), TARGET, SLIM, tmp_path / "cache"
    )
    info = "demo-1.dist-info"
    assert sorted(names(shard)) == [
        *(f"{info}/METADATA", f"{info}/RECORD", f"{info}/entry_points.txt", f"{info}/licenses/LICENSE"),
        *("demo/__init__.py", "demo/part.py"),
    ]
    assert shard.facts.requires == ("other>=1; python_version > '3'",)
    assert shard.facts.entry_points == (("plug.ins", "a", "demo:f"),)
    assert shard.facts.build_tools == ("pip",) and shard.facts.dropped_modules == ("demo/tests",)
    assert {rule: files for rule, files, _ in shard.facts.dropped} == {"installer": 1, "stubs": 1, "tests": 1}
    assert shard.dropped == {f"{info}/WHEEL": "installer", "demo/part.pyi": "stubs", "demo/tests/test_part.py": "tests"}
    assert shard.imports["demo/__init__.py"].eager == {"os", "demo.part"}
    assert f"{info}/RECORD,,\n" in shard.archive.read(f"{info}/RECORD").decode()
    assert "demo/part.pyi" not in shard.archive.read(f"{info}/RECORD").decode()


def packed(shard: Shard, name: str) -> bytes:
    entry = next(entry for entry in shard.entries if entry.name == name)
    return shard.archive.member(entry)[1]


def test_compressed_bytes_are_reused_unless_the_wheel_was_built_here(tmp_path: Path) -> None:
    text = "".join(f"value_{number} = {number * number}\n" for number in range(300))
    demo = wheel(tmp_path, "demo", {"demo.py": text, "empty.py": ""})
    with zipfile.ZipFile(demo.path) as zipped:
        info = zipped.getinfo("demo.py")
        original = demo.path.read_bytes()[info.header_offset + 30 + len("demo.py") :][: info.compress_size]
    published = open_shard(demo, TARGET, SLIM, tmp_path / "cache")
    built_here = open_shard(replace(demo, built=True), TARGET, SLIM, tmp_path / "other")
    assert packed(published, "demo.py") == original and packed(published, "empty.py") == b""
    assert packed(built_here, "demo.py") == compress("demo.py", text.encode())[1] != original
    for shard in (published, built_here):
        assert shard.archive.read("demo.py").decode() == text


def test_unusual_metadata_is_parsed() -> None:
    metadata = b"Name: a\r\nREQUIRES-DIST:  b[x] >= 1;\r\n   extra == 'y'\r\nRequires-Dist: c\r\n\r\nRequires-Dist: prose\r\n"
    assert parse_requires(metadata) == ("b[x] >= 1;\n   extra == 'y'", "c")
    points = (
        b"stray = a:b\n# note\n[ one.group ]\n\n  name = mod.ule : thing . part [extra]\nempty\n[two]\nx=y\nx=y\n; no = no\n"
    )
    assert parse_entry_points(points) == ((" one.group ", "name", "mod.ule:thing.part"), ("two", "x", "y"))
    assert parse_entry_points(b"") == parse_requires(b"") == ()


def test_tests_that_another_package_imports_are_kept(tmp_path: Path) -> None:
    base = wheel(tmp_path, "base", {"base/__init__.py": "", "base/tests/__init__.py": "", "base/tests/cases.py": "x = 1\n"})
    user = wheel(tmp_path, "user", {"user.py": "def f():\n    from base.tests.cases import x\n"})
    assert "base/tests/cases.py" not in names(open_shards([base], TARGET, SLIM, tmp_path / "cache")[0])
    shards = open_shards([base, user], TARGET, SLIM, tmp_path / "cache")
    assert "base/tests/cases.py" in names(shards[0])
    assert "base/tests/cases.py" in names(open_shards([user, base], TARGET, SLIM, tmp_path / "cache")[0])


def test_tests_and_tools_that_the_app_imports_are_kept(tmp_path: Path) -> None:
    base = wheel(
        tmp_path, "base", {"base/__init__.py": "", "base/tests/cases.py": "x = 1\n", "base/test_one.py": ""}, requested=True
    )
    tools = wheel(tmp_path, "setuptools", {"setuptools/__init__.py": "", "pkg_resources/__init__.py": ""})
    (tmp_path / "main.py").write_text(
        "import pkg_resources, tests.mine\ndef f():\n    from base.tests import (\n        cases)\n"
    )
    (tmp_path / "mine.py").write_text("import os\n")
    files = {"src/main.py": SourceFile(tmp_path / "main.py"), "src/tests/mine.py": SourceFile(tmp_path / "mine.py")}
    own = imports_of_slimmed_modules(files, "src")
    assert own == {"pkg_resources", "base.tests.cases"}
    shards = open_shards([base, tools], TARGET, SLIM, tmp_path / "cache", own)
    assert [shard.name for shard in shards] == ["base", "setuptools"]
    assert "base/tests/cases.py" in names(shards[0]) and "base/test_one.py" not in names(shards[0])
    assert "base/test_one.py" in names(open_shards([base], TARGET, SLIM, tmp_path / "cache", {"base.test_one.x"})[0])


def test_build_tools_are_kept_only_if_requested_or_imported(tmp_path: Path) -> None:
    pip = wheel(tmp_path, "pip", {"pip/__init__.py": ""})
    plain = wheel(tmp_path, "plain", {"plain.py": "import os\n"}, requested=True)
    uses = wheel(tmp_path, "uses", {"uses.py": "def f():\n    import pip._internal\n"}, requested=True)

    def names_of(*wheels: object, options: SlimOptions = SLIM) -> list[str]:
        return [shard.name for shard in open_shards(wheels, TARGET, options, tmp_path / "cache")]  # type: ignore[arg-type]

    assert names_of(pip, plain) == ["plain"]
    assert names_of(pip, uses) == ["pip", "uses"]
    assert names_of(replace(pip, requested=True), plain) == ["pip", "plain"]
    assert names_of(pip, plain, options=SlimOptions(keep_all=True)) == ["pip", "plain"]


def test_setuptools_provides_distutils_where_python_has_none(tmp_path: Path) -> None:
    files = {
        "distutils-precedence.pth": "import _distutils_hack\n",
        "setuptools/__init__.py": "import sys\nassert 'distutils' not in sys.modules\n"
        "import setuptools._distutils as own\nown.__name__ = 'distutils'\nsys.modules['distutils'] = own\n",
        "setuptools/_distutils/__init__.py": "",
        "setuptools/_distutils/util.py": "def strtobool(text): return 1\n",
    }
    tools = wheel(tmp_path, "setuptools", files)
    uses = wheel(tmp_path, "uses", {"uses.py": "from distutils.util import strtobool\n"}, requested=True)
    for python, expected in (("3.11", ["uses"]), ("3.13", ["setuptools", "uses"])):
        shards = open_shards([tools, uses], replace(TARGET, python=python), SLIM, tmp_path / "cache")
        assert [shard.name for shard in shards] == expected
    write_project(tmp_path / "task", {name: shard.archive.read(name).decode() for shard in shards for name in names(shard)})
    code = "import uses, distutils, setuptools; assert distutils is setuptools._distutils and uses.strtobool('1')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "task", check=True)


def test_excluded_package_is_left_out_with_what_only_it_needs(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path, "boto3", {"boto3.py": ""}, requires=("botocore<2", "six"), requested=True),
        wheel(tmp_path, "botocore", {"botocore.py": ""}, requires=("Jmespath>1",)),
        wheel(tmp_path, "jmespath", {"jmespath.py": ""}),
        wheel(tmp_path, "app", {"app.py": ""}, requires=("six; extra == 'x'",), requested=True),
        wheel(tmp_path, "six", {"six.py": ""}),
    ]
    shards = open_shards(wheels, TARGET, SlimOptions(without=("Boto3",)), tmp_path / "cache")
    assert [shard.name for shard in shards] == ["app", "six"]


def test_two_builds_at_once_both_succeed(tmp_path: Path) -> None:
    demo = wheel(tmp_path, "demo", {f"demo/m{number}.py": f"x = {number}\n" * 500 for number in range(40)})
    shards: list[Shard] = []
    threads = [
        threading.Thread(target=lambda: shards.append(open_shard(demo, TARGET, SLIM, tmp_path / "cache"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shards) == 4 and len({tuple(names(shard)) for shard in shards}) == 1
    assert len(shard_files(tmp_path / "cache")) == 1


def test_full_disk_is_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    demo = wheel(tmp_path, "demo", {"demo.bin": os.urandom(300_000)})
    program = f"""
import resource, signal, sys
from pathlib import Path
from lambent.errors import PackagingError
from lambent.package.lock import Wheel
from lambent.package.shards.shard_cache import open_shard
from lambent.package.shards.slim import SlimOptions
from lambent.package.target import Target
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
path = Path({str(demo.path)!r})
try:
    wheel = Wheel("demo", "1", path.name, path, {demo.sha256!r})
    open_shard(wheel, Target("3.12", "x86_64", (2, 34)), SlimOptions(), Path(sys.argv[1]))
except PackagingError as error:
    print(error.what)
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], capture_output=True, text=True, check=True)
    assert run.stdout == "cannot prepare demo 1: File too large\n"
    assert shard_files(tmp_path / "cache") == []


def test_unwritable_cache_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(PackagingError, match="cannot prepare demo 1"):
        open_shard(wheel(tmp_path, "demo", {"demo.py": ""}), TARGET, SLIM, tmp_path / "cache")
