"""A deploy that has nothing to do: it only reads, everything at the same time, and requests the URL once."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from support.faults.calls import Call
from support.faults.operation import PLAIN
from support.faults.proxy import Forward
from support.faults.world import World, with_hosting

READS = 14  # the client of `world` knows the account already
WAIT_S = 60
"""How long a read waits for the others before the test fails."""


def test_unchanged_deploy_makes_only_reads_all_at_the_same_time(world: World) -> None:
    world.deploy("still", PLAIN)
    barrier = threading.Barrier(READS)

    def wait_for_all_reads(call: Call, forward: Forward) -> None:
        """Hold the call until all the others have arrived: reads that came one after the other would never get past this."""
        barrier.wait(WAIT_S)

    world.begin(None)
    world.proxy.begin(wait_for_all_reads)
    try:
        assert world.deploy("still", PLAIN).changed is False
    finally:
        calls = [call.operation for call in world.proxy.calls]
        sent = world.proxy.sent
        world.begin(None)
    assert all(call.startswith(("Get", "List", "Describe")) for call in calls), calls
    assert len(calls) == sent == READS


def test_previous_version_is_kept_and_the_next_deploy_has_nothing_to_do(world: World) -> None:
    first, second = (with_hosting(replace(PLAIN, text=text), keep_versions=1) for text in ("one", "two"))
    for spec in (first, second):
        assert world.deploy("few", spec, world.direct).changed
    assert world.deploy("few", second, world.direct).changed is False
    assert [version.version for version in world.direct.versions("few")] == ["1", "2"]
    world.deploy("few", first, world.direct)
    assert [version.version for version in world.direct.versions("few")] == ["2", "3"]
