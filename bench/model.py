"""What is compared, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from msgspec import Struct, field

from lambent.interpreters import Interpreter


class Side(Struct, frozen=True):
    """One of two ways to run an app: the runtime client, Lambda's handler, and the adapter's module where there is one."""

    client: str  # "lambent" or "awslambdaric"
    handler: str
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class Effort(Struct, frozen=True):
    """How much is measured: rounds, how often within them both processes are started anew, seconds of one side in a round."""

    rounds: int
    generations: int
    seconds: float


class Site(Struct, frozen=True):
    """Where it is measured: the interpreter, the folder of the peers' packages, a folder for what is made."""

    interpreter: Interpreter
    packages: Path
    folder: Path


class Sample(Struct, frozen=True):
    """One round: what both sides took, in the row's unit. `theirs` is 1 where a row has no peer."""

    ours: float
    theirs: float = 1.0

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


class Row(Struct, frozen=True):
    """A line of the table: it holds if the median of the rounds' ratios is at most `bar`; without a bar it only informs."""

    name: str
    title: str
    bar: float | None
    ours: Side
    theirs: Side | None
    event: dict[str, Any]
    measure: Callable[[Row, Site, Effort], list[Sample]]
    unit: str = "us CPU"


class Result(Struct, frozen=True):
    """A row and its rounds; `trouble` says why there are none."""

    row: Row
    samples: list[Sample]
    trouble: str = ""

    @property
    def ratio(self) -> float:
        return median(sample.ratio for sample in self.samples)

    @property
    def medians(self) -> tuple[float, float]:
        """What the sides took: their own medians, whose ratio is near the ratio but need not be it."""
        return median(sample.ours for sample in self.samples), median(sample.theirs for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The quarter of the rounds below, and the quarter above."""
        ratios = [sample.ratio for sample in self.samples]
        if len(ratios) < 2:
            return ratios[0], ratios[0]
        first, _, third = quantiles(ratios, n=4, method="inclusive")
        return first, third

    @property
    def met(self) -> bool:
        return self.row.bar is None or (bool(self.samples) and self.ratio <= self.row.bar)
