"""The store: durable against kill -9, code shared by content, and zips that mean harm."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from lambent.local.store import NotFound, Store, pick_version
from lambent.local.unpack import BadArchive, TooLarge, checked_path, remove, unpack
from support.lambda_api import zip_bytes
from support.paths import TESTS
from support.store_records import ACCOUNT, REGION, configuration, record


def archive(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for info, content in members:
            opened.writestr(info, content)
            if isinstance(info, zipfile.ZipInfo) and info.create_system == 0:
                info.external_attr = 0  # writestr puts 0600 there; Windows tools leave it empty
    return buffer.getvalue()


def member(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def unpacked(tmp_path: Path, body: bytes, most: int = 1 << 20) -> Path:
    packed = tmp_path / "in.zip"
    packed.write_bytes(body)
    unpack(packed, tmp_path / "out", most)
    return tmp_path / "out"


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes()
    sha = store.code.add(body)
    url = {"url_id": "a" * 32, "region": REGION, "account": ACCOUNT, "function": "f", "qualifier": "live"}
    url |= {"auth_type": "NONE", "invoke_mode": "BUFFERED", "cors": {"MaxAge": 1}, "created": "c", "modified": "m"}
    kept = record(
        "f",
        body,
        versions={"2": configuration(body, "2")},
        aliases={"live": {"Name": "live", "FunctionVersion": "2"}},
        urls={"live": url},
        policies={"live": [{"Sid": "s"}]},
        tags={"a": "b"},
        last_version=2,
        reserved=7,
    )
    store.save(kept)
    store.close()
    again = Store(tmp_path)
    assert again.get(REGION, "f") == kept
    found = again.url("a" * 32)
    assert found is not None
    assert (found.function, found.qualifier, found.cors) == ("f", "live", {"MaxAge": 1})
    assert again.policy(REGION, "f", "live") == [{"Sid": "s"}]
    assert again.route(REGION, "f", "live").code == tmp_path / "code" / sha
    assert again.route(REGION, "f", "live").version == "2"
    packed = again.code.zip(sha)
    assert packed is not None
    assert packed.read_bytes() == body
    again.close()


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from support.store_records import configuration, record
from support.lambda_api import zip_bytes
from lambent.local.store import Store
store = Store(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    body = zip_bytes({{"handler.py": f"x = {{number % 3}}"}})
    store.code.add(body)
    kept = record("f", body, last_version=number)
    kept.latest["Description"] = str(number) * 200
    store.save(kept)
    print(number, flush=True)
    store.code.sweep()
"""


