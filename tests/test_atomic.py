"""Atomic files: complete or not there at all, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent import atomic


@pytest.mark.parametrize("durable", [False, True])
def test_file_is_replaced_with_its_mode(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "folder" / "file"
    for content in (b"old", b"new"):
        atomic.write_bytes(path, content, mode=0o600, durable=durable)
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ValueError), atomic.replacing(path) as file:
        file.write(b"half")
        raise ValueError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_new_file_that_is_not_moved_is_deleted(tmp_path: Path) -> None:
    with atomic.NewFile(tmp_path) as new:
        new.file.write(b"half")
    assert not list(tmp_path.iterdir())
