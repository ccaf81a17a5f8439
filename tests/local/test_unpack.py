"""Unpacking zips, harmful ones included."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest

from lambent.local.unpack import BadArchive, TooLarge, checked_path, remove, unpack
from support.lambda_api import zip_bytes
from support.zip_archives import archive, make_deep, member


def unpacked(tmp_path: Path, body: bytes, size_max: int = 1 << 20) -> Path:
    path = tmp_path / "in.zip"
    path.write_bytes(body)
    unpack(path, tmp_path / "out", size_max)
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:\\x", "..\\x", "a\0b", "//x"])
def test_paths_out_of_the_package_are_refused(name: str) -> None:
    with pytest.raises(BadArchive):
        checked_path(name)


@pytest.mark.parametrize("destination", ["/etc/passwd", "../outside", "a/../../outside", ""])
def test_links_out_of_the_package_are_refused(tmp_path: Path, destination: str) -> None:
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("link", 0o120777), destination.encode())))


def test_links_that_lead_out_together_are_refused(tmp_path: Path) -> None:
    body = archive(
        (member("a/b/c/"), b""),
        (member("up", 0o120777), b"a/b/c"),
        (member("a/b/c/out", 0o120777), b"../../.."),
        (member("evil", 0o120777), b"up/out/../x"),
    )
    with pytest.raises(BadArchive):
        unpacked(tmp_path, body)


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("d", 0o120777), str(outside).encode()), (member("d/x"), b"x")))
    assert list(outside.iterdir()) == []


def test_links_within_the_package_are_created(tmp_path: Path) -> None:
    out = unpacked(tmp_path, archive((member("lib/x.so.1"), b"x"), (member("lib/x.so", 0o120777), b"x.so.1")))
    assert (out / "lib/x.so").read_bytes() == b"x"
    assert (out / "lib/x.so").is_symlink()


def test_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("null", stat.S_IFCHR | 0o666), b"")))


def test_last_of_duplicate_members_wins(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        body = archive((member("x.py"), b"first"), (member("x.py"), b"second"))
    assert (unpacked(tmp_path, body) / "x.py").read_bytes() == b"second"


def test_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("x"), b""), (member("x/y"), b"")))


@pytest.mark.parametrize("body", [b"", b"PK\3\4", b"not a zip" * 100, zip_bytes()[:-30]])
def test_files_that_are_no_zip_are_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, body)


def test_damaged_member_is_refused(tmp_path: Path) -> None:
    body = bytearray(archive((member("x.py"), b"content that is long enough to be changed")))
    body[45] ^= 0xFF
    with pytest.raises(BadArchive):
        unpacked(tmp_path, bytes(body))


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        unpacked(tmp_path, archive((member("zeros"), bytes(2 << 20))))


def test_zip_bomb_with_a_false_size_is_refused(tmp_path: Path) -> None:
    body = bytearray(archive((member("zeros"), bytes(2 << 20))))
    for marker, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = body.index(marker) + offset
        body[start : start + 4] = (1000).to_bytes(4, "little")
    with pytest.raises((TooLarge, BadArchive)):
        unpacked(tmp_path, bytes(body))
    written = tmp_path / "out" / "zeros"
    assert not written.exists() or written.stat().st_size <= 2000


def test_modes_are_those_of_other_users(tmp_path: Path) -> None:
    windows = zipfile.ZipInfo("windows.py")
    windows.create_system = 0
    out = unpacked(
        tmp_path,
        archive(
            (member("plain.py", 0o100644), b""),
            (member("run", 0o100755), b""),
            (member("private.py", 0o100600), b""),
            (member("group.py", 0o100640), b""),
            (windows, b""),
            (member("closed/", 0o040700), b""),
            (member("open/", 0o040755), b""),
            (member("unnamed/deep/x.py"), b""),
        ),
    )
    modes = {
        str(path.relative_to(out)): stat.S_IMODE(path.stat().st_mode)
        for path in out.rglob("*")
        if path.parent.stat().st_mode & 0o111 or os.geteuid() == 0
    }
    assert modes == {
        "plain.py": 0o444,
        "run": 0o555,
        "private.py": 0o000,
        "group.py": 0o000,
        "windows.py": 0o444,
        "closed": 0o000,
        "open": 0o555,
        "unnamed": 0o555,
        "unnamed/deep": 0o555,
        "unnamed/deep/x.py": 0o444,
    }
    remove(out)
    assert not out.exists()


def test_file_from_writestr_is_unreadable_as_on_aws(tmp_path: Path) -> None:
    """`ZipFile.writestr("handler.py", ...)` stores 0600. AWS answers `[Errno 13] Permission denied`."""
    out = unpacked(tmp_path, archive(("handler.py", b"x")))
    assert stat.S_IMODE((out / "handler.py").stat().st_mode) == 0


def test_folder_is_removed_however_deep_it_is(tmp_path: Path) -> None:
    make_deep(tmp_path / "deep", 3000)
    remove(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["d/" * 1000, "d/" * 1000 + "file", "d/" * 257])
def test_zip_of_too_many_nested_folders_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="more than 256 folders deep"):
        unpacked(tmp_path, archive((member(name), b"")))


def test_deepest_zip_that_is_permitted_is_unpacked_and_removed(tmp_path: Path) -> None:
    out = unpacked(tmp_path, archive((member("d/" * 255 + "file"), b"x")))
    assert (out / ("d/" * 255 + "file")).read_bytes() == b"x"
    remove(out)
    assert not out.exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_garbage_in_a_compressed_member_is_a_bad_archive(method: int, tmp_path: Path) -> None:
    info = member("file")
    info.compress_type = method
    body = bytearray(archive((info, b"x" * 1000)))
    start = body.index(b"file") + len(b"file")
    body[start : start + 12] = b"\xff" * 12
    with pytest.raises(BadArchive):
        unpacked(tmp_path, bytes(body))
