"""What is compared, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from msgspec import Struct, field

from lambent.interpreters import Interpreter

LAMBENT, UV, PIP, BARE = "lambent", "uv + zip", "pip + zip", "without bytecode"


class Trouble(Exception):
    """A side did not do what was asked; the text says why."""


class Site(Struct, frozen=True):
    """Where it is measured: the target's interpreter, one with the pinned pip, a folder for what is made; how many rounds."""

    interpreter: Interpreter
    pip: Path
    folder: Path
    rounds: int


class Took(Struct, frozen=True):
    """What a run took: CPU seconds (user and system, with all its children) and wall seconds. Or bytes, of a size."""

    amount: float
    wall: float = 0.0


Samples = Mapping[str, list[Took]]
"""By contender, one for each round, in the order of the rounds."""


class Bars(Struct, frozen=True):
    """The most that is allowed: lambent's own figure in the row's unit, and its ratio to another contender's."""

    own: float | None = None
    against: Mapping[str, float] = field(default_factory=dict)


class Row(Struct, frozen=True):
    """A line of the table. `against` may name a contender without a bar: it has the bar None in `Bars` then."""

    name: str
    title: str
    unit: str
    measure: Callable[[Site], Samples]
    bars: Bars


class Result(Struct, frozen=True):
    """A row and its rounds; `trouble` says why there are none."""

    row: Row
    samples: Samples
    trouble: str = ""

    def median(self, who: str) -> Took:
        took = self.samples[who]
        return Took(median(each.amount for each in took), median(each.wall for each in took))

    def ratio(self, other: str) -> float:
        """The median of the rounds' ratios, so that what else the machine does meets both sides alike."""
        pairs = zip(self.samples[LAMBENT], self.samples[other], strict=True)
        return median(ours.amount / theirs.amount for ours, theirs in pairs)

    @property
    def verdicts(self) -> list[tuple[str, float, float]]:
        """(who or "", figure, bar) of each bar."""
        if not self.samples:
            return []
        bars = self.row.bars
        own = [("", self.median(LAMBENT).amount, bars.own)] if bars.own is not None else []
        return own + [(who, self.ratio(who), bar) for who, bar in bars.against.items()]

    @property
    def met(self) -> bool:
        return bool(self.samples) and all(figure <= bar for _, figure, bar in self.verdicts)
