"""The instructions of a Dockerfile."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from posixpath import join, normpath, relpath

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.detection.start_commands import expand_variables

DOCKERFILES = ("Dockerfile", "Containerfile", "docker/Dockerfile")
_INSTRUCTION = re.compile(r"(?im)^\s*(FROM|ARG|CMD|ENTRYPOINT|WORKDIR|ENV|COPY|ADD)\s+(.*)$")
_PYTHON_IMAGE = re.compile(r"(?<!\w)python[:-]?(?:\d-)?(3\.?\d+|2\.7)")
"""python:3.12-slim, lambda/python:3.9, uv:python3.12-alpine, azure-functions/python:4-python3.11, ubi9/python-311."""
_OLD_FORM = re.compile(r"(?P<name>\w+)\s+(?P<value>[^=].*)")


def parse_instructions(text: str) -> list[tuple[str, str]]:
    """Return the name and the rest of each instruction that says what a container runs. Pure."""
    lines = re.sub(r"\\\r?\n", " ", text)
    return [(match[1].upper(), match[2].strip()) for match in _INSTRUCTION.finditer(lines)]


class Stage(Struct):
    """A stage of a Dockerfile: its start, its working folder, and what is copied into it: sources with their destinations."""

    entrypoint: str = ""
    cmd: str = ""
    folder: str = "/"
    copies: tuple[tuple[str, str], ...] = ()
    is_lambda: bool = False
    """Whether its base is AWS's image for Lambda."""

    def sources(self) -> Iterator[str]:
        """Yield the folders of the project that may be the working folder, the likeliest first."""
        for source, destination in reversed(self.copies):
            if self.folder == destination or self.folder.startswith(f"{destination}/"):
                yield normpath(join(source, relpath(self.folder, destination)))
        below = self.folder.strip("/").split("/")
        yield from ("/".join(below[start:]) for start in range(len(below)) if below[start:] != [""])


def parse_last_stage(text: str) -> Stage:
    """Return the last stage of a Dockerfile, which is the one that runs, with what it has from those it starts from. Pure."""
    stages: dict[str, Stage] = {}
    stage = Stage()
    variables = {"LAMBDA_TASK_ROOT": "/var/task"} | dict(parse_variables(text))
    for instruction, rest in parse_instructions(text):
        value = expand_variables(rest, variables)
        if instruction == "FROM":
            base, *name = [word for word in value.split() if not word.startswith("--")] or [""]
            image = Stage(folder="/var/task" if "lambda" in base else "/", is_lambda="lambda" in base)
            stage = replace(stages.get(base.lower(), image))
            if len(name) == 2:  # AS name
                stages[name[1].lower()] = stage
        elif instruction == "ENTRYPOINT":
            stage.entrypoint, stage.cmd = value, ""
        elif instruction == "CMD":
            stage.cmd = value
        elif instruction == "WORKDIR":
            stage.folder = _place(stage, value)
        elif instruction in ("COPY", "ADD"):
            *sources, destination = _copy_operands(value) or ["."]
            stage.copies += tuple((source.strip("/") or ".", _place(stage, destination)) for source in sources)
    return stage


def parse_python_version(text: str) -> str:
    """Return the Python of the last base image whose name has one ("3.12", or "312" as in the name), or "". Pure."""
    arguments: dict[str, str] = {}
    python = ""
    for instruction, rest in parse_instructions(text):
        if instruction == "ARG":
            name, _, value = rest.partition("=")
            arguments[name.strip()] = value.strip().strip("\"'")
        elif instruction == "FROM" and (match := _PYTHON_IMAGE.search(expand_variables(rest, arguments))):
            python = match[1]
    return python


def _place(stage: Stage, path: str) -> str:
    return normpath(join(stage.folder, path.strip("\"'")))


def _copy_operands(value: str) -> list[str]:
    """Return the sources of a COPY instruction and its destination; nothing if they aren't the project's."""
    options = value.split("[")[0].split()
    if any(word.startswith("--from") for word in options):
        return []
    try:
        return list(map(str, json.loads(value[value.index("[") :]))) if "[" in value else _plain_words(value)
    except ValueError:
        return []


def _plain_words(value: str) -> list[str]:
    return [word for word in shlex.split(value) if not word.startswith("--")]


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
