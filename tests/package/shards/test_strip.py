"""Stripped binaries: smaller, loadable, and left alone in case of doubt."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

from lambent.package.shards.strip import strip

SHARED = next(Path(sysconfig.get_paths()["purelib"]).glob("yaml/_yaml*.so"))


def test_stripped_module_is_smaller_and_loads(tmp_path: Path) -> None:
    data = SHARED.read_bytes()
    cut = strip(data)
    assert len(cut) < len(data)
    folder = tmp_path / "yaml"
    shutil.copytree(SHARED.parent, folder)
    (folder / SHARED.name).write_bytes(cut)
    program = "import yaml, yaml._yaml; print(yaml.load('a: 1', yaml.CLoader), yaml._yaml.__file__)"
    run = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert run.stdout == f"{{'a': 1}} {folder / SHARED.name}\n"
    assert strip(cut) is cut


def test_stripped_file_is_left_alone() -> None:
    bare = bytes(strip(SHARED.read_bytes()))
    names = b"\0.shstrtab\0"
    kinds = (bytes(64), struct.pack("<2I4Q2I2Q", 1, 3, 0, 0, len(bare), len(names), 0, 0, 1, 0))
    head = bare[:40] + struct.pack("<Q", len(bare) + len(names)) + bare[48:58] + struct.pack("<3H", 64, 2, 1) + bare[64:]
    data = head + names + b"".join(kinds)
    assert strip(data) is data
    debug = data.replace(b"\0.shstrtab\0", b"\0.debug_ab\0")
    assert strip(debug) == bare


def test_doubtful_file_is_left_alone() -> None:
    data = SHARED.read_bytes()
    appended = data + b"PK\3\4" + bytes(200)  # an archive appended to a program
    section = data[:40] + struct.pack("<Q", len(data) + 1) + data[48:]
    unknown = data.replace(b"\0.comment\0", b"\0.payload\0")
    assert unknown != data
    for odd in (appended, section, unknown, data[:50], data[:200], b"\x7fELF\x01\x01" + data[6:], b"", b"text"):
        assert strip(odd) is odd
