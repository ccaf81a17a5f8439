"""Each write into the state folder fails once, or all do from there on, as on a broken and on a full disk.

What was refused isn't visible, neither at once nor after kill -9, and what is answered next survives. A run tries three of the
cases; LAMBENT_DISK_FAULTS=every tries all, which takes some seven minutes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from itertools import count, product

import pytest
from botocore.exceptions import ClientError

from support.disk_faults import FaultyDisk, compile_faults, faulty_disk
from support.state_changes import CHANGES, DELETIONS, Change, prepare, settled, snapshot

EVERY = os.environ.get("LAMBENT_DISK_FAULTS") == "every"
FAULTS = ((errno.ENOSPC, True), (errno.EIO, False))
"""An error, and whether it lasts."""
numbers = count()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyDisk]:
    library = compile_faults()
    if library is None:
        pytest.skip("there is no C compiler")
    with faulty_disk(tmp_path_factory.mktemp("disk") / "state", library) as disk:
        prepare(disk.service)
        yield disk


@pytest.mark.parametrize("change", [*CHANGES, *DELETIONS] if EVERY else CHANGES)
def test_refused_change_is_not_visible_and_the_next_one_survives(change: Change, disk: FaultyDisk) -> None:
    calls = count_calls(disk, change)
    assert calls > 0
    cases = list(product(range(1, calls + 1), FAULTS))
    for call, (error, lasting) in cases if EVERY else (cases[0], cases[len(cases) // 2], cases[-1]):
        fail(disk, change, call, error, lasting)
        if EVERY and not lasting:  # once for each call
            acknowledge_and_restart(disk)
    acknowledge_and_restart(disk)


def count_calls(disk: FaultyDisk, change: Change) -> int:
    """Return how many calls a change takes."""
    number = prepared(disk, change)
    disk.fail(1 << 30, errno.EIO, lasting=False)
    change(disk.service, number)
    settled(disk.service)
    return disk.repair()


def prepared(disk: FaultyDisk, change: Change) -> int:
    """Return a number with which the change can be made."""
    number = next(numbers)
    if change in DELETIONS:
        DELETIONS[change](disk.service, number)
    return number


def fail(disk: FaultyDisk, change: Change, call: int, error: int, lasting: bool) -> None:
    number = prepared(disk, change)
    before = settled(disk.service)
    disk.fail(call, error, lasting=lasting)
    try:
        change(disk.service, number)
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] == "InsufficientStorageException", disk.failed
        assert snapshot(disk.service) == before, disk.failed
    disk.repair()


def acknowledge_and_restart(disk: FaultyDisk) -> None:
    """Make a change that is acknowledged, kill the service, and compare."""
    number = next(numbers)
    disk.service.client("iam").create_role(RoleName=f"acknowledged-{number}", AssumeRolePolicyDocument="{}")
    disk.service.client("lambda").put_function_concurrency(FunctionName="two", ReservedConcurrentExecutions=number)
    after = settled(disk.service)
    assert f"acknowledged-{number}" in after["roles"]
    disk.start()
    assert snapshot(disk.service) == after, disk.failed
