"""What counts as a change of an app's files, and what it needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent.dev.source_changes import Change, Snapshot, describe, is_data, is_setting
from lambent.package.layout import SourceFile


def snapshot(folder: Path, *generated: tuple[str, bytes]) -> Snapshot:
    files = [(path.relative_to(folder).as_posix(), SourceFile(path)) for path in sorted(folder.rglob("*")) if path.is_file()]
    return Snapshot((*files, *((name, SourceFile.generated(name, content)) for name, content in generated)))


def test_files_that_were_written_added_and_removed(tmp_path: Path) -> None:
    for name in ("same.py", "edited.py", "removed.py"):
        (tmp_path / name).write_text("a = 1\n")
    before = snapshot(tmp_path, ("lambent_runtime/own_files", b"1"))
    (tmp_path / "edited.py").write_text("a = 12\n")
    (tmp_path / "removed.py").unlink()
    (tmp_path / "added.py").write_text("")
    change = before.change_to(snapshot(tmp_path, ("lambent_runtime/own_files", b"2")))
    assert set(change.written) == {"edited.py", "added.py", "lambent_runtime/own_files"}
    assert change.removed == ("removed.py",)
    assert not change.needs_build
    assert describe(change.names) == "added.py, edited.py, removed.py"


def test_editor_that_renames_a_file_of_the_same_size_and_date_over_it_changes_it(tmp_path: Path) -> None:
    path, other = tmp_path / "app.py", tmp_path / "app.py~"
    path.write_text("a = 1\n")
    status = path.stat()
    before = snapshot(tmp_path)
    other.write_text("a = 2\n")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)
    assert set(before.change_to(snapshot(tmp_path)).written) == {"app.py"}


def test_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    assert not snapshot(tmp_path).change_to(snapshot(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        *("requirements.txt", "requirements-dev.in", "requirements/base.txt", "pyproject.toml", "uv.lock", "poetry.lock"),
        *(
            "pylock.toml",
            "Pipfile",
            ".python-version",
            "Procfile",
            ".env",
            ".env.production",
            "deploy/app.yaml",
            ".lambentignore",
        ),
    ],
)
def test_setting_builds_the_zip_again(name: str) -> None:
    assert is_setting(name)
    assert Change({}, (name,)).needs_build


@pytest.mark.parametrize("name", ["app.py", "templates/requirements.html", "static/site.css", "locks.py", "environment.py"])
def test_source_is_only_replaced(name: str) -> None:
    assert not is_setting(name) and not is_data(name)


def test_data_builds_the_zip_again() -> None:
    assert is_data("data/app.DB") and Change({}, ("data/app.db",)).needs_build


def test_long_list_is_shortened() -> None:
    assert describe(["a.py", "b.py", "c.py", "d.py", "e.py"]) == "a.py, b.py, c.py and 2 more"
