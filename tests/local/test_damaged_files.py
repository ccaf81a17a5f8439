"""Any bytes of a file in the state folder change: a start goes on, or says what to do, and nothing is deleted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.errors import LocalError
from lambent.local import set_aside
from lambent.local.console.invocation_store import InvocationStore
from lambent.local.database import NAME
from lambent.local.http import Request
from lambent.local.journal import Entry, Journal
from lambent.local.log_store import LogEvent, LogStore, StreamKey
from lambent.local.store import Store
from support.executions import make_execution
from support.lambda_api import zip_bytes
from support.store_records import record

KEY = StreamKey("us-east-1", "group", "stream")
EVENTS = [LogEvent(number, number, number, "line") for number in range(20)]


def use_functions(state: Path) -> None:
    with closing(Store(state)) as store:
        for each in store.all_records():
            store.route(each.region, each.name, "")
            store.save(each)


def use_logs(state: Path) -> None:
    with closing(LogStore(state)) as store:
        for key in store.streams():
            list(store.read(key))
            store.span(key)
        store.append(KEY, EVENTS)
        store.delete(KEY.region, KEY.group)
        assert store.count(KEY) == 0


def use_invocations(state: Path) -> None:
    with closing(InvocationStore(state)) as store:
        store.summaries()
        store.read(1)
        store.save([make_execution(10**6)])


def use_journal(state: Path) -> None:
    list(Journal(state / "neighbours").load())


USES: dict[str, Callable[[Path], None]] = {
    NAME: use_functions,
    "logs.sqlite": use_logs,
    "invocations.sqlite": use_invocations,
    "neighbours/journal.jsonl": use_journal,
}


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("intact")
    with closing(Store(state)) as store:
        store.code.add(zip_bytes())
        for name in ("f", "g"):
            store.save(record(name, zip_bytes(), tags={"key": "value"}))
    with closing(LogStore(state)) as logs:
        for name in ("one", "two"):
            logs.append(StreamKey("us-east-1", "group", name), EVENTS)
    with closing(InvocationStore(state)) as invocations:
        invocations.save([make_execution(number) for number in range(1, 4)])
    journal = Journal(state / "neighbours")
    for number in range(5):
        journal.prepare(Entry(1.5, number, f"iam:role/{number}", "add", Request("POST", "/", "q", (("h", "v"),), b"body")))
        journal.confirm()
    return state


@contextmanager
def damaged(intact: Path, name: str, where: float, change: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        shutil.copytree(intact, state)
        content = (state / name).read_bytes()
        at = int(where * len(content))
        (state / name).write_bytes(content[:at] + change + content[at + len(change) :])
        yield state


@pytest.mark.parametrize("name", USES)
@settings(max_examples=int(os.environ.get("LAMBENT_FUZZ_EXAMPLES", "25")), deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), change=st.binary(min_size=1, max_size=4))
def test_damaged_file_is_survived_or_the_printed_command_sets_it_aside(
    intact: Path, name: str, where: float, change: bytes
) -> None:
    with damaged(intact, name, where, change) as state:
        content = (state / name).read_bytes()
        try:
            USES[name](state)
        except LocalError as error:
            assert "is damaged" in error.what and "\n" not in error.what
            assert (state / name).read_bytes() == content
            subprocess.run(error.hint.partition(": ")[2].partition(";")[0], shell=True, check=True)
            assert f"{name}.damaged" in [Path(each.path).name for each in set_aside.find(state)]
        USES[name](state)
