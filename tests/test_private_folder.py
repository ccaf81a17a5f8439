"""Folders that only their owner may enter."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lambent.private_folder import CACHE_TAG, make_private, make_private_cache


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_folder_is_private_and_those_above_are_as_usual(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.mkdir()
    make_private(tmp_path / "a" / "b", lambda names: False)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (mode(usual), 0o700)


@pytest.mark.parametrize(
    ("before", "content", "after"), [(0o755, CACHE_TAG, 0o700), (0o755, "other", 0o755), (0o1777, CACHE_TAG, 0o1777)]
)
def test_existing_folder_becomes_private_if_it_is_ours_alone(before: int, content: str, after: int, tmp_path: Path) -> None:
    (tmp_path / content).touch()
    tmp_path.chmod(before)
    make_private_cache(tmp_path)
    assert mode(tmp_path) == after
