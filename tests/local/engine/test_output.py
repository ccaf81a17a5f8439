"""Functions that print without end: they don't hold up the service, and no output is lost without a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.local.engine.environment_log import tail
from lambent.local.engine.log_sink import LogLine, LogSink
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from support.functions import Lambda, make_function, running

LOOP = "def handler(e, c):\n    print('begin')\n    while True: print('x')"
INIT_LOOP = "while True: print('x')"
CHILD = """
import subprocess
def handler(e, c):
    child = subprocess.Popen([__import__('sys').executable, '-c', 'while True: print("y" * 80)'])
    return 'done'
"""
HELLO = "def handler(e, c): return 'hello'"


@pytest.fixture(params=["best", "process"])
def factory(request: pytest.FixtureRequest) -> Callable[[], SandboxFactory | None]:
    return (lambda: None) if request.param == "best" else ProcessFactory


async def run_beside_a_printing_function(aws: Lambda, folder: Path, source: str) -> tuple[Any, str, str]:
    """Return the outcome of a function that prints without end. Meanwhile, another function answers."""
    endless = make_function(folder, source, name="endless", arn="arn:endless", timeout_s=3)
    hello = make_function(folder, HELLO, name="hello", arn="arn:hello", timeout_s=30)
    printing = asyncio.ensure_future(aws.call(endless))
    await aws.wait_for_environments(endless, busy=1)
    for _ in range(20):
        assert (await aws.call(hello))[0] == "hello"
    return await printing


@pytest.mark.parametrize("source", [LOOP, INIT_LOOP])
def test_endless_output_ends_with_the_time_out(
    source: str, factory: Callable[[], SandboxFactory | None], tmp_path: Path
) -> None:
    async def body() -> None:
        async with running(tmp_path, factory=factory()) as aws:
            payload, error, log = await asyncio.wait_for(run_beside_a_printing_function(aws, tmp_path, source), 60)
            assert (payload["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
            assert "REPORT RequestId" in log
            messages = aws.log.messages()
            assert messages.count("x") > 1000
            assert not [message for message in messages if "dropped" in message]

    asyncio.run(body())


def test_child_that_prints_without_end_holds_up_nothing(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    async def body() -> None:
        async with running(tmp_path, factory=factory()) as aws:
            for _ in range(3):
                assert (await asyncio.wait_for(run_beside_a_printing_function(aws, tmp_path, CHILD), 60))[0] == "done"

    asyncio.run(body())


def test_full_queue_drops_lines_and_says_so_in_the_log() -> None:
    delivered: list[tuple[str, str, str, list[LogLine]]] = []
    sink = LogSink(lambda *batch: delivered.append(batch), queue_max=1000)
    for _ in range(5):
        sink.write("r", "g", "noisy", [LogLine(1, "x" * 300)])
    sink.write("r", "g", "quiet", [LogLine(1, "y" * 300)])
    sink.flush()
    sink.write("r", "g", "quiet", [LogLine(2, "z")])
    sink.flush()
    lines = {
        stream: [line.message for _, _, name, batch in delivered for line in batch if name == stream]
        for *_, stream, _ in delivered
    }
    note = "[lambent] {} log lines were dropped: they came faster than they can be stored"
    assert lines == {"noisy": ["x" * 300] * 2 + [note.format(3)], "quiet": [note.format(1), "z"]}


def test_lines_that_could_not_be_delivered_are_mentioned_once_it_works_again() -> None:
    delivered: list[list[str]] = []
    failing = [OSError(28, "No space left on device")]

    def deliver(region: str, group: str, stream: str, lines: list[LogLine]) -> None:
        if failing:
            raise failing.pop()
        delivered.append([line.message for line in lines])

    sink = LogSink(deliver)
    sink.write("r", "g", "s", [LogLine(1, "a"), LogLine(1, "b")])
    sink.flush()
    sink.flush()
    assert delivered == [["[lambent] 2 log lines were dropped: they came faster than they can be stored"]]


def test_tail_reads_no_more_lines_than_it_needs() -> None:
    class Untouchable:
        @property
        def message(self) -> str:
            raise AssertionError

    lines: list[Any] = [Untouchable(), LogLine(1, "x" * 3000), LogLine(1, "y" * 3000)]
    assert tail(lines) == "x" * 1094 + "\n" + "y" * 3000 + "\n"
