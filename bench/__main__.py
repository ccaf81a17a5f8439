"""`python -m bench WHAT`: measures, prints the table, writes its part of docs/benchmarks.md. Status 1: a bar is not met."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import dev, page, peers, runtime
from .package import bench as package

_BENCHES = {"runtime": runtime, "package": package, "dev": dev}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("what", choices=list(_BENCHES))
    parser.add_argument("rows", nargs="*", metavar="row", help="only rows of this name, or that begin with it")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--out", type=Path, help="the page to write (default: docs/benchmarks.md, if all is measured)")
    options = parser.parse_intermixed_args(words)
    bench = _BENCHES[options.what]
    names = bench.names()
    if unknown := [word for word in options.rows if not any(_selects(word, name) for name in names)]:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [name for name in names if not options.rows or any(_selects(word, name) for word in options.rows)]
    out = options.out or (None if options.quick or options.rows else page.PAGE)
    try:
        outcome = bench.run(chosen, quick=options.quick)
    except peers.NoPeers as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(outcome.table)
    if out is not None:
        page.write(out, options.what, outcome.part)
    return 0 if outcome.met else 1


def _selects(word: str, name: str) -> bool:
    """Return whether a word selects a row: by its name, or by its group ("rebuild" selects "rebuild/pandas-arm64")."""
    return name == word or name.startswith(f"{word}/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
