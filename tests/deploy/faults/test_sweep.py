"""A sample of the sweep, as LAMBENT_FAULT_SEED has it, and the cases that once went wrong. `scripts/faults` runs all of it."""

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
    Case("update code", "Invoke", "cut after, once"),  # the check was not asked again
    Case("update configuration", "UpdateAlias", "killed before"),  # the rerun deleted one version too many
    Case("streaming off", "UpdateAlias", "access denied"),  # every request was a 502 until somebody came
    Case("rollback from streaming", "UpdateAlias", "500"),
    Case("rollback to streaming", "UpdateFunctionUrlConfig(live)", "killed before"),  # the rerun found nothing to do
    Case("first deploy through S3", "PutPublicAccessBlock", "killed before"),  # the bucket stayed half made
    Case("destroy with uploads", "DeleteObject", "killed before"),  # the rerun saw no app any more
    Case("first deploy", "CreateFunction", "another deploy"),
    Case("destroy with uploads", "HeadBucket", "credentials expired"),  # "Bad Request", and no word more
    Case("canary", "FilterLogEvents#5", "access denied"),  # the statement that is missing was not named
    Case("streaming on", "InvokeWithResponseStream", "not AWS that answers"),  # a report of a bug
    Case("destroy", "HeadBucket", "not AWS that answers"),  # a login page was taken for the bucket
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
