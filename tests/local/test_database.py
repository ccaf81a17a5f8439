"""The database in the state folder: its format, and what is said about one that can't be used. Every cure is followed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local.database import FORMAT
from lambent.local.store import Store
from support.lambda_api import zip_bytes
from support.store_records import REGION, record


def execute(state: Path, *statements: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(state / "lambda.sqlite", isolation_level=None)
    rows = [row for statement in statements for row in database.execute(statement).fetchall()]
    database.close()
    return rows


def make_state(state: Path, *names: str) -> Path:
    store = Store(state)
    body = zip_bytes()
    store.code.add(body)
    for name in names:
        store.save(record(name, body))
    store.close()
    return state


def test_state_has_a_format_and_older_state_gets_it(tmp_path: Path) -> None:
    make_state(tmp_path, "f")
    assert execute(tmp_path, "PRAGMA user_version") == [(FORMAT,)]
    execute(tmp_path, "PRAGMA user_version=0")
    store = Store(tmp_path)
    assert store.get(REGION, "f") is not None
    store.close()
    assert execute(tmp_path, "PRAGMA user_version") == [(FORMAT,)]


def test_state_of_a_newer_lambent_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    make_state(tmp_path, "f")
    execute(tmp_path, f"PRAGMA user_version={FORMAT + 1}")
    with pytest.raises(LocalError, match=f"a newer lambent has written this state folder .format {FORMAT + 1}") as caught:
        Store(tmp_path)
    assert caught.value.hint == "update lambent, or use another folder: --state DIR"
    assert execute(tmp_path, "PRAGMA user_version") == [(FORMAT + 1,)]


@pytest.mark.parametrize("damage", ["garbage", "truncated", "page"])
def test_damaged_database_is_named_and_the_printed_command_sets_it_aside(damage: str, tmp_path: Path) -> None:
    state = make_state(tmp_path / "state", *(f"f{number}" for number in range(50)))
    path = state / "lambda.sqlite"
    content = path.read_bytes()
    damaged = {
        "garbage": b"garbage" * 1000,
        "truncated": content[: len(content) // 2],
        "page": content[:4096] + os.urandom(len(content) - 4096),
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(LocalError, match="the local Lambda's state is damaged: ") as caught:
        Store(state)
    command = caught.value.hint.partition(": ")[2].partition(";")[0]
    subprocess.run(command, shell=True, check=True)
    store = Store(state)
    assert store.count() == 0
    store.close()
    assert (state / "lambda.sqlite.damaged").read_bytes() == damaged[damage]


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"region": "us-east-1", "account": "1", "name": "bad", "arn": "a", "latest": {"Version": "$LATEST"}}',
        '{"region": "us-east-1", "account": "1", "name": "bad", "arn": "a", "latest": []}',
    ],
)
def test_function_that_cant_be_read_is_set_aside_and_the_others_are_there(
    document: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_state(tmp_path, "good", "bad")
    execute(tmp_path, f"UPDATE functions SET document = '{document}' WHERE name = 'bad'")
    execute(tmp_path, "INSERT INTO layers VALUES ('us-east-1', 'bad', '[1]')")
    for _ in range(2):
        store = Store(tmp_path)
        assert [each.name for each in store.all_records()] == ["good"]
        assert store.layers.values() == []
        store.close()
        lines = [json.loads(line) for line in (tmp_path / "lambda.unreadable.jsonl").read_text().splitlines()]
        assert {line["kind"]: line["document"] for line in lines} == {"functions": document, "layers": "[1]"}
        assert len(lines) == 2
    assert "functions bad in us-east-1 can't be read" in caplog.text


def test_function_whose_name_is_damaged_is_set_aside_once(tmp_path: Path) -> None:
    make_state(tmp_path, "good", "bad")
    execute(tmp_path, "UPDATE functions SET name = CAST(x'ff' AS TEXT) WHERE name = 'bad'")
    for _ in range(2):
        store = Store(tmp_path)
        assert [each.name for each in store.all_records()] == ["good"]
        store.close()
    (line,) = (tmp_path / "lambda.unreadable.jsonl").read_text().splitlines()
    assert json.loads(line)["name"] == r"\xff"


def test_change_that_cant_be_written_is_undone(tmp_path: Path) -> None:
    """SQLite itself refuses to grow, as on a full disk."""
    store = Store(make_state(tmp_path, "f"))
    held = store.get(REGION, "f")
    assert held is not None
    store._database.execute(f"PRAGMA max_page_count={store._database.execute('PRAGMA page_count').fetchone()[0]}")
    held.latest["Description"] = "x" * 100_000
    held.tags["a"] = "b"
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.save(held)
    assert store.get(REGION, "f") is held
    assert held == record("f", zip_bytes())
    held.tags["c"] = "d"
    store.save(held)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.save(record("new", zip_bytes(), tags={"a": "x" * 100_000}))
    assert store.get(REGION, "new") is None
    store.close()
    reopened = Store(tmp_path)
    assert reopened.all_records() == [record("f", zip_bytes(), tags={"c": "d"})]
    reopened.close()
