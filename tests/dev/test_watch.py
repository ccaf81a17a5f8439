"""Changes as the file system reports them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lambent.dev.watch import watch
from support.waiting import eventually


@contextmanager
def watching(path: Path, packages: frozenset[Path] = frozenset(), since_s: float = 0) -> Iterator[list[frozenset[Path]]]:
    """The batches so far, in a list that grows. The first one says that the watch has begun."""
    stop, batches = threading.Event(), list[frozenset[Path]]()

    def collect() -> None:
        for batch in watch(path, stop, packages, since_s):
            batches.append(batch)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        eventually(lambda: batches, what="the watch")
        yield batches
    finally:
        stop.set()
        thread.join()


def changed(batches: list[frozenset[Path]]) -> set[str]:
    return {path.name for batch in batches for path in batch}


def test_save_by_rename_is_seen_and_what_tools_write_is_not(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "app.py").write_text("")
    with watching(tmp_path) as batches:
        (tmp_path / "__pycache__" / "app.pyc").write_text("")
        (tmp_path / ".git" / "config").write_text("")
        (tmp_path / ".app.py.swp").write_text("")
        (tmp_path / "dev.log").write_text("")
        (tmp_path / "new").write_text("a")
        (tmp_path / "new").rename(tmp_path / "app.py")
        eventually(lambda: "app.py" in changed(batches), what="the save")
        assert changed(batches) <= {"app.py", "new"}


def test_checkout_is_one_change(tmp_path: Path) -> None:
    """git holds a lock as long as it writes files, however long that takes."""
    (tmp_path / ".git").mkdir()
    lock = tmp_path / ".git" / "index.lock"
    with watching(tmp_path) as batches:
        before = len(batches)
        lock.touch()
        (tmp_path / "first.py").write_text("")
        written = threading.Event()
        threading.Timer(1.0, written.set).start()
        written.wait()
        assert len(batches) == before, "a change was reported while git still writes"
        (tmp_path / "second.py").write_text("")
        lock.unlink()
        eventually(lambda: "first.py" in changed(batches), what="the checkout")


def test_app_that_is_one_file_ignores_its_neighbours(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("")
    with watching(app) as batches:
        (tmp_path / "notes.txt").write_text("")
        app.write_text("a = 1\n")
        eventually(lambda: "app.py" in changed(batches), what="the save")
        assert "notes.txt" not in changed(batches)


def test_local_package_is_watched_but_not_what_its_build_writes(tmp_path: Path) -> None:
    app, package = tmp_path / "app", tmp_path / "package"
    for folder in (app, package / "build", package / "package.egg-info", tmp_path / "other"):
        folder.mkdir(parents=True)
    (package / "earlier.py").write_text("")
    os.utime(package / "earlier.py", (1000, 1000))
    (package / "meanwhile.py").write_text("")
    with watching(app, frozenset([package]), since_s=2000) as batches:
        assert changed(batches) == {"meanwhile.py"}
        for path in (package / "build" / "built.py", package / "package.egg-info" / "PKG-INFO", tmp_path / "other" / "x.py"):
            path.write_text("")
        (package / "module.py").write_text("")
        eventually(lambda: "module.py" in changed(batches), what="the save")
        assert changed(batches) == {"meanwhile.py", "module.py"}
