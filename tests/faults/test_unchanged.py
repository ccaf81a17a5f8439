"""A deploy that has nothing to do: only reads, all at the same time, and one request to the URL."""

from __future__ import annotations

import time

from faults.operations import PLAIN
from faults.world import World

ROUND_TRIP_S = 0.1
READS = 12


def test_an_unchanged_deploy_makes_only_reads_in_one_round_trip(there: World) -> None:
    there.deploy("still", PLAIN)
    there.begin(None)
    assert there.deploy("still", PLAIN).changed is False
    calls = [call.operation for call in there.proxy.calls]
    assert all(call.startswith(("Get", "List", "Describe")) for call in calls), calls
    assert len(calls) == there.proxy.sent == READS

    there.proxy.delay_s = ROUND_TRIP_S
    took = []
    try:
        for _ in range(3):
            start = time.perf_counter()
            there.deploy("still", PLAIN)
            took.append(time.perf_counter() - start)
    finally:
        there.proxy.delay_s = 0.0
    assert ROUND_TRIP_S < min(took) < 3.5 * ROUND_TRIP_S, took
