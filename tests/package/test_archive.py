"""Zips: other programs can read them, splices are exact, and bytes are reproducible."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.package.archive import COMPRESSOR, LEVEL, Archive, BadArchive, Entry, Writer, compress

names = st.lists(st.text("abcé/._-0", min_size=1, max_size=12), max_size=8, unique=True)
members = names.flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), st.binary(max_size=300), st.booleans()) for name in names))
)


def write(file: io.BytesIO, *rows: tuple[str, bytes, bool]) -> None:
    writer = Writer(file)
    for name, data, executable in rows:
        writer.add(*compress(name, data, executable=executable))
    writer.close(lambda digest: digest)


@given(members)
def test_zipfile_reads_what_was_written(rows: tuple[tuple[str, bytes, bool], ...]) -> None:
    file = io.BytesIO()
    write(file, *rows)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name for name, _, _ in rows]
        for name, data, executable in rows:
            info = archive.getinfo(name)
            assert archive.read(info) == data
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 == (0o100755 if executable else 0o100644)


@given(members, st.data())
def test_splicing_gives_the_same_bytes_as_writing(rows: tuple[tuple[str, bytes, bool], ...], data: st.DataObject) -> None:
    selected = {name for name, _, _ in rows if data.draw(st.booleans())}
    first, spliced, direct = io.BytesIO(), io.BytesIO(), io.BytesIO()
    write(first, *rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "shard.zip")
        path.write_bytes(first.getvalue())
        with Archive(path) as shard:
            writer = Writer(spliced)
            writer.add(*compress("before", b"x"))
            writer.splice(shard, selected.__contains__)
            writer.add(*compress("after", b"y" * 99))
            written = writer.close(lambda digest: digest)
    write(direct, ("before", b"x", False), *(row for row in rows if row[0] in selected), ("after", b"y" * 99, False))
    assert spliced.getvalue() == direct.getvalue()
    assert (written.zipped, len(written.entries)) == (len(direct.getvalue()), len(selected) + 2)


def test_unzip_accepts_the_archive(tmp_path: Path) -> None:
    file = io.BytesIO()
    write(file, ("a/b.py", b"print(1)\n" * 50, False), ("run", b"#!/bin/sh\n", True), ("ü.txt", b"", False))
    path = tmp_path / "x.zip"
    path.write_bytes(file.getvalue())
    subprocess.run([sys.executable, "-m", "zipfile", "-t", str(path)], check=True, capture_output=True)


@pytest.mark.parametrize("damage", [b"", b"PK", b"x" * 500])
def test_other_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(damage)
    with pytest.raises(BadArchive):
        Archive(tmp_path / "x.zip")


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    write(file, ("a", b"1" * 100, False))
    (tmp_path / "x.zip").write_bytes(file.getvalue()[:-3])
    with pytest.raises(BadArchive):
        Archive(tmp_path / "x.zip")


def test_incompressible_data_is_stored() -> None:
    entry, packed = compress("x", b"\x00\xff\x17")
    assert entry == Entry("x", False, entry.crc, 3, 3, 0)
    assert packed == b"\x00\xff\x17"


def test_cache_key_names_the_installed_compressor() -> None:
    assert f"libdeflate {version('deflate')} {LEVEL}" == COMPRESSOR


@pytest.mark.parametrize("count", [0xFFFE, 0xFFFF])
def test_more_members_than_a_plain_zip_can_count(count: int, tmp_path: Path) -> None:
    """Such as a project with its node_modules. They are counted in a zip64 record."""
    path = tmp_path / "many.zip"
    with path.open("wb") as file:
        writer = Writer(file)
        for number in range(count):
            writer.add(*compress(f"{number}", b""))
        writer.close(lambda digest: digest)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.infolist()) == count
        assert archive.testzip() is None
    with Archive(path) as own:
        assert [entry.name for entry in own.entries] == [f"{number}" for number in range(count)]
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tqq", path], check=True, timeout=120)
