"""Nobody else on the machine reads what is in the state folder: a real service, as an older version left it and anew."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local import daemon
from lambent.local.state_folder import FILES, FOLDERS, make_folder
from lambent.local.unpack import remove
from support.local_service import Service, serving
from support.odd_files import place
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


def start(state: Path) -> object:
    return daemon.ensure_running(state, 0, None, os.environ)


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "device", "dangling", "loop"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_named_and_the_printed_command_sets_it_aside(name: str, kind: str, tmp_path: Path) -> None:
    """No command waits for what a pipe never says, and none follows a link."""
    state = tmp_path / "my state"
    place(kind, state / name)
    commands: list[Callable[[Path], object]] = [start, daemon.status, daemon.stop, make_folder]
    for command in commands:
        with pytest.raises(LocalError, match="in the state folder isn't a file") as caught:
            command(state)
        assert caught.value.where == str(state / name)
    subprocess.run(caught.value.hint.partition(": ")[2], shell=True, check=True)
    make_folder(state)
    assert (daemon.status(state), daemon.stop(state)) == (None, None)
    assert os.path.lexists(state / f"{name}.damaged")


@pytest.mark.parametrize("kind", ["file", "fifo", "dangling"])
@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_no_folder_is_named(name: str, kind: str, tmp_path: Path) -> None:
    place(kind, tmp_path / name)
    for command in (start, daemon.status, daemon.stop):
        with pytest.raises(LocalError, match="in the state folder isn't a folder"):
            command(tmp_path)


UNREADABLE = """
import os, sys
from pathlib import Path
from lambent.errors import LocalError
from lambent.local import daemon
state = Path(sys.argv[1])
for command in (daemon.status, daemon.stop, lambda state: daemon.ensure_running(state, 0, None, os.environ)):
    try:
        print(command(state))
    except LocalError as error:
        print(error.what, error.hint, sep="; ")
"""


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root reads everything")
@pytest.mark.parametrize("name", ["service.json", "service.lock", "start.lock", "lambda.sqlite", "neighbours/journal.jsonl"])
def test_unreadable_file_is_named_and_the_printed_command_makes_it_readable(name: str, tmp_path: Path) -> None:
    place("unreadable", tmp_path / name)
    as_user = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    command = [*as_user, sys.executable, "-c", UNREADABLE, str(tmp_path)]
    status, stop, start = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    is_lock = name == "service.lock"
    assert ("can't use its state folder" in status, "can't use its state folder" in stop) == (False, is_lock)
    assert f"may not read and write {name} in its state folder" in start
    subprocess.run(start.partition("; ")[2].partition(",")[0], shell=True, check=True)
    assert os.access(tmp_path / name, os.R_OK) and (tmp_path / name).stat().st_mode & 0o600 == 0o600


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
