"""Values of environment variables that the repository itself proposes, in the files that other tools read.

They count for variables that the app needs and nothing else sets.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.config.detection.declarations import COMPOSE_FILES
from lambent.config.detection.dockerfile import DOCKERFILES, parse_variables
from lambent.config.detection.lambda_functions import read_functions, service_variables
from lambent.config.detection.project_text import read_text
from lambent.config.detection.yaml_mappings import parse_scalar
from lambent.config.environment import values_in_file
from lambent.config.identity import find_repository
from lambent.config.variables.bound import Read
from lambent.config.variables.harmless import is_harmless

ENV_EXAMPLES = (
    *(".env.example", ".env.sample", ".env.template", ".env.dist", ".env.local.example", "example.env", "sample.env"),
    *("env.example", "env.sample", ".env-example", ".env_example", ".env-sample", "template.env"),
)
_RENDER_VARIABLE = re.compile(
    r"""-[ ]+key:[ ]*["']?(?P<name>\w+)["']?[ ]*\n[ ]+(?P<field>value|generateValue):[ ]*(?P<value>.*)"""
)
_COMPOSE_VARIABLE = re.compile(
    r"""^[ ]+(?:-[ ]*["']?(?P<item>[A-Z][A-Z0-9_]*)=(?P<text>.*?)["']?|(?P<key>[A-Z][A-Z0-9_]*):[ ]+(?P<value>.+?))[ ]*$""",
    re.M,
)
_COMPUTED = re.compile(r"\$[{(A-Za-z_]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?|true|false|yes|no|on|off", re.I)


STAGE_FILES = ("zappa_settings.json", ".chalice/config.json")


class Proposal(Struct, frozen=True):
    """A value for an environment variable, and the file that has it. `is_random` asks for a random value instead.

    `is_deployed` says that the app has it on Lambda already, by another tool.
    """

    name: str
    value: str
    source: str
    is_random: bool = False
    is_deployed: bool = False


def read_proposals(folder: Path) -> dict[str, Proposal]:
    """Return the proposed value of each variable, by name. What is written for Lambda comes first."""
    proposals: dict[str, Proposal] = {}
    for read in _READERS:
        for proposal in read(folder):
            if proposal.is_random or (proposal.value and not _COMPUTED.search(proposal.value)):
                proposals.setdefault(proposal.name, proposal)
    return proposals


def usable_proposals(reads: Iterable[Read], proposals: Mapping[str, Proposal]) -> list[Proposal]:
    """Return those proposals for variables that an app reads which it may run with in public."""
    return [proposals[read.name] for read in reads if read.name in proposals and _suits(read, proposals[read.name])]


def _suits(read: Read, proposal: Proposal) -> bool:
    is_harmless_value = is_harmless(read.name, proposal.value, deployed=proposal.is_deployed)
    return is_harmless_value and (not read.is_number or _NUMBER.fullmatch(proposal.value) is not None)


def _functions(folder: Path) -> Iterator[Proposal]:
    """Yield the variables of SAM's and serverless.yml's functions, but those that differ from function to function."""
    functions = read_functions(folder)
    variables = (variable for function in functions for variable in function.variables)
    computed = {name for function in functions for name, _ in function.computed}
    plain = ((name, value) for name, value in _unambiguous(variables) if name not in computed)
    yield from (Proposal(name, value, functions[0].source, is_deployed=True) for name, value in plain)
    services = () if functions else tuple(service_variables(folder))
    yield from (
        Proposal(name, value, services[0][2], is_deployed=True) for name, value in _unambiguous(each[:2] for each in services)
    )


def _stages(folder: Path) -> Iterator[Proposal]:
    """Yield the variables of Zappa's and Chalice's stages, but those that differ from stage to stage."""
    for file in STAGE_FILES:
        variables = _variables_in(_read_json(folder / file))
        yield from (Proposal(name, value, file, is_deployed=True) for name, value in _unambiguous(variables))


def _variables_in(value: object) -> Iterator[tuple[str, str]]:
    """Yield the variables of every `environment_variables` in JSON, at any depth."""
    for key, member in value.items() if isinstance(value, dict) else ():
        if key in ("environment_variables", "aws_environment_variables") and isinstance(member, dict):
            yield from ((name, text) for name, text in member.items() if isinstance(text, str))
        else:
            yield from _variables_in(member)


def _dockerfiles(folder: Path) -> Iterator[Proposal]:
    for file in DOCKERFILES:
        last = dict(parse_variables(read_text(folder / file)))
        yield from (Proposal(name, value, file) for name, value in last.items())


def _app_json(folder: Path) -> Iterator[Proposal]:
    """Yield what Heroku's manifest sets."""
    manifest = _read_json(folder / "app.json")
    variables = manifest.get("env") if isinstance(manifest, dict) else None
    for name, entry in variables.items() if isinstance(variables, dict) else ():
        fields = entry if isinstance(entry, dict) else {"value": entry}
        yield Proposal(name, str(fields.get("value") or ""), "app.json", fields.get("generator") == "secret")


def _render(folder: Path) -> Iterator[Proposal]:
    for match in _RENDER_VARIABLE.finditer(read_text(folder / "render.yaml")):
        value = parse_scalar(match["value"])
        is_random = match["field"] == "generateValue" and value == "true"
        yield Proposal(match["name"], "" if is_random else value, "render.yaml", is_random)


def _compose(folder: Path) -> Iterator[Proposal]:
    """Yield the variables that all services of a compose file set alike."""
    for file in COMPOSE_FILES:
        matches = list(_COMPOSE_VARIABLE.finditer(read_text(folder / file)))
        variables = ((match["item"] or match["key"], parse_scalar(match["text"] or match["value"] or "")) for match in matches)
        yield from (Proposal(name, value, file) for name, value in _unambiguous(variables))


def _examples(folder: Path) -> Iterator[Proposal]:
    """Yield what the folder's example files have, then what those of its repository have: backend/ may share them."""
    root = find_repository(folder)
    above = [each for each in folder.parents if root is not None and each.is_relative_to(root)]
    for depth, parent in enumerate((folder, *above)):
        for file in (".env", *ENV_EXAMPLES):
            source = "../" * depth + file
            yield from (Proposal(name, value, source) for name, value in values_in_file(parent / file).items())
    yield from _package_examples(folder)


def _package_examples(folder: Path) -> Iterator[Proposal]:
    """Yield what example files in the folders with code have, next to the settings that read them, if they agree."""
    packages = sorted({file.parent for file in folder.glob("*/*.py")})
    files = [(package / file, f"{package.name}/{file}") for package in packages for file in (".env", *ENV_EXAMPLES)]
    proposals = [Proposal(name, value, source) for path, source in files for name, value in values_in_file(path).items()]
    agreed = dict(_unambiguous((proposal.name, proposal.value) for proposal in proposals))
    yield from (proposal for proposal in proposals if proposal.name in agreed)


def _read_json(path: Path) -> object:
    """Return what a file has, None if it isn't JSON."""
    try:
        return json.loads(read_text(path))
    except ValueError:
        return None


def _unambiguous(variables: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the variables that have one value only."""
    values: dict[str, set[str]] = defaultdict(set)
    for name, value in variables:
        values[name].add(value)
    yield from ((name, min(different)) for name, different in values.items() if len(different) == 1)


_READERS: tuple[Callable[[Path], Iterator[Proposal]], ...] = (
    *(_functions, _stages, _app_json, _render, _dockerfiles, _compose, _examples),
)