@pytest.mark.parametrize("writes", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path, writes: int) -> None:
    program = WRITER.format(tests=str(TESTS))
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    said = 0
    while said < writes:
        said = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    said = max([said, *(int(line) for line in writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    store = Store(tmp_path)
    found = store.get(REGION, "f")
    assert found is not None
    assert found.last_version >= said
    assert found.latest["Description"] == str(found.last_version) * 200
    function = store.route(REGION, "f", "")
    assert (function.code / "handler.py").read_text() == f"x = {found.last_version % 3}"
    names = {path.name for path in (tmp_path / "code").iterdir()}
    assert names == {function.code.name, f"{function.code.name}.zip"}  # nothing half-made is left
    store.close()


def test_an_interrupted_transition_ends_at_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes()
    store.code.add(body)
    pending = record("f", body)
    pending.latest.update(State="Pending", StateReason="x", StateReasonCode="Creating")
    store.save(pending)
    store.close()
    again = Store(tmp_path)
    found = again.get(REGION, "f")
    assert found is not None
    assert (found.latest["State"], found.latest["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in found.latest
    again.close()


def test_code_is_shared_and_goes_with_its_last_user(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body, other = zip_bytes(), zip_bytes({"other.py": "x"})
    assert store.code.add(body) == store.code.add(body) == hashlib.sha256(body).hexdigest()
    gone = store.code.add(other)
    for name in ("one", "two"):
        store.save(record(name, body))
    store.code.sweep()
    assert store.code.zip(gone) is None
    store.delete(REGION, "one")
    store.code.sweep()
    assert store.route(REGION, "two", "").code.is_dir()
    store.delete(REGION, "two")
    store.code.sweep()
    assert list((tmp_path / "code").iterdir()) == []
    with pytest.raises(NotFound):
        store.route(REGION, "two", "")
    store.close()


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


def test_sweeping_while_code_comes_and_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    bodies = [zip_bytes({"handler.py": f"x = {number}"}) for number in range(4)]
    faults: list[BaseException] = []

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
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    store.code.sweep()
    assert list(store.code.folder.iterdir()) == []
    store.close()


def test_the_same_code_from_many_threads(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes({f"package/module{number}.py": "x = 1\n" for number in range(50)})
    faults: list[BaseException] = []

    def put() -> None:
        try:
            store.code.add(body)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    folder = tmp_path / "code" / hashlib.sha256(body).hexdigest()
    assert len(list((folder / "package").iterdir())) == 50
    assert len(list((tmp_path / "code").iterdir())) == 2
    store.close()


def test_code_zip_takes_no_paths(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "secret.zip").write_bytes(b"")
    for asked in ("../secret", "..%2fsecret", "", "x" * 64, "."):
        assert store.code.zip(asked) is None
    store.close()


def test_weights_are_drawn_by_lot() -> None:
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}}
    assert [pick_version(alias, lot) for lot in (0.0, 0.24, 0.25, 0.99)] == ["2", "2", "1", "1"]
    assert pick_version({"FunctionVersion": "1"}, 0.0) == "1"


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:\\x", "..\\x", "a\0b", "//x"])
def test_paths_that_leave(name: str) -> None:
    with pytest.raises(BadArchive):
        checked_path(name)


@pytest.mark.parametrize("aim", ["/etc/passwd", "../outside", "a/../../outside", ""])
def test_links_that_leave(tmp_path: Path, aim: str) -> None:
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("link", 0o120777), aim.encode())))


def test_links_upon_links_that_leave(tmp_path: Path) -> None:
    body = archive(
        (member("a/b/c/"), b""),
        (member("up", 0o120777), b"a/b/c"),
        (member("a/b/c/out", 0o120777), b"../../.."),
        (member("evil", 0o120777), b"up/out/../x"),
    )
    with pytest.raises(BadArchive):
        unpacked(tmp_path, body)


def test_a_file_through_a_link_stays_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("d", 0o120777), str(outside).encode()), (member("d/x"), b"x")))
    assert list(outside.iterdir()) == []


def test_links_inside_stay(tmp_path: Path) -> None:
    out = unpacked(tmp_path, archive((member("lib/x.so.1"), b"x"), (member("lib/x.so", 0o120777), b"x.so.1")))
    assert (out / "lib/x.so").read_bytes() == b"x"
    assert (out / "lib/x.so").is_symlink()


def test_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("null", stat.S_IFCHR | 0o666), b"")))


def test_the_last_of_duplicates_counts(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        body = archive((member("x.py"), b"first"), (member("x.py"), b"second"))
    assert (unpacked(tmp_path, body) / "x.py").read_bytes() == b"second"


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, archive((member("x"), b""), (member("x/y"), b"")))


@pytest.mark.parametrize("body", [b"", b"PK\3\4", b"not a zip" * 100, zip_bytes()[:-30]])
def test_what_is_no_zip(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BadArchive):
        unpacked(tmp_path, body)


def test_damage_inside_is_found(tmp_path: Path) -> None:
    body = bytearray(archive((member("x.py"), b"content that is long enough to be changed")))
    body[45] ^= 0xFF
    with pytest.raises(BadArchive):
        unpacked(tmp_path, bytes(body))


def test_a_bomb_stops(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        unpacked(tmp_path, archive((member("zeros"), bytes(2 << 20))))


def test_a_bomb_that_lies_about_its_size_stops(tmp_path: Path) -> None:
    body = bytearray(archive((member("zeros"), bytes(2 << 20))))
    for marker, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = body.index(marker) + offset
        body[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises((TooLarge, BadArchive)):
        unpacked(tmp_path, bytes(body))
    written = tmp_path / "out" / "zeros"
    assert not written.exists() or written.stat().st_size <= 2000


def test_modes_are_what_the_function_may_do(tmp_path: Path) -> None:
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


def test_writestr_with_a_name_is_unreadable_as_on_aws(tmp_path: Path) -> None:
    """`ZipFile.writestr("handler.py", ...)` stores 0600: AWS answers `[Errno 13] Permission denied`."""
    out = unpacked(tmp_path, archive(("handler.py", b"x")))
    assert stat.S_IMODE((out / "handler.py").stat().st_mode) == 0


def test_a_failed_unpacking_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(BadArchive):
        store.code.add(archive((member("a/x"), b""), (member("link", 0o120777), b"/etc")))
    assert list((tmp_path / "code").iterdir()) == []
    store.close()
