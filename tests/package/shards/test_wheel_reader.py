"""Files get the paths that an installer gives them, and nothing in a wheel is trusted."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from lambent.errors import PackagingError
from lambent.package.lock import Wheel
from lambent.package.shards.shard_cache import open_shard
from lambent.package.shards.slim import SlimOptions
from lambent.package.shards.wheel_reader import LARGE, WheelReader
from support.wheel_files import TARGET, digest, download_wheels, wheel

KEEP_ALL = SlimOptions(keep_all=True)
PINS = [
    *("uvicorn", "greenlet", "pyyaml", "pybind11", "markupsafe"),  # launchers, headers, shared objects
    *("jupyter-core", "certifi", "pytz", "cffi", "xmltodict"),  # .data/data, data files, entry points
]


def contents(path: Path) -> dict[str, tuple[bytes, bool]]:
    with zipfile.ZipFile(path) as zipped:
        return {
            info.filename: (zipped.read(info), bool(info.external_attr >> 16 & 0o100))
            for info in zipped.infolist()
            if info.orig_filename[0] != "\0"
        }


def test_keep_all_gives_the_same_files_as_uv(tmp_path: Path) -> None:
    python = Path(sys.executable).resolve()
    for package in download_wheels(tmp_path / "wheels", *PINS):
        target = tmp_path / package.name
        options = ["--python-platform", "x86_64-manylinux_2_34", "--python-version", "3.12", "--no-index", "--no-deps"]
        subprocess.run(
            [
                "uv",
                "pip",
                "install",
                "-q",
                *options,
                "--find-links",
                str(package.path.parent),
                "--target",
                str(target),
                package.name,
            ],
            check=True,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        (target / ".lock").unlink()  # uv's own, not of a package
        shard = open_shard(package, TARGET, KEEP_ALL, tmp_path / "cache")
        actual = contents(shard.path)
        shard.close()
        expected = {
            path.relative_to(target).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
            for path in target.rglob("*")
            if path.is_file()
        }
        # describes how this test calls uv: with a local file
        expected = {name: file for name, file in expected.items() if not name.endswith(".dist-info/uv_cache.json")}
        assert actual.keys() == expected.keys()
        for name, (data, executable) in expected.items():
            if name.startswith("bin/"):  # uv's launchers name this machine's Python
                first, _, rest = data.partition(b"\n")
                if first.startswith(b"#!") and b"python" in first and actual[name][0] != data:
                    assert actual[name] == (b"#!/var/lang/bin/python3.12\n" + rest, executable), name
                    continue
            if name.endswith(".dist-info/RECORD"):  # so their digests differ, but nothing else in the file
                lines = [line for line in data.splitlines() if b"/uv_cache.json," not in line]
                expected_lines = [line for line in lines if not line.startswith(b"bin/")]
                assert [line for line in actual[name][0].splitlines() if not line.startswith(b"bin/")] == expected_lines
                continue
            assert actual[name] == (data, executable), (name, python)


@pytest.mark.parametrize(
    "name",
    ["../up.py", "/abs.py", "a/../../up.py", "C:/x.py", "a\\b.py", "a//b.py", "./x.py", "demo-1.data/purelib/../../up.py"],
)
def test_path_outside_the_target_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackagingError, match="unsafe path"):
        open_shard(wheel(tmp_path, "demo", {name: "x = 1\n"}), TARGET, SlimOptions(), tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_links_and_conflicting_paths_are_refused(tmp_path: Path) -> None:
    linked = wheel(tmp_path / "a", "demo", {"demo.py": ""})
    with zipfile.ZipFile(linked.path, "a") as zipped:
        info = zipfile.ZipInfo("link.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(PackagingError, match=r"contains a link: link\.py"):
        WheelReader(linked)
    twice = wheel(tmp_path / "b", "demo", {"demo.py": "x = 1\n", "demo-1.data/purelib/demo.py": "x = 2\n"})
    with pytest.raises(PackagingError, match=r"two different files would be installed as demo\.py"):
        WheelReader(twice)
    both = wheel(tmp_path / "c", "demo", {"demo": "", "demo/x.py": "", "demo/y.py": ""})
    with pytest.raises(PackagingError, match="demo is both a file and a folder"):
        WheelReader(both)


def test_contents_are_checked_against_record(tmp_path: Path) -> None:
    false = "demo.py,sha256=AAAA,3\ndemo-1.dist-info/METADATA,,\ndemo-1.dist-info/WHEEL,,\n"
    demo = wheel(tmp_path, "demo", {"demo.py": "x=1", "demo-1.dist-info/RECORD": false})
    with pytest.raises(PackagingError, match=r"demo\.py does not match its RECORD") as caught:
        open_shard(demo, TARGET, SlimOptions(), tmp_path / "cache")
    assert caught.value.where == "demo-1-py3-none-any.whl"


def test_record_with_hexadecimal_digests_is_accepted(tmp_path: Path) -> None:
    """uv's build backend wrote them for a while."""
    record = "{}demo-1.dist-info/METADATA,,\ndemo-1.dist-info/WHEEL,,\n"
    line = f"demo.py,sha256={sha256(b'x=1').hexdigest()},3\n"
    demo = wheel(tmp_path, "demo", {"demo.py": "x=1", "demo-1.dist-info/RECORD": record.format(line)})
    with WheelReader(demo) as reader:
        assert reader.read("demo.py") == b"x=1"
        assert reader.record_entry("demo.py") == f"sha256={digest(b'x=1')},3"


