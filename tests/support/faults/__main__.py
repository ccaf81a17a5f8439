"""`scripts/faults`: runs the sweep, or a part of it, and prints a table. LAMBENT_FAULT_SEED chooses the order."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import msgspec

from support.faults.fault_kinds import KINDS
from support.faults.memory_sweep import IN_MEMORY, MemorySweep, Violation
from support.faults.operation_table import OPERATIONS
from support.faults.sweep import Outcome, Sweep
from support.faults.world import open_world


def main() -> int:
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the local Lambda ends too
    with tempfile.TemporaryDirectory(prefix="lambent-faults-") as folder:
        if options.memory:
            return sweep_in_memory(options.only, Path(folder))
        return sweep_on_local_lambda(options, Path(folder))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--only", default="", help="only operations whose name contains this")
    parser.add_argument("--kind", default="", help="only faults whose name contains this")
    parser.add_argument("--call", default="", help="only calls whose name contains this")
    parser.add_argument("--every", type=int, default=1, help="one case in so many, chosen by the seed")
    parser.add_argument("--share", type=_parse_share, default=(1, 1), help="2/4: every fourth operation from the second on")
    parser.add_argument("--results", type=Path, help="add results to this file, and skip the cases that it has")
    parser.add_argument("--memory", action="store_true", help="all calls against AWS in memory, in minutes; only with --only")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two requests of a client")
    parser.add_argument("--most", type=float, default=0.0, help="stop after so many seconds")
    return parser.parse_args()


def _parse_share(word: str) -> tuple[int, int]:
    number, _, count = word.partition("/")
    return int(number), int(count)


def sweep_on_local_lambda(options: argparse.Namespace, folder: Path) -> int:
    seed = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
    start = time.monotonic()
    outcomes = read_outcomes(options.results)
    finished = {outcome.case for outcome in outcomes}
    with open_world(folder) as world:
        sweep = Sweep(world, options.pause)
        number, count = options.share
        operations = tuple(operation for operation in OPERATIONS if options.only in operation.name)[number - 1 :: count]
        cases = [case for case in sweep.cases(operations) if options.kind in case.kind and options.call in case.label]
        print(f"{len(cases)} cases, seed {seed}", flush=True)
        sample = random.Random(seed).sample(cases, len(cases) // options.every)
        for case in sorted(sample, key=sweep.priority):
            if options.most and time.monotonic() - start > options.most:
                break
            if case not in finished:
                outcomes.append(sweep.run(case))
                report(outcomes[-1], options.results)
    print_table(outcomes, seed, time.monotonic() - start)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


def sweep_in_memory(only: str, folder: Path) -> int:
    wrong: list[Violation] = []
    sweep = MemorySweep(folder)
    for operation in (operation for operation in IN_MEMORY if only in operation.name):
        cases = sweep.cases(operation)
        violations = [violation for case in cases for violation in sweep.run(*case)]
        print(f"{'WRONG' if violations else 'ok':5} {operation.name:30} {len(cases)} cases", flush=True)
        for violation in violations:
            print(f"      {violation}", flush=True)
        wrong += violations
    print(f"{sweep.count} runs, {len(wrong)} wrong")
    return 1 if wrong else 0


def read_outcomes(results: Path | None) -> list[Outcome]:
    if results is None or not results.exists():
        return []
    return [msgspec.json.decode(line, type=Outcome) for line in results.read_bytes().splitlines()]


def report(outcome: Outcome, results: Path | None) -> None:
    case = outcome.case
    verdict = "WRONG" if outcome.wrong else "ok"
    ended = f"{outcome.ended}, {outcome.requests} requests"
    print(f"{verdict:5} {case.operation:26} {case.kind:30} {case.label:42} {ended}", flush=True)
    for wrong in outcome.wrong:
        print(f"      {wrong}", flush=True)
    if results is not None:
        with results.open("ab") as file:
            file.write(msgspec.json.encode(outcome) + b"\n")


def print_table(outcomes: list[Outcome], seed: int, seconds: float) -> None:
    """Print for each operation and fault at how many calls it was tried, and how many of those went wrong."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for outcome in outcomes:
        count = counts[outcome.case.operation, outcome.case.kind]
        count[0] += 1
        count[1] += bool(outcome.wrong)
    for operation in OPERATIONS:
        rows = [(kind.name, *counts[operation.name, kind.name]) for kind in KINDS if counts[operation.name, kind.name][0]]
        if rows:
            print(f"\n{operation.name}")
        for kind_name, tried, wrong in rows:
            print(f"  {kind_name:32} {tried:4} calls  {f'{wrong} WRONG' if wrong else 'ok'}")
    wrong_runs = sum(bool(outcome.wrong) for outcome in outcomes)
    requests = sum(outcome.requests for outcome in outcomes)
    print(f"\n{len(outcomes)} runs, {wrong_runs} wrong, {requests} responses checked, seed {seed}, {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
