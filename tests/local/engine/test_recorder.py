"""What the recorder is told about invocations, and that it never stands in their way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from lambent.local.engine import recorder as recorder_module
from lambent.local.engine.invocation import EngineFault, Throttled
from lambent.local.engine.recorder import Execution, Recorder
from support.executions import make_execution
from support.functions import make_function, running


def take(recorder: Recorder) -> list[Execution]:
    watched: list[Execution] = []
    recorder.watch(watched.append)
    return watched


def test_begin_and_end_of_invocations(tmp_path: Path) -> None:
    async def body() -> None:
        async with running(tmp_path, reserved=1) as service:
            watched = take(service.recorder)
            function = make_function(tmp_path, "def handler(event, context):\n    return event\n")
            await service.call(function, "hello")
            await service.call(function, "again")
            began, cold, _, warm = watched
            assert began.id == cold.id < warm.id and began.outcome is None and cold.ended_ms >= cold.started_ms
            assert cold.outcome and cold.outcome.report and cold.outcome.report.init_ms and cold.outcome.log_stream
            assert warm.outcome and warm.outcome.report and warm.outcome.report.init_ms is None
            assert service.recorder.running() == []

    asyncio.run(body())


def test_refusals_are_recorded(tmp_path: Path) -> None:
    async def body() -> None:
        async with running(tmp_path, reserved=0) as service:
            watched = take(service.recorder)
            with pytest.raises(Throttled):
                await service.call(make_function(tmp_path, ""))
            assert watched[-1].refusal == "throttled"
        async with running(tmp_path / "other") as service:
            watched = take(service.recorder)
            with pytest.raises(EngineFault):
                await service.call(make_function(tmp_path, "", runtime="python3.0"))
            assert "3.0" in watched[-1].refusal and service.recorder.running() == []

    asyncio.run(body())


def test_a_full_queue_drops_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_QUEUE_MAX", 5000)
    saved: list[Execution] = []
    recorder = Recorder(saved.extend, last_id=10)
    execution = make_execution(event={"data": "x" * 2000})
    for _ in range(5):
        recorder.end(recorder.begin(execution.function, execution.invocation), execution.outcome)
    recorder.flush()
    assert [each.id for each in saved] == [11]
    recorder.end(recorder.begin(execution.function, execution.invocation), execution.outcome)
    recorder.flush()
    assert [each.id for each in saved] == [11, 16]


def test_a_failing_disk_loses_records_only(caplog: pytest.LogCaptureFixture) -> None:
    def fail(executions: Sequence[Execution]) -> None:
        raise OSError("disk full")

    recorder = Recorder(fail)
    recorder.start()
    execution = make_execution()
    recorder.end(recorder.begin(execution.function, execution.invocation), execution.outcome)
    recorder.close()
    assert "lost the records of 1 invocations" in caplog.text