def with_members(demo: Wheel, *names: str) -> Wheel:
    """Add members that RECORD doesn't list."""
    with zipfile.ZipFile(demo.path, "a") as zipped:
        for name in names:
            zipped.writestr(name, "x = 1\n")
    return demo


def test_members_outside_record_are_installed(tmp_path: Path) -> None:
    demo = with_members(wheel(tmp_path, "demo", {"demo.py": ""}), "extra.py")
    with WheelReader(demo) as reader:
        assert "extra.py" in [file.path for file in reader.files]
        assert reader.read("extra.py") == b"x = 1\n"


def test_record_without_digests_and_with_signatures_is_accepted(tmp_path: Path) -> None:
    record = "demo.py,,\ndemo-1.dist-info/METADATA,,\ndemo-1.dist-info/WHEEL\n"
    demo = wheel(tmp_path, "demo", {"demo.py": "", "demo-1.dist-info/RECORD": record})
    with WheelReader(with_members(demo, "demo-1.dist-info/RECORD.jws", "demo-1.dist-info/RECORD.p7s")) as reader:
        assert len(reader.files) == 6


@pytest.mark.parametrize("member", ["lambent_runtime/own_files", "demo-1.data/purelib/lambent_runtime/x.py"])
def test_file_in_the_runtime_is_refused(tmp_path: Path, member: str) -> None:
    demo = wheel(tmp_path, "demo", {"demo.py": "", member: "x = 1\n"})
    with pytest.raises(PackagingError, match="would become a part of lambent's runtime"):
        open_shard(demo, TARGET, SlimOptions(), tmp_path / "cache")


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\5\6" + bytes(18)], ids=["empty", "text", "no members"])
def test_file_that_is_not_a_wheel_is_refused(tmp_path: Path, data: bytes) -> None:
    demo = wheel(tmp_path, "demo", {"demo.py": ""})
    demo.path.write_bytes(data)
    with pytest.raises(PackagingError, match="the wheel of demo 1 cannot be used"):
        open_shard(demo, TARGET, SlimOptions(), tmp_path / "cache")


def test_data_folders_are_installed_by_scheme(tmp_path: Path) -> None:
    files = {
        "demo-1.data/purelib/demo.py": "x = 1\n",
        "demo-1.data/platlib/other.py": "",
        "demo-1.data/scripts/tool": "#!python\nprint(1)\n",
        "demo-1.data/headers/demo.h": "",
        "demo-1.data/data/share/x.txt": "x",
        "demo-1.dist-info/entry_points.txt": "[console_scripts]\nrun = demo:main.go [extra]\n",
    }
    shard = open_shard(wheel(tmp_path, "demo", files, requested=True), TARGET, KEEP_ALL, tmp_path / "cache")
    files_in_shard = contents(shard.path)
    shard.close()
    assert {name for name in files_in_shard if ".dist-info" not in name} == {
        *("bin/run", "bin/tool", "demo.py", "include/demo/demo.h", "other.py", "share/x.txt")
    }
    assert files_in_shard["bin/tool"] == (b"#!/var/lang/bin/python3.12\nprint(1)\n", True)
    assert b"from demo import main\n" in files_in_shard["bin/run"][0] and b"sys.exit(main.go())" in files_in_shard["bin/run"][0]
    assert files_in_shard["demo-1.dist-info/INSTALLER"][0] == b"uv" and "demo-1.dist-info/REQUESTED" in files_in_shard


PEAK = """
import resource, sys
from pathlib import Path
from lambent.package.shards.shard_cache import open_shard
from lambent.package.shards.slim import SlimOptions
from support.wheel_files import TARGET, read_wheel
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
open_shard(read_wheel(Path(sys.argv[1])), TARGET, SlimOptions(), Path(sys.argv[2]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_large_files_are_never_whole_in_memory(tmp_path: Path) -> None:
    """150 MB of zeros are 150 KB in the wheel, and would be as easily 4 GB."""
    size = 150 << 20
    names = ("demo/data.bin", "demo/code.py", "demo/not.so")
    package = wheel(tmp_path, "demo", {"demo/__init__.py": b"", **dict.fromkeys(names, bytes(size))})
    command = [sys.executable, "-c", PEAK, str(package.path), str(tmp_path / "cache")]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    peak = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
    assert int(peak) < 100
    with zipfile.ZipFile(open_shard(package, TARGET, SlimOptions(), tmp_path / "cache").path) as shard:
        assert [shard.getinfo(name).file_size for name in names] == [size] * 3
        assert shard.read(names[0]) == bytes(size)


def test_changed_large_file_is_refused(tmp_path: Path) -> None:
    folder = "demo-1.dist-info"
    record = f"demo.bin,sha256={digest(b'other')},5\ndemo.py,,\n{folder}/METADATA,,\n{folder}/WHEEL,,\n"
    package = wheel(tmp_path, "demo", {"demo.bin": bytes(LARGE), "demo.py": b"", f"{folder}/RECORD": record})
    with pytest.raises(PackagingError, match=r"demo\.bin does not match its RECORD"):
        open_shard(package, TARGET, SlimOptions(), tmp_path / "cache")
