"""The store of functions: durable against kill -9, and its code shared by content."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.local.store import NotFound, Store, pick_version
from support.lambda_api import zip_bytes
from support.paths import TESTS
from support.store_records import ACCOUNT, REGION, configuration, record


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes()
    sha = store.code.add(body)
    url = {"url_id": "a" * 32, "region": REGION, "account": ACCOUNT, "function": "f", "qualifier": "live"}
    url |= {"auth_type": "NONE", "invoke_mode": "BUFFERED", "cors": {"MaxAge": 1}, "created": "c", "modified": "m"}
    saved = record(
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
    store.save(saved)
    store.close()
    reopened = Store(tmp_path)
    assert reopened.get(REGION, "f") == saved
    config = reopened.url("a" * 32)
    assert config is not None
    assert (config.function, config.qualifier, config.cors) == ("f", "live", {"MaxAge": 1})
    assert reopened.policy(REGION, "f", "live") == [{"Sid": "s"}]
    assert reopened.route(REGION, "f", "live").code == tmp_path / "code" / sha
    assert reopened.route(REGION, "f", "live").version == "2"
    archive = reopened.code.zip(sha)
    assert archive is not None
    assert archive.read_bytes() == body
    reopened.close()


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
    function = record("f", body, last_version=number)
    function.latest["Description"] = str(number) * 200
    store.save(function)
    print(number, flush=True)
    store.code.sweep()
"""


@pytest.mark.parametrize("writes", [1, 7, 40])
def test_kill_9_loses_nothing_that_was_saved(tmp_path: Path, writes: int) -> None:
    program = WRITER.format(tests=str(TESTS))
    writer = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    printed = 0
    while printed < writes:
        printed = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    printed = max([printed, *(int(line) for line in writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    store = Store(tmp_path)
    stored = store.get(REGION, "f")
    assert stored is not None
    assert stored.last_version >= printed
    assert stored.latest["Description"] == str(stored.last_version) * 200
    function = store.route(REGION, "f", "")
    assert (function.code / "handler.py").read_text() == f"x = {stored.last_version % 3}"
    names = {path.name for path in (tmp_path / "code").iterdir()}
    assert names == {function.code.name, f"{function.code.name}.zip"}  # nothing incomplete remains
    store.close()


def test_interrupted_transition_ends_at_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body = zip_bytes()
    store.code.add(body)
    pending = record("f", body)
    pending.latest.update(State="Pending", StateReason="x", StateReasonCode="Creating")
    store.save(pending)
    store.close()
    reopened = Store(tmp_path)
    stored = reopened.get(REGION, "f")
    assert stored is not None
    assert (stored.latest["State"], stored.latest["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in stored.latest
    reopened.close()


def test_code_is_shared_and_removed_with_its_last_user(tmp_path: Path) -> None:
    store = Store(tmp_path)
    body, other = zip_bytes(), zip_bytes({"other.py": "x"})
    assert store.code.add(body) == store.code.add(body) == hashlib.sha256(body).hexdigest()
    unused = store.code.add(other)
    for name in ("one", "two"):
        store.save(record(name, body))
    store.code.sweep()
    assert store.code.zip(unused) is None
    store.delete(REGION, "one")
    store.code.sweep()
    assert store.route(REGION, "two", "").code.is_dir()
    store.delete(REGION, "two")
    store.code.sweep()
    assert list((tmp_path / "code").iterdir()) == []
    with pytest.raises(NotFound):
        store.route(REGION, "two", "")
    store.close()


def test_weights_of_an_alias_divide_the_traffic() -> None:
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}}
    assert [pick_version(alias, fraction) for fraction in (0.0, 0.24, 0.25, 0.99)] == ["2", "2", "1", "1"]
    assert pick_version({"FunctionVersion": "1"}, 0.0) == "1"
