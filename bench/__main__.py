"""`python -m bench runtime`: measures, prints the table, writes docs/benchmarks.md. Exit status 1 if a bar is not met."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from . import peers, report
from .interpreter import bare
from .model import Effort, Result, Row, Site
from .rows import ROWS
from .runtime_api import Trouble

_PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_FULL = Effort(rounds=24, generations=4, seconds=0.3)
_QUICK = Effort(rounds=4, generations=2, seconds=0.1)


def main(words: list[str]) -> int:
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("what", choices=["runtime"])
    parser.add_argument("rows", nargs="*", metavar="row", help=f"only these rows: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--out", type=Path, help="where to write the page (default: docs/benchmarks.md, if all is measured)")
    options = parser.parse_intermixed_args(words)
    if unknown := set(options.rows) - set(names):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    effort = _QUICK if options.quick else _FULL
    out = options.out or (None if options.quick or options.rows else _PAGE)
    load = os.getloadavg()
    try:
        python = peers.interpreter()
        packages = peers.installed(python)
    except peers.NoPeers as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _stay_on_one_processor()
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        site = Site(bare(python, Path(folder).resolve()), packages, Path(folder).resolve())
        results = [_measure(row, site, effort) for row in rows]
        print(report.table(results))
        if out is not None:
            out.write_text(report.page(results, site, effort, load))
    return 0 if all(result.met for result in results) else 1


def _stay_on_one_processor() -> None:
    """This process and those it starts share one processor.

    Else the scheduler puts the two ends of the conversation now on one, now on two, and in a virtual machine waking the other
    processor costs more than all that is measured here: the same four system calls took 17 us of CPU on one, 130 us on two.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _measure(row: Row, site: Site, effort: Effort) -> Result:
    print(f"{row.name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        result = Result(row, row.measure(row, site, effort))
        print(f"{result.ratio:.3f}", file=sys.stderr)
    except (Trouble, OSError, ValueError) as error:
        result = Result(row, [], (str(error) or type(error).__name__).splitlines()[0][:200])
        print(result.trouble, file=sys.stderr)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
