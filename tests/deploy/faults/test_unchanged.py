"""A deploy that has nothing to do: only reads, all at the same time, and one request to the URL."""

from __future__ import annotations

import time

from msgspec.structs import replace

from support.faults.operation import PLAIN
from support.faults.world import World, with_hosting

ROUND_TRIP_S = 1.0
READS = 15


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
        for _ in range(2):
            start = time.perf_counter()
            there.deploy("still", PLAIN)
            took.append(time.perf_counter() - start)
    finally:
        there.proxy.delay_s = 0.0
    assert ROUND_TRIP_S < min(took) < 1.9 * ROUND_TRIP_S, took


def test_the_version_before_stays_and_the_next_deploy_has_nothing_to_do(there: World) -> None:
    one, two = (with_hosting(replace(PLAIN, text=text), keep_versions=1) for text in ("one", "two"))
    for spec in (one, two):
        assert there.deploy("few", spec, there.direct).changed
    assert there.deploy("few", two, there.direct).changed is False
    assert [each.version for each in there.direct.versions("few")] == ["1", "2"]
    there.deploy("few", one, there.direct)
    assert [each.version for each in there.direct.versions("few")] == ["2", "3"]
