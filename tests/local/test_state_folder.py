"""Nobody else on the machine reads what is in the state folder: a real service, as an older version left it and anew."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local.state_folder import make_folder
from lambent.local.unpack import remove
from support.local_service import Service, serving
from support.zip_archives import archive, make_deep, member

SECRET = "correct horse battery staple"
OPEN = ("code",)  # whose content another user reads in the sandbox, through a mount: the folder itself is closed


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose state was readable for everyone, after it has been used."""
    state = tmp_path_factory.mktemp("state")
    (state / "neighbours" / "bodies").mkdir(parents=True)
    for name in ("service.log", "neighbours/journal.jsonl"):
        (state / name).touch(0o644)
    for path in (state, *state.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with serving(state) as service:
        service.function("f", "def handler(event, context): return __import__('os').umask(0o22)")
        configuration = {"Variables": {"PASSWORD": SECRET}}
        service.client("lambda").update_function_configuration(FunctionName="f", Environment=configuration)
        s3 = service.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 100_000)
        service.client("lambda").invoke(FunctionName="f")
        yield service


@pytest.mark.parametrize(
    "name", ["lambda.sqlite", "service.lock", "start.lock", "service.log", "service.json", "logs.sqlite-wal"]
)
@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling", "loop"])
def test_what_is_no_file_is_named_and_the_printed_command_sets_it_aside(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/nowhere" if kind == "dangling" else path)
    with pytest.raises(LocalError, match="in the state folder isn't a file") as caught:
        make_folder(tmp_path)
    subprocess.run(caught.value.hint.partition(": ")[2], shell=True, check=True)
    make_folder(tmp_path)
    assert os.path.lexists(tmp_path / f"{name}.damaged")


@pytest.mark.parametrize("name", ["code", "neighbours", "neighbours/objects"])
def test_file_in_place_of_a_folder_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(LocalError, match="in the state folder isn't a folder"):
        make_folder(tmp_path)


def visible(folder: Path) -> Iterator[Path]:
    """Yield what others may read or enter, except for the content of folders that they may not enter."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if mode & 0o077 and not stat.S_ISLNK(mode):
            yield path
        if path.is_dir() and path.name not in OPEN:
            yield from visible(path)


def test_others_may_neither_enter_the_state_folder_nor_read_a_file(used: Service) -> None:
    assert stat.S_IMODE(used.state.stat().st_mode) == 0o700
    assert [path for path in visible(used.state) if path.parent.name != "bytecode"] == []
    assert stat.S_IMODE((used.state / "code").stat().st_mode) == 0o700


def test_function_has_the_umask_of_lambda(used: Service) -> None:
    assert used.client("lambda").invoke(FunctionName="f")["Payload"].read() == b"18"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_nothing(used: Service) -> None:
    database = used.state / "lambda.sqlite"
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        try:
            database.read_bytes()
        except PermissionError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_shared_folder_stays_shared_but_its_files_are_private(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    tmp_path.chmod(0o755)
    with serving(tmp_path) as service:
        service.function("f")
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        assert {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077} == {"mine.txt"}
        assert service.client("lambda").invoke(FunctionName="f")["StatusCode"] == 200


def test_zip_of_nested_folders_is_refused_and_the_service_starts_again(tmp_path: Path) -> None:
    deep = archive((member("d/" * 1000), b""))
    with serving(tmp_path) as first:
        first.function("f")
        client = first.client("lambda")
        for _ in range(2):
            with pytest.raises(client.exceptions.InvalidParameterValueException, match="Could not unzip uploaded file"):
                client.update_function_code(FunctionName="f", ZipFile=deep)
        assert "more than 256 folders deep" in first.log()
    make_deep(tmp_path / "code" / ".new-1-left-by-an-older-version", 1500)
    remove(next(path for path in (tmp_path / "code").iterdir() if len(path.name) == 64))
    with serving(tmp_path) as second:
        assert second.client("lambda").invoke(FunctionName="f")["StatusCode"] == 200
        assert not list((tmp_path / "code").glob(".new-*"))
