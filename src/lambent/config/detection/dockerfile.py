"""The instructions of a Dockerfile."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

DOCKERFILES = ("Dockerfile", "Containerfile", "docker/Dockerfile")
_INSTRUCTION = re.compile(r"(?im)^\s*(FROM|CMD|ENTRYPOINT|WORKDIR|ENV|COPY|ADD)\s+(.*)$")
_OLD_FORM = re.compile(r"(?P<name>\w+)\s+(?P<value>[^=].*)")


def parse_instructions(text: str) -> list[tuple[str, str]]:
    """Return the name and the rest of each instruction that says what a container runs. Pure."""
    lines = re.sub(r"\\\r?\n", " ", text)
    return [(match[1].upper(), match[2].strip()) for match in _INSTRUCTION.finditer(lines)]


def parse_variables(text: str) -> Iterator[tuple[str, str]]:
    """Yield the variables of all ENV instructions: `ENV A=1 B="two words"`, or `ENV A 1`. Pure."""
    for instruction, rest in parse_instructions(text):
        if instruction != "ENV":
            continue
        if match := _OLD_FORM.fullmatch(rest):
            yield match["name"], match["value"].strip().strip("\"'")
            continue
        try:
            words = shlex.split(rest)
        except ValueError:  # a quote that isn't closed
            continue
        yield from ((name, value) for name, equals, value in (word.partition("=") for word in words) if equals)
