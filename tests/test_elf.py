"""Shared objects are read like readelf reads them, and damaged ones don't raise."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent import elf, python_symbols
from support.real_wheels import Installed, install

READELF = shutil.which("readelf")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Installed]:
    folder = tmp_path_factory.mktemp("wheels")
    return [
        install(
            folder / "x86_64", "3.11", "x86_64", "numpy==2.4.0", "psycopg2-binary", "pysqlite3-binary", "markupsafe==3.0.3"
        ),
        install(folder / "arm64", "3.13", "arm64", "cryptography", "lxml", "pillow"),
        install(folder / "musl", "3.12", "musl", "markupsafe==3.0.3"),
    ]


def shared_objects(wheels: list[Installed]) -> list[Path]:
    return [path for one in wheels for path in one.files.values() if re.search(r"\.so(\.|$)", path.name)]


@pytest.fixture(scope="module")
def small(wheels: list[Installed]) -> bytes:
    """A real extension module of a few kilobytes."""
    return next(path for path in shared_objects(wheels) if path.name.startswith("_speedups.cpython-311")).read_bytes()


def readelf(path: Path, *options: str) -> str:
    assert READELF is not None
    return subprocess.run([READELF, "-W", *options, str(path)], capture_output=True, text=True, check=False).stdout


@pytest.mark.skipif(READELF is None, reason="needs binutils")
def test_shared_objects_read_as_with_readelf(wheels: list[Installed]) -> None:
    files = shared_objects(wheels)
    assert len(files) > 60
    for path in files:
        binary = elf.read(path.read_bytes())
        assert binary is not None
        output = readelf(path, "-h", "-d", "-V", "--dyn-syms")
        assert binary.machine == ("arm64" if "AArch64" in output else "x86_64")
        assert binary.needed == tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", output))
        assert [binary.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", output) or [""])
        assert list(binary.search) == [
            part for line in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", output) for part in line.split(":")
        ]
        assert binary.versions == highest(output)
        assert binary.module in [*re.findall(r" PyInit_(\w+)", output), ""]
        assert bool(binary.module) == (" PyInit_" in output)
        undefined = set(re.findall(r" GLOBAL\s+\S+\s+UND (\w+)", output))
        bound = tuple(sorted(name for name in undefined if name.encode() in python_symbols.BOUND))
        assert binary.symbols == (bound if binary.module else ())
        assert not binary.damaged


def highest(output: str) -> tuple[tuple[str, str], ...]:
    """Return the highest version of each family for each library, from the output of readelf."""
    best: dict[tuple[str, str], tuple[tuple[int, ...], str]] = {}
    library = ""
    for line in output.partition("Version needs section")[2].splitlines():
        if file := re.search(r"File: (\S+)", line):
            library = file[1]
        if (version := re.search(r"Name: (\S+)\s+Flags: (\S+)", line)) and version[2] != "WEAK":
            family, number = elf.rank_of(version[1])
            best[library, family] = max(best.get((library, family), ((), "")), (number, version[1]))
    return tuple(sorted((library, version) for (library, _), (_, version) in best.items()))


def test_binary_survives_json(wheels: list[Installed]) -> None:
    for path in shared_objects(wheels):
        binary = elf.read(path.read_bytes())
        assert binary is not None
        assert elf.Binary.from_json(json.loads(json.dumps(binary.as_json()))) == binary
        assert elf.read(memoryview(path.read_bytes())) == binary


def test_extension_module_is_recognized(small: bytes) -> None:
    binary = elf.read(small)
    assert binary is not None
    assert (binary.format, binary.kind, binary.module, binary.bits) == ("elf", "shared", "_speedups", 64)
    assert binary.align >= 4096 and not binary.executable_stack and not binary.free_threaded


def test_reading_is_fast(wheels: list[Installed]) -> None:
    """The pandas set of the benchmark has 67 files and 0.15 s of CPU, so this is the limit for one file."""
    data = [path.read_bytes() for path in shared_objects(wheels)]
    started = time.process_time()
    for content in data:
        elf.read(content)
    per_file = (time.process_time() - started) / len(data)
    assert per_file < 0.15 / 67


def test_other_formats_are_recognized() -> None:
    def format_and_machine(data: bytes) -> tuple[str, str] | None:
        binary = elf.read(data)
        return (binary.format, binary.machine) if binary else None

    pe = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0x8664)
    assert format_and_machine(struct.pack("<II", 0xFEEDFACF, 0x0100000C) + bytes(24)) == ("mach-o", "arm64")
    assert format_and_machine(struct.pack(">II", 0xFEEDFACE, 7)) == ("mach-o", "i386")
    assert format_and_machine(struct.pack(">II", 0xCAFEBABE, 2)) == ("mach-o", "universal")
    assert format_and_machine(pe) == ("pe", "x86_64")
    java = struct.pack(">IHH", 0xCAFEBABE, 0, 61)
    for data in (b"", b"\x7fEL", b"\x7fELF", b"\x7fELF" + bytes(60), b"MZ", java, b"!<thin>\n", b"!<arch>\n", b"#!/bin/sh\n"):
        assert elf.read(data) is None


def test_other_word_sizes_and_byte_orders_are_read() -> None:
    """Read mere headers of 32-bit ARM and big-endian s390x."""
    arm = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 3, 40, 1, 0, 0, 0, 0, 52, 32, 0, 0, 0, 0)
    s390x = b"\x7fELF\x02\x02\x01" + bytes(9) + struct.pack(">HHIQQQIHHHHHH", 2, 22, 1, 0, 0, 0, 0, 64, 56, 0, 0, 0, 0)
    first, second = elf.read(arm), elf.read(s390x)
    assert first is not None and second is not None
    assert (first.machine, first.bits, first.big_endian, first.kind) == ("arm", 32, False, "shared")
    assert (second.machine, second.bits, second.big_endian, second.kind) == ("s390x", 64, True, "executable")


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_file_never_raises(small: bytes, data: st.DataObject) -> None:
    broken = bytearray(small)
    for _ in range(data.draw(st.integers(1, 8))):  # mostly in the headers and tables, where it matters
        at = data.draw(st.one_of(st.integers(0, 1024), st.integers(0, len(broken) - 9)))
        broken[at : at + 8] = data.draw(st.one_of(st.binary(min_size=8, max_size=8), st.just(b"\xff" * 8), st.just(bytes(8))))
    binary = elf.read(bytes(broken[: data.draw(st.one_of(st.just(len(broken)), st.integers(0, len(broken))))]))
    assert binary is None or elf.Binary.from_json(json.loads(json.dumps(binary.as_json()))) == binary


def test_truncated_file_is_damaged(small: bytes) -> None:
    for size in (9000, 4096, 100, 64):  # before the end of what is mapped: what comes after are debug symbols
        binary = elf.read(small[:size])
        assert binary is not None and binary.damaged


def test_circular_chains_end(small: bytes) -> None:
    """Set each 32-bit word that could link to the next entry to zero or far ahead: reading ends, and soon."""
    binary = elf.read(small)
    assert binary is not None and binary.versions
    started = time.process_time()
    for fill in (b"\0", b"\xff", b"\x10\0\0\0"):
        for at in range(0, len(small) - 512, 512):
            elf.read(small[:at] + (fill * 512)[:512] + small[at + 512 :])
    assert time.process_time() - started < 5
