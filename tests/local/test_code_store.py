"""The code of functions and layers: shared by content, and removed when nothing uses it."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local import code_store
from lambent.local.store import Store
from lambent.local.unpack import BadArchive, remove
from support.lambda_api import zip_bytes
from support.odd_files import place
from support.zip_archives import archive, make_deep, member


def test_held_code_is_not_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha = hashlib.sha256(zip_bytes()).hexdigest()
    with store.code.hold(sha):
        store.code.add(zip_bytes())
        store.code.sweep()
        assert store.code.zip(sha)
    store.code.sweep()
    assert store.code.zip(sha) is None
    store.close()


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns so often that they interrupt each other everywhere."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_sweep_spares_code_that_other_threads_hold(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bodies = [zip_bytes({"handler.py": f"x = {number}"}) for number in range(4)]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(25):
                body = bodies[(number + turn) % 4]
                sha = hashlib.sha256(body).hexdigest()
                with store.code.hold(sha):
                    store.code.add(body)
                    store.code.sweep()
                    assert (store.code.folder / sha / "handler.py").is_file()
                    assert store.code.zip(sha)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    store.code.sweep()
    assert list(store.code.folder.iterdir()) == []
    store.close()


def test_many_threads_may_add_the_same_code(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes({f"package/module{number}.py": "x = 1\n" for number in range(50)})
    errors: list[BaseException] = []

    def add() -> None:
        try:
            store.code.add(body)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    folder = tmp_path / "code" / hashlib.sha256(body).hexdigest()
    assert len(list((folder / "package").iterdir())) == 50
    assert len(list((tmp_path / "code").iterdir())) == 2
    store.close()


def test_zip_is_found_by_its_hash_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "secret.zip").write_bytes(b"")
    for name in ("../secret", "..%2fsecret", "", "x" * 64, "."):
        assert store.code.zip(name) is None
    store.close()


def test_refused_zip_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(BadArchive):
        store.code.add(archive((member("a/x"), b""), (member("link", 0o120777), b"/etc")))
    assert list((tmp_path / "code").iterdir()) == []
    store.close()


def test_merged_layers_are_removed_when_unused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shas = [store.code.add(zip_bytes({f"{number}.txt": "x"})) for number in range(2)]
    name = store.code.merge(shas)
    assert sorted(path.name for path in (store.code.folder / name).iterdir()) == ["0.txt", "1.txt"]
    assert store.code.merge(shas[:1]) == shas[0]
    assert store.code.merge(shas[::-1]) != name
    store.code.sweep()
    assert list(store.code.folder.iterdir()) == []
    store.close()


def test_start_survives_whatever_is_in_the_code_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path).close()
    code = tmp_path / "code"
    make_deep(code / ".new-1-a", 2000)
    (code / "strange.zip").mkdir()
    (code / "link").symlink_to("/nowhere")
    os.mkfifo(code / "fifo")
    Store(tmp_path).close()
    assert list(code.iterdir()) == []
    (code / "stays").mkdir()
    monkeypatch.setattr(code_store, "remove", refuse)
    Store(tmp_path).close()


def refuse(folder: Path) -> None:
    raise OSError(16, "Device or resource busy")


def test_missing_folders_are_unpacked_and_merged_again(tmp_path: Path) -> None:
    store = Store(tmp_path).code
    shas = [store.add(zip_bytes({f"{number}.txt": "x"})) for number in range(2)]
    name = store.merge(shas)
    for path in store.folder.iterdir():
        remove(path)
    store.restore(name, shas)
    assert sorted(path.name for path in (store.folder / name).iterdir()) == ["0.txt", "1.txt"]
    assert (store.folder / shas[0] / "0.txt").exists()
    store.restore(shas[0])
    (store.folder / f"{shas[0]}.zip").unlink()
    remove(store.folder / shas[0])
    with pytest.raises(LocalError, match="the code of the function is missing from the state folder"):
        store.restore(shas[0])


@pytest.mark.parametrize("kind", ["folder", "file", "fifo", "socket", "dangling"])
def test_something_else_in_place_of_code_is_replaced(kind: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    sha = hashlib.sha256(zip_bytes()).hexdigest()
    for name, expected in ((sha, "folder"), (f"{sha}.zip", "file")):
        if kind != expected:
            place(kind, store.code.folder / name)
    with store.code.hold(sha):
        assert store.code.add(zip_bytes()) == sha
        assert (store.code.folder / sha / "handler.py").is_file()
        assert store.code.zip(sha)
        store.code.sweep()
    store.code.sweep()
    assert list(store.code.folder.iterdir()) == []
    store.close()
