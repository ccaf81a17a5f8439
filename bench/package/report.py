"""The outcome as a part of the page: the table, the machine, how to repeat it."""

from __future__ import annotations

from bench.machine import circumstances

from .model import LAMBENT, Result, Site, Took
from .peers import versions

_HOW = """\
### How it is measured

Each figure is the CPU seconds of a whole process tree, user and system, of a command as one types it; wall seconds stand in
brackets. Every contender has the same requirements, with constraints that pin every package (`bench/package/sets/`), a cache of
its own, and the same project folder:

```
lambent build APP --target python{python}-MACHINE
uv pip install --target made --python-platform MACHINE-manylinux_2_28 --only-binary :all: -r requirements.txt; cp; zip -qr
pip install -t made -r requirements.txt; cp; zip -qr        # the other machine: with --platform and --only-binary=:all:
```

pip runs on an interpreter of the target's version. The contenders take turns in shuffled order; ratios are taken round by
round, and the table shows their medians and those of the figures. *Wheels fetched*: lambent's cache holds the wheels and
nothing else; uv's and pip's are whole, and so is that of the uv which lambent runs. *Cold*: all caches are empty. The import
of an app is the CPU of the function's process between the first and the last line of the app's module, in the sandbox of the
local Lambda, with the zip as it is and with the same zip without its .pyc files. Shared objects are read and checked in a
process that is already running. The peak of memory is the sum over all processes of their shares (PSS), 50 times a second.

### Again

```
scripts/bench package                           # all rows; writes this part of the page
scripts/bench package --quick                   # one round each; writes nothing
scripts/bench package rebuild import/flask      # some rows
```

The exit status is 0 if every bar is met, else 1.
"""


def table(results: list[Result]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| what | lambent | bar | the other | the other's | ratio | bar | met |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    return "\n".join([*lines, *(line for result in results for line in _lines(result))]) + "\n"


def part(results: list[Result], site: Site, load: tuple[float, float, float]) -> str:
    """The part of docs/benchmarks.md. `load` is the machine's load average before the first round."""
    verdicts = [figure <= bar for result in results for _, figure, bar in result.verdicts]
    unmeasured = sum(not result.samples for result in results)
    lacking = f" {unmeasured} rows could not be measured." if unmeasured else ""
    more = [
        f"interpreter of the target and of pip: Python {site.interpreter.version}",
        f"peers: {', '.join(versions())}",
        f"effort: {site.rounds} rounds",
    ]
    return (
        "## Packaging\n\n"
        "Written by `scripts/bench package`; do not edit by hand.\n\n"
        f"**{sum(verdicts)} of {len(verdicts)} bars are met.**{lacking}"
        " A ratio is lambent's figure divided by the other's: smaller is better.\n\n"
        f"{table(results)}\n"
        f"### Where and when\n\n{circumstances(load, more)}\n"
        f"{_HOW.format(python=site.interpreter.version)}"
    )


def _lines(result: Result) -> list[str]:
    row = result.row
    if not result.samples:
        return [f"| {row.title} | | | | | | | **no**: {result.trouble} |"]
    own = _figure(result.median(LAMBENT), row.unit)
    bar = "" if row.bars.own is None else f"≤ {row.bars.own:g}"
    lines = []
    for other, most in row.bars.against.items():
        theirs, ratio = _figure(result.median(other), row.unit), result.ratio(other)
        met = ratio <= most and (row.bars.own is None or result.median(LAMBENT).amount <= row.bars.own)
        lines.append(f"| {row.title} | {own} | {bar} | {other} | {theirs} | **{ratio:.3f}** | ≤ {most:.3g} | {_said(met)} |")
        bar = ""
    return lines or [f"| {row.title} | {own} | {bar} | | | | | {_said(result.met)} |"]


def _said(met: bool) -> str:
    return "yes" if met else "**no**"


def _figure(took: Took, unit: str) -> str:
    wall = f" ({took.wall:.2f} wall)" if unit == "s CPU" else ""
    return f"{took.amount:.3g} {unit}{wall}"
