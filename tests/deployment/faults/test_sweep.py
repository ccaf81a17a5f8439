"""A sample of the sweep, chosen by LAMBENT_FAULT_SEED, and cases that failed in the past. `scripts/faults` runs all of them."""

from __future__ import annotations

import os
import random

import pytest

from support.faults.operation import Operation
from support.faults.operation_table import OPERATIONS
from support.faults.sweep import Case, Sweep
from support.faults.world import World

SEED = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
SAMPLED = random.Random(SEED).sample(OPERATIONS, 3)

ONCE_WRONG = (
    Case("update code", "Invoke", "cut after, once"),  # the check wasn't repeated
    Case("update configuration", "UpdateAlias", "killed before"),  # the rerun deleted one version too many
    Case("streaming off", "UpdateAlias", "access denied"),  # every request was a 502 until someone fixed it
    Case("rollback from streaming", "UpdateAlias", "500"),
    Case("rollback to streaming", "UpdateFunctionUrlConfig(live)", "killed before"),  # the rerun found nothing to do
    Case("first deploy through S3", "PutPublicAccessBlock", "killed before"),  # the bucket stayed incomplete
    Case("destroy with uploads", "DeleteObject", "killed before"),  # the rerun found no app
    Case("first deploy", "CreateFunction", "another deploy"),
    Case("destroy with uploads", "HeadBucket", "credentials expired"),  # "Bad Request" was all that it said
    Case("canary", "FilterLogEvents#5", "access denied"),  # the missing statement wasn't named
    Case("streaming on", "InvokeWithResponseStream", "not AWS"),  # reported as a bug
    Case("destroy", "HeadBucket", "not AWS"),  # a login page was taken for the bucket
)


@pytest.fixture(scope="module")
def sweep(world: World) -> Sweep:
    return Sweep(world)


@pytest.mark.parametrize("operation", SAMPLED, ids=lambda operation: operation.name)
def test_sampled_case(sweep: Sweep, operation: Operation) -> None:
    outcome = sweep.run(random.Random(f"{SEED} {operation.name}").choice(sweep.cases((operation,))))
    assert not outcome.wrong, outcome
    assert "did not come" not in outcome.ended


@pytest.mark.parametrize("case", ONCE_WRONG, ids=lambda case: f"{case.operation}-{case.label}-{case.kind}".replace(" ", "_"))
def test_case_that_failed_in_the_past(sweep: Sweep, case: Case) -> None:
    outcome = sweep.run(case)
    assert not outcome.wrong, outcome
    assert "did not come" not in outcome.ended
