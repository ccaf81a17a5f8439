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

from support.faults.kinds import KINDS
from support.faults.memory import IN_MEMORY, Every, Wrong
from support.faults.operations import OPERATIONS
from support.faults.sweep import Case, Outcome, Sweep
from support.faults.world import world


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
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and the local Lambda ends too
    seed = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
    began = time.monotonic()
    if told.memory:
        return in_memory(told.only)
    outcomes = _known(told.kept)
    known = {outcome.case for outcome in outcomes}
    with tempfile.TemporaryDirectory(prefix="lambent-faults-") as folder, world(Path(folder)) as there:
        sweep = Sweep(there, told.pause)
        number, count = told.share
        operations = tuple(each for each in OPERATIONS if told.only in each.name)[number - 1 :: count]
        cases = [case for case in sweep.cases(operations) if told.kind in case.kind and told.call in case.label]
        print(f"{len(cases)} cases, seed {seed}", flush=True)
        chosen = random.Random(seed).sample(cases, len(cases) // told.every)
        for case in sorted(chosen, key=sweep.turn):
            if told.most and time.monotonic() - began > told.most:
                break
            if case not in known:
                outcomes.append(sweep.run(case))
                tell(outcomes[-1], told.kept)
    table(outcomes, seed, time.monotonic() - began)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


def in_memory(only: str) -> int:
    wrong: list[Wrong] = []
    with tempfile.TemporaryDirectory(prefix="lambent-faults-") as folder:
        every = Every(Path(folder))
        for operation in (each for each in IN_MEMORY if only in each.name):
            cases = every.cases(operation)
            found = [each for case in cases for each in every.run(*case)]
            print(f"{'WRONG' if found else 'ok':5} {operation.name:30} {len(cases)} cases", *found, sep="\n      ", flush=True)
            wrong += found
    print(f"{every.count} runs, {len(wrong)} wrong")
    return 1 if wrong else 0


def _share(word: str) -> tuple[int, int]:
    number, _, count = word.partition("/")
    return int(number), int(count)


def _known(kept: Path | None) -> list[Outcome]:
    if kept is None or not kept.exists():
        return []
    told = [json.loads(line) for line in kept.read_text().splitlines()]
    return [Outcome(**{**each, "case": Case(**each["case"]), "wrong": tuple(each["wrong"])}) for each in told]


def tell(outcome: Outcome, kept: Path | None) -> None:
    case = outcome.case
    verdict = "ok" if not outcome.wrong else "WRONG"
    print(f"{verdict:5} {case.operation:26} {case.kind:30} {case.label:42} {outcome.ended}, {outcome.asked} asked", flush=True)
    for wrong in outcome.wrong:
        print(f"      {wrong}", flush=True)
    if kept is not None:
        with kept.open("a") as file:
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
    asked = sum(outcome.asked for outcome in outcomes)
    print(f"\n{len(outcomes)} runs, {wrong} wrong, {asked} answers looked at, seed {seed}, {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
