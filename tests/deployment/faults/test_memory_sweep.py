"""A sample, chosen by LAMBENT_FAULT_SEED, of all calls and faults in memory. `scripts/faults --memory` runs all of them."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.aws.values import Pairs
from lambent.deployment.fetch import Response
from lambent.errors import DeployError
from support.faults.fault_kinds import Killed
from support.faults.interleaved import RIVALS, UPDATES, run
from support.faults.memory_sweep import APP, IN_MEMORY, FaultyAws, MemorySweep, MemoryWorld
from support.faults.operation import NEW_CODE, Operation, destroy
from support.faults.operation_table import BESIDE, FIRSTS
from support.faults.world import PACKAGES, with_hosting
from support.memory_aws import MemoryAws

SEED = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
TRIED = 6


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> MemorySweep:
    return MemorySweep(tmp_path_factory.mktemp("memory"))


@pytest.mark.parametrize("operation", IN_MEMORY, ids=lambda operation: operation.name)
def test_sampled_cases(sweep: MemorySweep, operation: Operation) -> None:
    chance = random.Random(f"{SEED} {operation.name}")
    cases = chance.sample(sweep.cases(operation), TRIED)
    assert [wrong for case in cases for wrong in sweep.run(*case)] == []


@pytest.mark.parametrize("rival", RIVALS)
def test_two_runs_interleaved(sweep: MemorySweep, rival: str) -> None:
    chance = random.Random(f"{SEED} {rival}")
    for operation in chance.sample(UPDATES, 3):
        sweep.labels(operation)
        assert [run(sweep, operation, rival, chance.randrange(10**6)) for _ in range(3)] == [[]] * 3


class Closed(MemoryWorld):
    """Another deploy of the same code closes the URL at its first request."""

    def fetch(self, url: str, within_s: float, headers: Pairs = ()) -> Response:
        MemoryWorld(self.folder, self.memory).deploy(APP, with_hosting(NEW_CODE, auth="AWS_IAM"))
        return super().fetch(url, within_s, headers)


def test_url_closed_by_another_deploy_is_reported(tmp_path: Path) -> None:
    world = Closed(tmp_path, MemoryAws())
    with pytest.raises(DeployError, match="another deploy of app changed who may call the URL"):
        world.deploy(APP, NEW_CODE)


def test_destroy_deletes_uploads_of_an_interrupted_first_deploy(tmp_path: Path) -> None:
    first = next(each for each in FIRSTS if each.spec.overflow)
    upload = next(each for each in reversed(MemorySweep(tmp_path).labels(first)) if each.startswith("upload "))
    world = MemoryWorld(tmp_path, MemoryAws())
    world.aws = FaultyAws(world.memory, "killed after", upload)  # type: ignore[assignment]
    with pytest.raises(Killed):
        first.run(world, APP)
    assert world.objects()
    world.aws = world.memory
    destroy(world, APP)
    assert world.objects() == []


def test_version_in_use_keeps_its_packages(tmp_path: Path) -> None:
    world = MemoryWorld(tmp_path, MemoryAws())
    world.memory.create_bucket(PACKAGES, ())
    world.deploy(APP, BESIDE)
    world.deploy(APP, replace(BESIDE, overflow=""))
    objects = world.objects()
    use = lambda: world.memory.create_alias(APP, "mine", "1")  # noqa: E731
    world.aws = FaultyAws(world.memory, "used before", f"delete_function {APP} 1#1", use)  # type: ignore[assignment]
    world.deploy(APP, replace(BESIDE, overflow="", text="new"))
    assert [each.version for each in world.memory.versions(APP)] == ["1", "2", "3"]
    assert world.objects() == objects
