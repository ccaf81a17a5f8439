"""Shards: the same bytes whatever the cache, the order and the history; never half; found when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.package.app_imports import imports_of_slimmed_modules
from lambent.package.archive import compress
from lambent.package.compiler import bytecode_path
from lambent.package.layout import SourceFile
from lambent.package.shards.compile_shards import compile_shards
from lambent.package.shards.installer_files import parse_entry_points, parse_requires
from lambent.package.shards.shard import Shard
from lambent.package.shards.shard_cache import open_shard, open_shards
from lambent.package.shards.slim import SlimOptions
from support.wheel_files import TARGET, wheel

SLIM = SlimOptions()
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def packages(folder: Path) -> list[Path]:
    return sorted((folder / "shards").iterdir())


def names(made: Shard) -> list[str]:
    return [entry.name for entry in made.entries]


def test_the_same_bytes_from_two_folders_and_in_any_order(tmp_path: Path) -> None:
    one = [wheel(tmp_path / "one", name, {f"{name}/__init__.py": f"x = '{name}'\n" * 50, f"{name}/b.py": ""}) for name in "abc"]
    other = [
        wheel(tmp_path / "other" / "deep", name, {f"{name}/__init__.py": f"x = '{name}'\n" * 50, f"{name}/b.py": ""})
        for name in "cab"
    ]
    other = [replace(found, sha256=next(each.sha256 for each in one if each.name == found.name)) for found in other]
    first, second = open_shards(one, TARGET, SLIM, tmp_path / "c1"), open_shards(reversed(other), TARGET, SLIM, tmp_path / "c2")
    assert [each.name for each in first] == [each.name for each in second] == ["a", "b", "c"]
    assert [path.name for path in packages(tmp_path / "c1")] == [path.name for path in packages(tmp_path / "c2")]
    for left, right in zip(packages(tmp_path / "c1"), packages(tmp_path / "c2"), strict=True):
        assert left.read_bytes() == right.read_bytes()
    again = open_shards(one, TARGET, SLIM, tmp_path / "c1")
    assert all(each.cached for each in again) and not any(each.cached for each in first)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "text"])
def test_a_damaged_shard_is_made_again(tmp_path: Path, harm: str) -> None:
    found = wheel(tmp_path, "demo", {"demo.py": "x = 1\n" * 100})
    made = open_shard(found, TARGET, SLIM, tmp_path / "cache")
    whole = made.path.read_bytes()
    middle = len(whole) // 3
    made.close()
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    made.path.write_bytes({"flip": flipped, "cut": whole[:-9], "empty": b"", "text": b"PK\5\6 not"}[harm])
    again = open_shard(found, TARGET, SLIM, tmp_path / "cache")
    assert not again.cached and again.path.read_bytes() == whole


def test_what_is_learnt_is_kept(tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": "import os\nfrom . import part\ndef f():\n    import pip\n",
        "demo/part.py": "",
        "demo/part.pyi": "x: int\n",
        "demo/tests/test_part.py": "import demo",
        "demo-1.dist-info/entry_points.txt": "[plug.ins]\na = demo:f\n",
        "demo-1.dist-info/licenses/LICENSE": "do",
    }
    made = open_shard(
        wheel(tmp_path, "demo", files, requires=("other>=1; python_version > '3'",)), TARGET, SLIM, tmp_path / "cache"
    )
    info = "demo-1.dist-info"
    assert sorted(names(made)) == [
        *(f"{info}/METADATA", f"{info}/RECORD", f"{info}/entry_points.txt", f"{info}/licenses/LICENSE"),
        *("demo/__init__.py", "demo/part.py"),
    ]
    assert made.facts.requires == ("other>=1; python_version > '3'",)
    assert made.facts.entry_points == (("plug.ins", "a", "demo:f"),)
    assert made.facts.build_tools == ("pip",) and made.facts.dropped_modules == ("demo/tests",)
    assert {rule: files for rule, files, _ in made.facts.dropped} == {"installer": 1, "stubs": 1, "tests": 1}
    assert made.dropped == {f"{info}/WHEEL": "installer", "demo/part.pyi": "stubs", "demo/tests/test_part.py": "tests"}
    assert made.imports["demo/__init__.py"].eager == {"os", "demo.part"}
    assert f"{info}/RECORD,,\n" in made.archive.read(f"{info}/RECORD").decode()
    assert "demo/part.pyi" not in made.archive.read(f"{info}/RECORD").decode()


def packed(made: Shard, name: str) -> bytes:
    entry = next(each for each in made.entries if each.name == name)
    return made.archive.member(entry)[1]


def test_what_a_published_wheel_has_deflated_is_taken_and_what_was_built_here_is_not(tmp_path: Path) -> None:
    text = "".join(f"value_{number} = {number * number}\n" for number in range(300))
    found = wheel(tmp_path, "demo", {"demo.py": text, "empty.py": ""})
    with zipfile.ZipFile(found.path) as zipped:
        info = zipped.getinfo("demo.py")
        theirs = found.path.read_bytes()[info.header_offset + 30 + len("demo.py") :][: info.compress_size]
    taken = open_shard(found, TARGET, SLIM, tmp_path / "cache")
    anew = open_shard(replace(found, built=True), TARGET, SLIM, tmp_path / "other")
    assert packed(taken, "demo.py") == theirs and packed(taken, "empty.py") == b""
    assert packed(anew, "demo.py") == compress("demo.py", text.encode())[1] != theirs
    for made in (taken, anew):
        assert made.archive.read("demo.py").decode() == text


def test_metadata_is_read_as_it_is_written_in_the_wild() -> None:
    metadata = b"Name: a\r\nREQUIRES-DIST:  b[x] >= 1;\r\n   extra == 'y'\r\nRequires-Dist: c\r\n\r\nRequires-Dist: prose\r\n"
    assert parse_requires(metadata) == ("b[x] >= 1;\n   extra == 'y'", "c")
    points = (
        b"stray = a:b\n# note\n[ one.group ]\n\n  name = mod.ule : thing . part [extra]\nempty\n[two]\nx=y\nx=y\n; no = no\n"
    )
    assert parse_entry_points(points) == ((" one.group ", "name", "mod.ule:thing.part"), ("two", "x", "y"))
    assert parse_entry_points(b"") == parse_requires(b"") == ()


def test_tests_that_another_package_imports_come_back(tmp_path: Path) -> None:
    base = wheel(tmp_path, "base", {"base/__init__.py": "", "base/tests/__init__.py": "", "base/tests/cases.py": "x = 1\n"})
    user = wheel(tmp_path, "user", {"user.py": "def f():\n    from base.tests.cases import x\n"})
    assert "base/tests/cases.py" not in names(open_shards([base], TARGET, SLIM, tmp_path / "cache")[0])
    made = open_shards([base, user], TARGET, SLIM, tmp_path / "cache")
    assert "base/tests/cases.py" in names(made[0])
    assert "base/tests/cases.py" in names(open_shards([user, base], TARGET, SLIM, tmp_path / "cache")[0])


def test_tests_and_tools_that_the_users_files_import_come_back(tmp_path: Path) -> None:
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
    made = open_shards([base, tools], TARGET, SLIM, tmp_path / "cache", own)
    assert [each.name for each in made] == ["base", "setuptools"]
    assert "base/tests/cases.py" in names(made[0]) and "base/test_one.py" not in names(made[0])
    assert "base/test_one.py" in names(open_shards([base], TARGET, SLIM, tmp_path / "cache", {"base.test_one.x"})[0])


def test_build_tools_stay_only_when_asked_for_or_imported(tmp_path: Path) -> None:
    pip = wheel(tmp_path, "pip", {"pip/__init__.py": ""})
    plain = wheel(tmp_path, "plain", {"plain.py": "import os\n"}, requested=True)
    uses = wheel(tmp_path, "uses", {"uses.py": "def f():\n    import pip._internal\n"}, requested=True)

    def kept(*wheels: object, options: SlimOptions = SLIM) -> list[str]:
        return [each.name for each in open_shards(wheels, TARGET, options, tmp_path / "cache")]  # type: ignore[arg-type]

    assert kept(pip, plain) == ["plain"]
    assert kept(pip, uses) == ["pip", "uses"]
    assert kept(replace(pip, requested=True), plain) == ["pip", "plain"]
    assert kept(pip, plain, options=SlimOptions(keep_all=True)) == ["pip", "plain"]


def test_what_the_runtime_has_goes_with_what_only_it_needs(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path, "boto3", {"boto3.py": ""}, requires=("botocore<2", "six"), requested=True),
        wheel(tmp_path, "botocore", {"botocore.py": ""}, requires=("Jmespath>1",)),
        wheel(tmp_path, "jmespath", {"jmespath.py": ""}),
        wheel(tmp_path, "app", {"app.py": ""}, requires=("six; extra == 'x'",), requested=True),
        wheel(tmp_path, "six", {"six.py": ""}),
    ]
    made = open_shards(wheels, TARGET, SlimOptions(without=("Boto3",)), tmp_path / "cache")
    assert [each.name for each in made] == ["app", "six"]


def test_two_builds_at_once_both_end_whole(tmp_path: Path) -> None:
    found = wheel(tmp_path, "demo", {f"demo/m{number}.py": f"x = {number}\n" * 500 for number in range(40)})
    made: list[Shard] = []
    threads = [
        threading.Thread(target=lambda: made.append(open_shard(found, TARGET, SLIM, tmp_path / "cache"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len({tuple(names(each)) for each in made}) == 1
    assert len(packages(tmp_path / "cache")) == 1


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    found = wheel(tmp_path, "demo", {"demo.bin": os.urandom(300_000)})
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
path = Path({str(found.path)!r})
try:
    wheel = Wheel("demo", "1", path.name, path, {found.sha256!r})
    open_shard(wheel, Target("3.12", "x86_64", (2, 34)), SlimOptions(), Path(sys.argv[1]))
except PackagingError as error:
    print(error.what)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], capture_output=True, text=True, check=True)
    assert done.stdout == "cannot prepare demo 1: File too large\n"
    assert packages(tmp_path / "cache") == []


def test_bytecode_does_not_depend_on_what_was_compiled_before(tmp_path: Path) -> None:
    found = wheel(
        tmp_path, "demo", {f"demo/m{number}.py": f"def f{number}(a, b): return a, 'text', {number}\n" for number in range(9)}
    )
    interpreter = interpreters.find(PYTHON, os.environ)
    assert interpreter is not None
    wanted = [f"demo/m{number}.py" for number in range(9)]

    def code(cache: Path, *lots: list[str]) -> dict[str, bytes]:
        made = open_shards([found], TARGET, SLIM, cache)
        for lot in lots:
            (archive,) = compile_shards(made, lot, interpreter, cache)
        assert archive is not None
        return {entry.name: archive.archive.read(entry.name) for entry in archive.entries}

    whole = code(tmp_path / "one", wanted)
    assert sorted(whole) == [bytecode_path(name, PYTHON) for name in wanted]
    assert {data[4:8] for data in whole.values()} == {b"\1\0\0\0"}  # hash-based, never compared with the source
    assert code(tmp_path / "two", wanted[7:], wanted[:3], wanted[2:8], wanted) == whole
    for path in (tmp_path / "two" / "bytecode").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert code(tmp_path / "two", wanted) == whole


def test_sources_that_do_not_compile_have_no_bytecode(tmp_path: Path) -> None:
    found = wheel(tmp_path, "demo", {"demo.py": "x = 1\n", "template.py": "def {{ name }}(:\n", "data.txt": "x"})
    interpreter = interpreters.find(PYTHON, os.environ)
    assert interpreter is not None
    made = open_shards([found], TARGET, SLIM, tmp_path / "cache")
    for _ in range(2):
        (archive,) = compile_shards(made, ["demo.py", "template.py", "missing.py"], interpreter, tmp_path / "cache")
        assert archive is not None and [entry.name for entry in archive.entries] == [bytecode_path("demo.py", PYTHON)]
        assert archive.failed == {bytecode_path("template.py", PYTHON)}
    assert compile_shards(made, ["other.py"], interpreter, tmp_path / "cache") == (None,)


def test_broken_interpreter_is_reported_with_its_stderr(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    broken.chmod(0o755)
    shards = open_shards([wheel(tmp_path, "demo", {"demo.py": "x = 1\n"})], TARGET, SLIM, tmp_path / "cache")
    with pytest.raises(PackagingError, match="cannot compile") as raised:
        compile_shards(shards, ["demo.py"], interpreters.Interpreter(PYTHON, broken), tmp_path / "cache")
    assert raised.value.detail == "no such library"


def test_an_unwritable_cache_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(PackagingError, match="cannot prepare demo 1"):
        open_shard(wheel(tmp_path, "demo", {"demo.py": ""}), TARGET, SLIM, tmp_path / "cache")
