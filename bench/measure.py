"""The ways to measure a row. Each returns one Sample per round; the sides take turns in shuffled order.

Each round gives a ratio, so that other load on the machine affects both sides equally.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from .model import Effort, Row, Sample, Side, Site
from .process import RuntimeProcess, lay_out
from .runtime_api import KEPT_MAX, Posted, Trouble

Take = Callable[[RuntimeProcess, bytes, int], float]

_FLOW = 100_000_000
"""Bytes of the long streamed response."""


def cpu(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Microseconds of CPU per invocation."""
    return _rounds(row, site, effort, _cpu_of)


def wall(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Microseconds from one event to the request for the next: the median of a round."""
    return _rounds(row, site, effort, _wall_of)


def first_call(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Milliseconds of CPU from the start of the process until it has answered its first call and requests the next."""
    tasks = _tasks(row, site)
    event = json.dumps(row.event).encode()
    _agree(*(_start(side, site, task, event)[1] for side, task in tasks))
    return [
        Sample(figures[0], figures[1])
        for figures in (
            {side: _start(tasks[side][0], site, tasks[side][1], event)[0] for side in _shuffled()} for _ in range(effort.rounds)
        )
    ]


def memory(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Peak memory, in MB (10**6), of a long streamed response above that of the idle process."""
    samples = []
    task = lay_out(row.ours, site)
    idle = json.dumps({**row.event, "rawPath": "/idle"}).encode()
    for _ in range(effort.generations):
        with RuntimeProcess(row.ours, site, task) as process:
            process.api.run(idle, 20)
            process.forget_peak()
            before = process.resident()
            process.api.run(json.dumps(row.event).encode(), 1)
            posted = process.api.posted
            if not posted.streamed or posted.size < _FLOW:
                raise Trouble(f"{posted.size:,} bytes came, {'streamed' if posted.streamed else 'not streamed'}")
            samples.append(Sample((process.peak() - before) / 1e6))
    return samples


def _rounds(row: Row, site: Site, effort: Effort, take: Take) -> list[Sample]:
    tasks = _tasks(row, site)
    event = json.dumps(row.event).encode()
    samples: list[Sample] = []
    for generation in range(effort.generations):
        with ExitStack() as stack:
            pair = [stack.enter_context(RuntimeProcess(side, site, task)) for side, task in tasks]
            calls = [_warm_up(process, event, effort.seconds) for process in pair]
            _agree(*(process.api.posted for process in pair))
            upto = effort.rounds * (generation + 1) // effort.generations
            while len(samples) < upto:
                figures = {side: take(pair[side], event, calls[side]) for side in _shuffled()}
                samples.append(Sample(figures[0], figures[1]))
    return samples


def _tasks(row: Row, site: Site) -> list[tuple[Side, Path]]:
    assert row.theirs is not None
    return [(side, lay_out(side, site)) for side in (row.ours, row.theirs)]


def _shuffled() -> list[int]:
    return random.sample((0, 1), 2)


def _cpu_of(process: RuntimeProcess, event: bytes, calls: int) -> float:
    before = process.cpu()
    process.api.run(event, calls)
    return (process.cpu() - before) / calls / 1e3


def _wall_of(process: RuntimeProcess, event: bytes, calls: int) -> float:
    return median(process.api.run(event, calls)) / 1e3


def _start(side: Side, site: Site, task: Path, event: bytes) -> tuple[float, Posted]:
    with RuntimeProcess(side, site, task) as process:
        process.api.run(event, 1)
        return process.cpu() / 1e6, process.api.posted


def _warm_up(process: RuntimeProcess, event: bytes, seconds: float) -> int:
    """Warm the process up and return how many calls fill a round of `seconds`."""
    cycles = process.api.run(event, 20)
    pace = median(cycles) / 1e9
    cycles = process.api.run(event, max(20, min(1000, int(seconds / pace))))
    return max(5, int(seconds * 1e9 / median(cycles)))


def _agree(ours: Posted, theirs: Posted) -> None:
    """Raise Trouble unless both sides respond the same."""
    if _read(ours) != _read(theirs):
        raise Trouble(f"the responses differ: {ours.body[:300]!r} and {theirs.body[:300]!r}")


def _read(posted: Posted) -> tuple[int, bytes] | Any:
    """Return status and body of an HTTP response, buffered or streamed, or any other result of a handler."""
    if posted.kind != "response" or posted.size > KEPT_MAX:
        raise Trouble(f"posted {posted.size:,} bytes to {posted.kind}: {posted.body[:300]!r}")
    if posted.streamed:
        prelude, _, body = posted.body.partition(bytes(8))
        return json.loads(prelude)["statusCode"], body
    response = json.loads(posted.body)
    if not isinstance(response, dict) or "statusCode" not in response:
        return response
    body = response["body"].encode()
    return response["statusCode"], base64.b64decode(body) if response["isBase64Encoded"] else body
