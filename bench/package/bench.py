"""The bench of packaging, against uv and pip."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import peers
from bench.outcome import Outcome
from lambent.errors import LambentError

from . import report
from .model import Result, Row, Site, Trouble
from .peers import pip
from .rows import rows

_MACHINE = os.uname().machine.replace("aarch64", "arm64")
_ROUNDS, _QUICK = 3, 1


def names() -> list[str]:
    return [row.name for row in rows(_MACHINE)]


def run(chosen: Sequence[str], *, quick: bool) -> Outcome:
    """Raises NoPeers when there is nothing to measure on or against."""
    load = os.getloadavg()
    python = peers.interpreter()
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        site = Site(python, pip(python), Path(folder).resolve(), _QUICK if quick else _ROUNDS)
        results = [_measure(row, site) for row in rows(_MACHINE) if row.name in chosen]
    part = report.part(results, site, load)
    return Outcome(report.table(results), part, all(result.met for result in results))


def _measure(row: Row, site: Site) -> Result:
    print(f"{row.name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        result = Result(row, row.measure(site))
        print(", ".join(f"{who or 'own'} {figure:.3f} of {bar:.3f}" for who, figure, bar in result.verdicts), file=sys.stderr)
    except (Trouble, LambentError, OSError, ValueError) as error:
        result = Result(row, {}, (str(error) or type(error).__name__).splitlines()[0][:200])
        print(result.trouble, file=sys.stderr)
    for made in site.folder.iterdir():  # caches of hundreds of megabytes
        shutil.rmtree(made, ignore_errors=True)
    return result
