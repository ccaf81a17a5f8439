"""Values of environment variables that the repository itself proposes, in the files that other tools read.

They count for variables that the app needs and nothing else sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from lambent.config.detection.dockerfile import DOCKERFILES, parse_variables
from lambent.config.detection.lambda_functions import read_functions
from lambent.config.detection.project_text import read_text

_COMPUTED = re.compile(r"\$[{(A-Za-z_]")


class Proposal(Struct, frozen=True):
    """A value for an environment variable, and the file that has it."""

    name: str
    value: str
    source: str


def read_proposals(folder: Path) -> dict[str, Proposal]:
    """Return the proposed value of each variable, by name. What is written for Lambda comes first."""
    proposals: dict[str, Proposal] = {}
    for read in _READERS:
        for proposal in read(folder):
            if proposal.value and not _COMPUTED.search(proposal.value):
                proposals.setdefault(proposal.name, proposal)
    return proposals


def _functions(folder: Path) -> Iterator[Proposal]:
    """Yield the variables of SAM's and serverless.yml's functions, but those that differ from function to function."""
    values: dict[str, set[str]] = {}
    functions = read_functions(folder)
    for function in functions:
        for name, value in function.variables:
            values.setdefault(name, set()).add(value)
    for name, different in values.items():
        if len(different) == 1:
            yield Proposal(name, next(iter(different)), functions[0].source)


def _dockerfiles(folder: Path) -> Iterator[Proposal]:
    for file in DOCKERFILES:
        last = dict(parse_variables(read_text(folder / file)))
        yield from (Proposal(name, value, file) for name, value in last.items())


_READERS: tuple[Callable[[Path], Iterator[Proposal]], ...] = (_functions, _dockerfiles)
