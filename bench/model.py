"""What is compared, and the results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from msgspec import Struct, field

from lambent.interpreters import Interpreter


class Side(Struct, frozen=True):
    """One of two ways to run an app: the runtime client, the handler, and the module of an adapter if there is one."""

    client: str  # "lambent" or "awslambdaric"
    handler: str
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class Effort(Struct, frozen=True):
    """How much is measured: rounds, restarts of both processes, seconds of one side per round."""

    rounds: int
    generations: int
    seconds: float


class Site(Struct, frozen=True):
    """Where it is measured: the interpreter, the folder with the peers' packages, a scratch folder."""

    interpreter: Interpreter
    packages: Path
    folder: Path


class Sample(Struct, frozen=True):
    """The figures of both sides in one round, in the row's unit. `theirs` is 1 if the row has no peer."""

    ours: float
    theirs: float = 1.0

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


class Row(Struct, frozen=True):
    """A line of the table. It passes if the median of the ratios is at most `bar`; without a bar it only informs."""

    name: str
    title: str
    bar: float | None
    ours: Side
    theirs: Side | None
    event: dict[str, Any]
    measure: Callable[[Row, Site, Effort], list[Sample]]
    unit: str = "us CPU"


class Result(Struct, frozen=True):
    """A row and its rounds. `trouble` says why there are none."""

    row: Row
    samples: list[Sample]
    trouble: str = ""

    @property
    def ratio(self) -> float:
        return median(sample.ratio for sample in self.samples)

    @property
    def medians(self) -> tuple[float, float]:
        """The medians of both sides. Their ratio is close to `ratio` but not equal to it."""
        return median(sample.ours for sample in self.samples), median(sample.theirs for sample in self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The lower and the upper quartile of the ratios."""
        ratios = [sample.ratio for sample in self.samples]
        if len(ratios) < 2:
            return ratios[0], ratios[0]
        lower, _, upper = quantiles(ratios, n=4, method="inclusive")
        return lower, upper

    @property
    def met(self) -> bool:
        return self.row.bar is None or (bool(self.samples) and self.ratio <= self.row.bar)
