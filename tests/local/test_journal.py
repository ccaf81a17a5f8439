"""The journal of requests: what it keeps, what it forgets, and what a full disk or a damaged file does to it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lambent.local import journal as journal_module
from lambent.local.http import Request
from lambent.local.journal import Entry, Journal
from lambent.local.persistence import Effect
from support.odd_files import place


def entry(subject: str, effect: Effect = "add", body: bytes = b"") -> Entry:
    return Entry(1.5, 2**63, subject, effect, Request("PUT", "/p", "q", (("h", "v"),), body))


def append(journal: Journal, *entries: Entry) -> None:
    for each in entries:
        journal.prepare(each)
        journal.confirm()


def load(folder: Path) -> list[Entry]:
    return list(Journal(folder).load())


def bodies(folder: Path) -> int:
    return len(list((folder / "bodies").iterdir()))


ROLE = entry("iam:role/r")
OLD, NEW = entry("s3:b/k", "replace", b"old" * 10_000), entry("s3:b/k", "replace", b"new" * 10_000)


@pytest.mark.parametrize(
    ("entries", "remaining"),
    [
        ([ROLE, entry("iam:role/s"), entry("iam:role/s", "end"), OLD, NEW], [ROLE, NEW]),
        ([entry("s3:b"), OLD, entry("s3:b", "end"), entry("s3:b")], [entry("s3:b")]),
        ([entry("s3:b"), OLD, entry("s3:b/k", "end")], [entry("s3:b")]),
        ([entry("s3:b"), entry("s3:bb/k"), entry("s3:b", "end")], [entry("s3:bb/k")]),
        ([entry("logs:r/g"), entry("logs:r/g:s"), entry("logs:r/g/h"), entry("logs:r/g", "end")], [entry("logs:r/g/h")]),
        ([entry("logs:r/g"), entry("logs:r/g:s"), entry("logs:r/g:s", "end")], [entry("logs:r/g")]),
        ([entry(""), entry("", "end")], [entry(""), entry("", "end")]),
        ([OLD, OLD, entry("s3:c/k", "replace", OLD.request.body), entry("s3:b/k", "end")],
         [entry("s3:c/k", "replace", OLD.request.body)]),
    ],
)  # fmt: skip
def test_obsolete_entries_are_dropped_with_their_bodies(entries: list[Entry], remaining: list[Entry], tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    append(journal, *entries)
    expected = len({each.request.body for each in remaining if each.request.body})
    assert bodies(tmp_path) == expected
    for _ in range(2):
        assert load(tmp_path) == remaining
        assert bodies(tmp_path) == expected
        assert len((tmp_path / "journal.jsonl").read_bytes().splitlines()) == len(remaining)


def test_file_doesnt_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_COMPACT_AFTER", 10)
    journal = Journal(tmp_path)
    append(journal, ROLE, *[OLD, NEW] * 50)
    assert len((tmp_path / "journal.jsonl").read_bytes().splitlines()) <= 12
    append(journal, entry("iam:role/s"))
    assert load(tmp_path) == [ROLE, NEW, entry("iam:role/s")]


def test_request_that_was_not_performed_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    append(journal, entry("s3:b"), OLD)
    journal.prepare(entry("s3:b", "end"))
    assert load(tmp_path) == [entry("s3:b"), OLD], "killed before it was performed"
    journal.withdraw()
    journal.prepare(NEW)
    journal.withdraw()
    assert bodies(tmp_path) == 1
    append(journal, ROLE)
    assert load(tmp_path) == [entry("s3:b"), OLD, ROLE]


@pytest.mark.parametrize("written", [0, 10])
def test_full_disk_refuses_an_entry_and_the_next_one_survives(
    written: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    append(journal, ROLE)

    def fail(self: Journal, position: int, data: bytes) -> None:
        with (tmp_path / "journal.jsonl").open("r+b") as file:
            file.seek(position)
            file.write(data[:written])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_write_at", fail)
        patch.setattr(Journal, "_cut", lambda self: None)  # as if that failed too
        with pytest.raises(OSError, match="No space"):
            journal.prepare(OLD)
    assert bodies(tmp_path) == 0
    append(journal, NEW)
    assert load(tmp_path) == [ROLE, NEW]


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b"\xff\xfe\0\n",
        b"[" * 100_000 + b"\n",
        b"\n",
        b'{"at":1,"seed":1,"subject":1,"effect":"end","request":["PUT","/",""],"headers":[]}\n',
        b'{"at":1,"seed":1,"subject":"iam:role/r","effect":"off","request":["PUT","/",""],"headers":[]}\n',
        b'{"at": 1, "se{"at": 2}\n',
    ],
)
def test_line_that_cant_be_read_is_set_aside(line: bytes, tmp_path: Path) -> None:
    append(Journal(tmp_path), ROLE)
    path, aside = tmp_path / "journal.jsonl", tmp_path / "journal.unreadable.jsonl"
    with path.open("ab") as file:
        file.write(line)
    append(Journal(tmp_path), NEW)
    for _ in range(2):
        assert load(tmp_path) == [ROLE, NEW]
        assert aside.read_bytes() == line
    with path.open("ab") as file:
        file.write(b'{"at": 1, "se')
    assert load(tmp_path) == [ROLE, NEW]
    append(Journal(tmp_path), OLD)
    assert load(tmp_path) == [ROLE, OLD]
    assert aside.read_bytes() == line


@pytest.mark.parametrize("kind", ["", "fifo", "folder", "loop"])
def test_entry_whose_body_is_missing_is_set_aside(kind: str, tmp_path: Path) -> None:
    append(Journal(tmp_path), ROLE, NEW)
    for path in list((tmp_path / "bodies").iterdir()):
        path.unlink()
        if kind:
            place(kind, path)
    assert load(tmp_path) == [ROLE]
    assert b'"s3:b/k"' in (tmp_path / "journal.unreadable.jsonl").read_bytes()
    assert load(tmp_path) == [ROLE]
    assert bodies(tmp_path) == 0
    append(Journal(tmp_path), NEW)
    assert load(tmp_path) == [ROLE, NEW]
