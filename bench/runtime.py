"""The bench of the runtime in the zip, against AWS's own client and the usual adapters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import peers, report
from .interpreter import bare
from .model import Effort, Site
from .outcome import Outcome
from .rows import ROWS

_FULL = Effort(rounds=24, generations=4, seconds=0.3)
_QUICK = Effort(rounds=4, generations=2, seconds=0.1)


def names() -> list[str]:
    return [row.name for row in ROWS]


def run(chosen: Sequence[str], *, quick: bool) -> Outcome:
    """Measure the rows. Raise NoPeers if an interpreter or the peers are missing."""
    effort = _QUICK if quick else _FULL
    load = os.getloadavg()
    python = peers.interpreter()
    packages = peers.installed(python)
    _stay_on_one_processor()
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        site = Site(bare(python, Path(folder).resolve()), packages, Path(folder).resolve())
        results = [report.measure(row, site, effort) for row in ROWS if row.name in chosen]
        part = report.part(results, site, effort, load)
    return Outcome(report.table(results), part, all(result.met for result in results))


def _stay_on_one_processor() -> None:
    """Run this process and its children on one processor.

    Otherwise the scheduler puts the two ends of the conversation sometimes on one processor and sometimes on two, and waking
    another processor in a virtual machine costs more than everything measured here: four system calls took 17 us of CPU on one
    processor and 130 us on two.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
