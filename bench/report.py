"""The outcome as a part of the page: the machine, the table, how to repeat it."""

from __future__ import annotations

import subprocess

from .machine import circumstances
from .model import Effort, Result, Site
from .peers import WANTED, pins

_HOW = """\
### How it is measured

Both sides run in a process of their own, as Lambda would start it: the task folder with bytecode, lambent's runtime as it
packs it (the first line of its script names this machine's Python, where a zip's names Lambda's), Lambda's environment
variables (with `AWS_EXECUTION_ENV`, so that AWS's client polls from a thread as it does there), the same interpreter with
nothing in its site-packages, the same packages on the import path. The measuring process is the Runtime API. It hands out one
event after the other, as fast as it is asked, and reads the kernel's CPU clock of the other process (all its threads, user and
system) before and after. Both share one processor: waking another one costs a virtual machine more than all that is measured
here, and happens or not as the scheduler likes. The event is a Function URL's: payload 2.0, 19 headers, 2 cookies, a query.
Before anything is measured, both sides must have given the same status and body.

The sides take turns in shuffled order; the ratio is taken round by round, and the table shows the median of the ratios and the
middle half of them. Within a row the processes are started anew {generations} times. Absolute figures depend on the machine and
on what else it does; **the ratios are what to trust**. Nothing here includes Lambda's own disk, micro-VM or network.

### Again

```
scripts/bench runtime            # all rows; writes this part of the page
scripts/bench runtime --quick    # fewer and shorter rounds; writes nothing
scripts/bench runtime asgi flask # some rows
```

The exit status is 0 if every bar is met, else 1.
"""


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
    first, third = result.spread
    if row.theirs is None:
        return f"| {row.title} | {result.ratio:.1f} {row.unit} | | | {first:.1f} - {third:.1f} | {bar} | {met} |"
    ours, theirs = result.medians
    return (
        f"| {row.title} | {ours:.3g} {row.unit} | {theirs:.3g} {row.unit} | **{result.ratio:.3f}** | {first:.3f} - {third:.3f}"
        f" | {bar} | {met} |"
    )


def _more(site: Site, effort: Effort) -> list[str]:
    python = subprocess.run([site.interpreter.path, "-VV"], capture_output=True, text=True, check=True).stdout.strip()
    other = "" if site.interpreter.version == WANTED else f" (no Python {WANTED} on this machine)"
    return [
        f"interpreter of both sides: {python}{other}",
        f"peers and frameworks: {', '.join(pins())} (the rest: bench/peers.txt)",
        f"effort: {effort.rounds} rounds of {effort.seconds:g} s a side, {effort.generations} starts of both processes",
    ]
