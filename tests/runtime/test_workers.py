"""Lambda Managed Instances: several events at once, each in a process of its own."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from support.functions import RUNTIMES, interpreter
from support.runtime_api_stub import PATIENCE, Environment

MEET = """
import os

def lambda_handler(event, context):
    fifo = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "fifo")
    if not os.path.exists(fifo):
        return os.getpid()
    with open(fifo, event["mode"]) as file:  # opens only when the other side does
        print("met", event["mode"])
        return [file.write("hello") and "" if event["mode"] == "w" else file.read(), os.getpid()]
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_two_events_are_answered_at_once(tmp_path: Path, runtime: str) -> None:
    env = {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "LAMBENT_INTERFACE": "handler"}
    with Environment(tmp_path, interpreter(runtime), "main.lambda_handler", files={"main.py": MEET}, env=env) as process:
        process.api.workers = 2
        os.mkfifo(process.task / "fifo")
        for number, mode in enumerate("rw"):
            process.api.events.put((f"request-{number}", f'{{"mode": "{mode}"}}'.encode(), {}))
        answers = [process.posted().data for _ in range(2)]
        process.count = 2
        assert {text for text, _ in answers} == {"", "hello"}
        assert len({worker for _, worker in answers}) == 2
        process.wait_idle()
        assert process.terminate() == 0


def test_output_goes_where_lambda_wants_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sink:
        sink.settimeout(PATIENCE)
        sink.bind(str(tmp_path / "sink"))
        sink.listen()
        provider = {"_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET": str(tmp_path / "sink")}
        env = {"AWS_LAMBDA_MAX_CONCURRENCY": "1", "LAMBENT_INTERFACE": "handler", **provider}
        source = "def lambda_handler(event, context):\n    print('said', flush=True)\n"
        with Environment(tmp_path, interpreter(), "main.lambda_handler", files={"main.py": source}, env=env) as process:
            heard, _ = sink.accept()
            heard.settimeout(PATIENCE)
            assert process.invoke({}).data is None
            assert b"said" in heard.recv(4096)


def test_an_app_that_cannot_start_ends_all_workers(tmp_path: Path) -> None:
    env = {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "LAMBENT_INTERFACE": "handler"}
    with Environment(tmp_path, interpreter(), "main.lambda_handler", files={"main.py": "1 / 0"}, env=env) as process:
        assert {process.posted().kind for _ in range(2)} == {"init/error"}
        assert process.process.wait(PATIENCE) == 1
