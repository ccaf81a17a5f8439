"""Writes the runtime's part of the page: the machine, the table, how to repeat it."""

from __future__ import annotations

import subprocess
import sys

from .machine import circumstances
from .model import Effort, Result, Row, Site
from .peers import PREFERRED, pins
from .runtime_api import Trouble

_HOW = """\
### How it is measured

Each side runs in its own process, started as Lambda starts it: the task folder with bytecode, lambent's runtime as packed (the
first line of its script names this machine's Python instead of Lambda's), Lambda's environment variables (with
`AWS_EXECUTION_ENV`, so that AWS's client polls from a thread as on Lambda), the same interpreter with empty site-packages, the
same packages on the import path. The measuring process is the Runtime API. It sends one event after the other, as fast as the
client takes them, and reads the kernel's CPU clock of the other process (all threads, user and system) before and after. Both
share one processor: waking another one costs a virtual machine more than everything measured here, and depends on the
scheduler. The event is a Function URL's: payload 2.0, 19 headers, 2 cookies, a query. Both sides must return the same status
and body before anything is measured.

The sides take turns in random order. Each round gives a ratio; the table shows the median of the ratios and their middle half.
Within a row the processes are restarted {generations} times. Absolute figures depend on the machine and its load: **trust the
ratios**. Nothing here includes Lambda's disk, micro-VM or network.

### Repeat it

```
scripts/bench runtime            # all rows; writes this part of the page
scripts/bench runtime --quick    # fewer and shorter rounds; writes nothing
scripts/bench runtime asgi flask # some rows
```

The exit status is 0 if every bar is met, else 1.
"""


def measure(row: Row, site: Site, effort: Effort) -> Result:
    """Measure a row, and say so on stderr."""
    print(f"{row.name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        result = Result(row, row.measure(row, site, effort))
        print(f"{result.ratio:.3f}", file=sys.stderr)
    except (Trouble, OSError, ValueError) as error:
        result = Result(row, [], (str(error) or type(error).__name__).splitlines()[0][:200])
        print(result.trouble, file=sys.stderr)
    return result


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| what | lambent | the other | ratio | middle half | bar | met |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    return "\n".join([*lines, *map(_line, results)]) + "\n"


def part(results: list[Result], site: Site, effort: Effort, load: tuple[float, float, float]) -> str:
    """The part of docs/benchmarks.md. `load` is the machine's load average before the first round."""
    bars = [result for result in results if result.row.bar is not None]
    met = sum(result.met for result in bars)
    return (
        "## The runtime in the zip\n\n"
        "Written by `scripts/bench runtime`; do not edit by hand.\n\n"
        f"**{met} of {len(bars)} bars are met.** A ratio is lambent's figure divided by the other's: smaller is better.\n\n"
        f"{table(results)}\n"
        f"### Where and when\n\n{circumstances(load, _more(site, effort))}\n"
        f"{_HOW.format(generations=effort.generations)}"
    )


def _line(result: Result) -> str:
    row = result.row
    bar = "" if row.bar is None else f"≤ {row.bar:g} MB" if row.theirs is None else f"≤ {row.bar:.2f}"
    if not result.samples:
        return f"| {row.title} | | | | | {bar} | **no**: {result.trouble} |"
    met = "" if row.bar is None else "yes" if result.met else "**no**"
    lower, upper = result.spread
    if row.theirs is None:
        return f"| {row.title} | {result.ratio:.1f} {row.unit} | | | {lower:.1f} - {upper:.1f} | {bar} | {met} |"
    ours, theirs = result.medians
    return (
        f"| {row.title} | {ours:.3g} {row.unit} | {theirs:.3g} {row.unit} | **{result.ratio:.3f}** | {lower:.3f} - {upper:.3f}"
        f" | {bar} | {met} |"
    )


def _more(site: Site, effort: Effort) -> list[str]:
    python = subprocess.run([site.interpreter.path, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    other = "" if site.interpreter.version == PREFERRED else f" (no Python {PREFERRED} on this machine)"
    return [
        f"interpreter of both sides: {python}{other}",
        f"peers and frameworks: {', '.join(pins())} (the rest: bench/peers.txt)",
        f"effort: {effort.rounds} rounds of {effort.seconds:g} s a side, {effort.generations} starts of both processes",
    ]
