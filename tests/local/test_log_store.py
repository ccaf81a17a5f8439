"""Log events on disk: order, retention, and a damaged file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent.local import log_store
from lambent.local.log_store import LogEvent, LogStore, StreamKey

KEY, OTHER = StreamKey("r", "g", "s"), StreamKey("r", "g", "t")


def events(*numbers: int, message: str = "line") -> list[LogEvent]:
    return [LogEvent(number, number * 10, number * 10 + 1, f"{message} {number}") for number in numbers]


def numbers(store: LogStore, key: StreamKey = KEY) -> list[int]:
    return [event.id for event in store.read(key)]


def test_events_come_back_in_order_and_survive_a_restart(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    store.append(KEY, events(*range(2500)))
    store.append(OTHER, events(9000))
    store.append(KEY, events(2500))
    for _ in range(2):
        assert list(store.read(KEY)) == events(*range(2501))
        assert (store.count(KEY), store.span(KEY), store.last_id()) == (2501, (0, 25_000), 9000)
        assert store.streams() == [KEY, OTHER]
        store.close()
        store = LogStore(tmp_path)
    store.close()


def test_window_of_time_skips_batches_outside(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    for number in range(5):
        store.append(KEY, events(number))
    with store.window(10, 30):
        assert numbers(store) == [1, 2, 3]
    with store.window(None, None):
        assert numbers(store) == [0, 1, 2, 3, 4]
    store.close()


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_stream_keeps_its_newest_events(batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "EVENTS_MAX", 100)
    monkeypatch.setattr(log_store, "_BATCH", 10)
    store = LogStore(tmp_path)
    store.append(OTHER, events(1))
    for start in range(0, 2000, batch):
        store.append(KEY, events(*range(start, start + batch)))
    remaining = numbers(store)
    assert remaining == list(range(remaining[0], remaining[-1] + 1))
    assert 100 <= len(remaining) == store.count(KEY) < 120
    assert numbers(store, OTHER) == [1]
    store.close()


def test_disk_space_has_a_limit(tmp_path: Path) -> None:
    store = LogStore(tmp_path, bytes_max=1_000_000)
    sizes = []
    for number in range(400):
        store.append(StreamKey("r", "g", str(number)), events(number, message="x" * 10_000))
        sizes.append((tmp_path / "logs.sqlite").stat().st_size)
    assert max(sizes) < 3_000_000
    assert numbers(store, StreamKey("r", "g", "399")) == [399]
    assert numbers(store, StreamKey("r", "g", "0")) == []
    assert len(store.streams()) <= 100
    store.close()


def test_groups_streams_and_old_events_are_deleted(tmp_path: Path) -> None:
    store = LogStore(tmp_path)
    elsewhere = StreamKey("r", "h", "s")
    for key in (KEY, OTHER, elsewhere):
        store.append(key, events(1))
        store.append(key, events(2))
    store.expire("r", "h", 20)
    assert numbers(store, elsewhere) == [2]
    store.delete("r", "g", "t")
    assert store.streams() == [KEY, elsewhere]
    store.delete("r", "g")
    assert store.streams() == [elsewhere]
    store.close()


def test_damaged_file_is_set_aside(tmp_path: Path) -> None:
    damaged = b"no database" + os.urandom(8000)
    (tmp_path / "logs.sqlite").write_bytes(damaged)
    store = LogStore(tmp_path)
    store.append(KEY, events(1))
    assert numbers(store) == [1]
    store.close()
    assert (tmp_path / "logs.sqlite.damaged").read_bytes() == damaged
