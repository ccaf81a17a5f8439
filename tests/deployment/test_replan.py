"""How often a stale plan is made again, and what is told meanwhile."""

from __future__ import annotations

import pytest

from lambent.deployment.deployment import PlanIsStale
from lambent.deployment.replan import until_applied
from lambent.errors import DeployError
from lambent.events import Deployed, Event, Notice

DEPLOYED = Deployed("https://u/", "2", True, 1.0, True)
AGAIN = Notice("app has changed since this deploy looked at it: planning again")


def run(*outcomes: Exception | Deployed) -> list[Event]:
    """Return the events of attempts that end like this."""
    remaining, shown = list(outcomes), list[Event]()

    def attempt() -> Deployed:
        outcome = remaining.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert until_applied("app", shown.append, attempt) == DEPLOYED
    assert not remaining
    return shown


def test_stale_plan_is_made_again_and_the_reason_is_told() -> None:
    assert run(DEPLOYED) == [DEPLOYED]
    assert run(PlanIsStale(), PlanIsStale(Notice("why")), DEPLOYED) == [AGAIN, Notice("why"), DEPLOYED]


def test_it_ends_if_others_are_always_faster() -> None:
    shown: list[Event] = []
    with pytest.raises(DeployError, match="app is being changed by someone else at the same time"):
        until_applied("app", shown.append, lambda: (_ for _ in ()).throw(PlanIsStale()))
    assert shown == [AGAIN] * 5
