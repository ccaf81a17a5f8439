"""The ways to measure a row. Each returns one Sample per round; the sides take turns in shuffled order.

Ratios are taken round by round, so that what else the machine does meets both sides alike.
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
from .process import RuntimeProcess, lay
from .runtime_api import KEPT, Posted, Trouble

Take = Callable[[RuntimeProcess, bytes, int], float]

_FLOW = 100_000_000
"""Bytes a long streamed answer must have."""


def cpu(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Microseconds of CPU per invocation."""
    return _rounds(row, site, effort, _cpu_of)


def wall(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Microseconds from an event being sent to the next being asked for: the median of a round."""
    return _rounds(row, site, effort, _wall_of)


def first_call(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Milliseconds of CPU from the start of the process until its first call is answered and the next is asked for."""
    tasks = _tasks(row, site)
    event = json.dumps(row.event).encode()
    _agree(*(_start(side, site, task, event)[1] for side, task in tasks))
    return [
        Sample(took[0], took[1])
        for took in (
            {place: _start(tasks[place][0], site, tasks[place][1], event)[0] for place in _shuffled()}
            for _ in range(effort.rounds)
        )
    ]


def memory(row: Row, site: Site, effort: Effort) -> list[Sample]:
    """Peak memory, in MB (10**6), of one long streamed answer above that of the process at rest."""
    samples = []
    task = lay(row.ours, site)
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
                took = {place: take(pair[place], event, calls[place]) for place in _shuffled()}
                samples.append(Sample(took[0], took[1]))
    return samples


def _tasks(row: Row, site: Site) -> list[tuple[Side, Path]]:
    assert row.theirs is not None
    return [(side, lay(side, site)) for side in (row.ours, row.theirs)]


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
    """Calls that make up a round of so many seconds, after enough of them that nothing is done for the first time."""
    cycles = process.api.run(event, 20)
    pace = median(cycles) / 1e9
    cycles = process.api.run(event, max(20, min(1000, int(seconds / pace))))
    return max(5, int(seconds * 1e9 / median(cycles)))


def _agree(ours: Posted, theirs: Posted) -> None:
    """Two sides that do not answer the same are not compared."""
    if _read(ours) != _read(theirs):
        raise Trouble(f"the answers differ: {ours.body[:300]!r} and {theirs.body[:300]!r}")


def _read(posted: Posted) -> tuple[int, bytes] | Any:
    """Status and body of an HTTP answer, buffered or streamed; what else a handler returned, as it is."""
    if posted.kind != "response" or posted.size > KEPT:
        raise Trouble(f"posted {posted.size:,} bytes to {posted.kind}: {posted.body[:300]!r}")
    if posted.streamed:
        prelude, _, body = posted.body.partition(bytes(8))
        return json.loads(prelude)["statusCode"], body
    answer = json.loads(posted.body)
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return answer
    body = answer["body"].encode()
    return answer["statusCode"], base64.b64decode(body) if answer["isBase64Encoded"] else body
