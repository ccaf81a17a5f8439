"""What every step of a plan is, and what every resource adds to a plan.

A step is a frozen value that has everything lambent knows about it: its title, its API call (and what a refusal means), its
form for the aws CLI, and the IAM actions that it needs. `apply.py`, `script.py` and `policy.py` only collect these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.deployment.deployment import Deployment
from lambent.events import PlannedLine


class Action(Struct, frozen=True):
    """Something that lambent does to AWS. `actions` are the IAM actions that it needs."""

    actions: ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        """What a person reads while it runs."""
        raise NotImplementedError


class Step(Action, frozen=True):
    """One step of a plan. `changes` is false for steps that only read."""

    changes: ClassVar[bool] = True

    def apply(self, deployment: Deployment) -> str | None:
        """Do it, and return what to add to the title once it is done, such as "version 4"."""
        raise NotImplementedError

    def shell(self) -> Iterator[str]:
        """Yield the lines of a shell script that do the same with the aws CLI."""
        raise NotImplementedError


class ApiCall(Step, frozen=True):
    """A step that is one call. It may be repeated, and nothing depends on its answer."""

    def call(self, aws: Aws) -> None:
        raise NotImplementedError

    def apply(self, deployment: Deployment) -> None:
        self.call(deployment.aws)


class Deletion(Action, frozen=True):
    """A step of `lambent destroy`. It may be repeated after an interruption."""

    def delete(self, aws: Aws) -> None:
        raise NotImplementedError


class PlanPart(Struct, frozen=True):
    """What one resource adds to a plan: steps, and the lines that explain them."""

    steps: tuple[Step, ...] = ()
    lines: tuple[PlannedLine, ...] = ()


def because(name: str, origins: dict[str, str]) -> str:
    """Return where a setting comes from, as " (pyproject.toml ...)"; "" if that isn't known."""
    return f" ({origins[name]})" if origins.get(name) else ""
