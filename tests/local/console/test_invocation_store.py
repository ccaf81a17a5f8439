"""Recent invocations on disk: retention, large events, and a damaged file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lambent.local.console.invocation_store import EVENT_MAX, InvocationStore
from support.executions import make_execution


def ids(store: InvocationStore) -> list[int]:
    return [json.loads(summary)["id"] for summary in store.summaries()]


def test_invocations_survive_a_restart_and_ids_go_on(tmp_path: Path) -> None:
    store = InvocationStore(tmp_path)
    store.save([make_execution(number, answer={"statusCode": 200}) for number in (1, 2)])
    store.close()
    store = InvocationStore(tmp_path)
    assert ids(store) == [2, 1] and store.last_id == 2
    stored = store.read(2)
    assert stored is not None and json.loads(stored.event)["rawPath"] == "/orders/7"
    assert json.loads(stored.response) == {"statusCode": 200} and stored.details.log.stream == "2026/11/30/[3]abc"
    assert store.read(3) is None


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    store = InvocationStore(tmp_path, count_max=100)
    for start in range(1, 1001, 50):
        store.save([make_execution(number) for number in range(start, start + 50)])
    kept = ids(store)
    assert kept[0] == 1000 and len(kept) == 100
    assert store.read(1) is None


def test_disk_space_has_a_limit(tmp_path: Path) -> None:
    store = InvocationStore(tmp_path, bytes_max=1_000_000)
    sizes = []
    for number in range(1, 61):
        store.save([make_execution(number, event={"data": "x" * 100_000})])
        sizes.append((tmp_path / "invocations.sqlite").stat().st_size)
    assert max(sizes) < 2_500_000
    assert len(ids(store)) < 12


def test_large_events_and_responses_are_cut(tmp_path: Path) -> None:
    store = InvocationStore(tmp_path)
    store.save([make_execution(1, event={"data": "x" * EVENT_MAX}, answer="y" * 100_000)])
    stored = store.read(1)
    assert stored is not None
    assert len(stored.event) < 40_000 < stored.details.event_bytes
    assert len(stored.response) < 40_000 < stored.details.response_bytes


def test_damaged_file_is_set_aside(tmp_path: Path) -> None:
    damaged = b"no database" + os.urandom(8000)
    (tmp_path / "invocations.sqlite").write_bytes(damaged)
    store = InvocationStore(tmp_path)
    store.save([make_execution(1)])
    assert ids(store) == [1]
    assert (tmp_path / "invocations.sqlite.damaged").read_bytes() == damaged
