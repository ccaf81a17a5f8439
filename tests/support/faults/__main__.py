"""`scripts/faults`: runs the sweep, or a part of it, and prints a table. LAMBENT_FAULT_SEED orders it."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from msgspec.structs import asdict

from support.faults.fault_kinds import KINDS
from support.faults.memory_sweep import IN_MEMORY, MemorySweep, Violation
from support.faults.operation_table import OPERATIONS
from support.faults.sweep import Case, Outcome, Sweep
from support.faults.world import open_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--only", default="", help="operations whose name holds this")
    parser.add_argument("--kind", default="", help="faults whose name holds this")
    parser.add_argument("--call", default="", help="calls whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="one case in so many, chosen by the seed")
    parser.add_argument("--share", type=_share, default=(1, 1), help="2/4: every fourth operation from the second on")
    parser.add_argument("--kept", type=Path, help="a file that outcomes are added to; cases that it holds are not run again")
    parser.add_argument(
        "--memory", action="store_true", help="all calls against AWS in memory, in minutes; --only works here too"
    )
    parser.add_argument("--pause", type=float, default=0.01, help="seconds a client rests between two requests")
    parser.add_argument("--most", type=float, default=0.0, help="stop after so many seconds")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the local Lambda ends too
    seed = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
    start = time.monotonic()
    if options.memory:
        return in_memory(options.only)
    outcomes = _read_outcomes(options.results)
    finished = {outcome.case for outcome in outcomes}
    with tempfile.TemporaryDirectory(prefix="lambent-faults-") as folder, open_world(Path(folder)) as world:
        sweep = Sweep(world, options.pause)
        number, count = options.share
        operations = tuple(each for each in OPERATIONS if options.only in each.name)[number - 1 :: count]
        cases = [case for case in sweep.cases(operations) if options.kind in case.kind and options.call in case.label]
        print(f"{len(cases)} cases, seed {seed}", flush=True)
        chosen = random.Random(seed).sample(cases, len(cases) // options.every)
        for case in sorted(chosen, key=sweep.priority):
            if options.most and time.monotonic() - start > options.most:
                break
            if case not in finished:
                outcomes.append(sweep.run(case))
                report(outcomes[-1], options.results)
    table(outcomes, seed, time.monotonic() - start)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


def in_memory(only: str) -> int:
    wrong: list[Violation] = []
    with tempfile.TemporaryDirectory(prefix="lambent-faults-") as folder:
        every = MemorySweep(Path(folder))
        for operation in (each for each in IN_MEMORY if only in each.name):
            cases = every.cases(operation)
            violations = [each for case in cases for each in every.run(*case)]
            print(
                f"{'WRONG' if violations else 'ok':5} {operation.name:30} {len(cases)} cases",
                *violations,
                sep="\n      ",
                flush=True,
            )
            wrong += violations
    print(f"{every.count} runs, {len(wrong)} wrong")
    return 1 if wrong else 0


def _share(word: str) -> tuple[int, int]:
    number, _, count = word.partition("/")
    return int(number), int(count)


def _read_outcomes(results: Path | None) -> list[Outcome]:
    if results is None or not results.exists():
        return []
    options = [json.loads(line) for line in results.read_text().splitlines()]
    return [Outcome(**{**each, "case": Case(**each["case"]), "wrong": tuple(each["wrong"])}) for each in options]


def report(outcome: Outcome, results: Path | None) -> None:
    case = outcome.case
    verdict = "ok" if not outcome.wrong else "WRONG"
    print(
        f"{verdict:5} {case.operation:26} {case.kind:30} {case.label:42} {outcome.ended}, {outcome.requests} asked", flush=True
    )
    for wrong in outcome.wrong:
        print(f"      {wrong}", flush=True)
    if results is not None:
        with results.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")


def table(outcomes: list[Outcome], seed: int, seconds: float) -> None:
    """Operation x fault: how many calls it was tried at, and how many of them went wrong."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for outcome in outcomes:
        count = counts[outcome.case.operation, outcome.case.kind]
        count[0] += 1
        count[1] += bool(outcome.wrong)
    operations = [each.name for each in OPERATIONS if any(key[0] == each.name for key in counts)]
    print()
    for operation in operations:
        print(operation)
        for kind in KINDS:
            tried, wrong = counts[operation, kind.name]
            if tried:
                print(f"  {kind.name:32} {tried:4} calls  {f'{wrong} WRONG' if wrong else 'ok'}")
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    requests = sum(outcome.requests for outcome in outcomes)
    print(f"\n{len(outcomes)} runs, {wrong} wrong, {requests} answers looked at, seed {seed}, {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
