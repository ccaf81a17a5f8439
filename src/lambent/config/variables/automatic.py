"""Variables that the app needs, that nothing sets, and one value of which suits any app: they get it, with a line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lambent.config.detection.factory_arguments import production_settings
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.django_literals import AWS_DOMAIN, LOCAL_DOMAIN, URL_DOMAINS
from lambent.config.environment import find_own_file
from lambent.config.model import Config
from lambent.config.variables.bound import Read
from lambent.config.variables.own_secrets import is_own_secret
from lambent.config.variables.proposals import Proposal, read_proposals, usable_proposals
from lambent.config.variables.unset import django_report
from lambent.events import Event, Notice

_SECRET_BYTES = 32
_DEBUG = re.compile(r"(?:\w+_)?DEBUG", re.I)
_FALSE = {"true": "false", "false": "false", "True": "False", "False": "False"}
"""The word for False of a project whose files have one of these as the value: some code takes no other."""
_HOSTS = re.compile(r"\w*ALLOWED_HOST\w*|(?:\w+_)?HOSTS")
"""Other variables in ALLOWED_HOSTS, such as DOMAIN, may also be used in links."""
_POWERTOOLS = "POWERTOOLS_"
"""What the names of variables start with that Powertools for AWS Lambda reads itself."""
_PORT = "8080"  # what PaaSes set: on Lambda no app listens, but some read it
_CUSTOMARY = (
    (re.compile(r"FLASK_ENV"), "production"),  # Flask's own default
    (re.compile(r"(?:JWT_|AUTH_|TOKEN_|ACCESS_)*ALGORITHM", re.I), "HS256"),  # those of FastAPI's tutorial
    (re.compile(r"(?:JWT_|AUTH_)?(?:ACCESS_)?TOKEN_EXPIRE_MINUTES", re.I), "30"),
)


class Automatic(Struct, frozen=True):
    """A variable and its value. `source` says where that is from, and `is_secret` that it is random and is kept."""

    name: str
    value: str
    source: str = ""
    is_secret: bool = False

    @property
    def origin(self) -> str:
        return self.source if self.source and not self.is_secret else "lambent, since the app needs it"

    @property
    def description(self) -> str:
        if self.is_secret:
            instead = f", not the one in {self.source}" if self.source else ""
            return f"{self.name} (random{instead}; later deploys keep it)"
        return f"{self.name}={self.value}" + (f" (from {self.source})" if self.source else "")


def set_automatically(config: Config, unset: Sequence[Read], *, local: bool) -> tuple[Config, list[Read], list[Event]]:
    """Return the configuration with those variables that have such a value, the reads that remain, and a line about them.

    `unset` are the app's reads of variables that nothing sets, and `local` says that the app runs on the local Lambda.
    Random values count as set by flags, so that later deploys keep them. What the user unsets stays unset.
    """
    chosen = {each.name: each for each in _choose(config, unset, local=local) if each.name not in config.unset_variables}
    if not chosen:
        return config, list(unset), []
    values = {name: each.value for name, each in chosen.items()}
    secrets = [name for name, each in chosen.items() if each.is_secret]
    config = config.with_variables(values, {name: each.origin for name, each in chosen.items()}, secrets)
    descriptions = ", ".join(each.description for each in chosen.values())
    line = Notice(f"not set, so lambent sets what the app needs: {descriptions}; --env NAME=VALUE sets your own")
    return config, [read for read in unset if read.name not in chosen], [line]


def _choose(config: Config, unset: Sequence[Read], *, local: bool) -> list[Automatic]:
    proposals = read_proposals(config.folder) if unset or config.app.kind == "handler" else {}
    secrets = list(_secrets(unset, proposals, *find_own_file(config.folder, [read.name for read in unset])))
    others = [*_constants(unset, proposals), *_settings(config, unset), *_django_hosts(config, local=local)]
    others += _own_database(config, unset) if local else ()
    names = {each.name for each in (*secrets, *others)}
    remaining = [read for read in unset if read.name not in names]
    needed = [read for read in remaining if read.fails == "start"]
    later = [read for read in remaining if read.fails != "start"]
    set_names = {name for name, _ in (*config.environment, *config.secrets)}
    libraries = [Read(name, "", "perhaps") for name in proposals if name.startswith(_POWERTOOLS) and name not in set_names]
    return [*secrets, *others, *_proposed(needed, proposals), *_known_to_lambda([*later, *libraries], proposals)]


def _secrets(
    unset: Sequence[Read], proposals: Mapping[str, Proposal], file: str, unsent: Mapping[str, str]
) -> Iterator[Automatic]:
    names = [read.name for read in unset]
    for read in unset:
        is_asked_for = read.name in proposals and proposals[read.name].is_random
        if read.fails != "perhaps" and (is_asked_for or read.is_secret_key or is_own_secret(read.name, names)):
            yield Automatic(read.name, os.urandom(_SECRET_BYTES).hex(), file if unsent.get(read.name) else "", is_secret=True)


def _constants(unset: Sequence[Read], proposals: Mapping[str, Proposal]) -> Iterator[Automatic]:
    for read in unset:
        if read.fails == "start" and _DEBUG.fullmatch(read.name):
            example = proposals[read.name].value if read.name in proposals else ""
            yield Automatic(read.name, _FALSE.get(example, "0"))  # every library's word for False, and a number
        elif read.fails == "start" and read.name == "PORT":
            yield Automatic(read.name, _PORT)
        elif read.fails == "start" and not usable_proposals([read], proposals):
            value = next((value for pattern, value in _CUSTOMARY if pattern.fullmatch(read.name)), "")
            if value:
                yield Automatic(read.name, value)


def _settings(config: Config, unset: Sequence[Read]) -> Iterator[Automatic]:
    for read in unset:
        if read.fails == "start" and read.is_settings:
            dotted, file = production_settings(ProjectModules(config.folder))
            if dotted:
                yield Automatic(read.name, dotted, file)


def _django_hosts(config: Config, *, local: bool) -> Iterator[Automatic]:
    report = django_report(config)
    if not report["allows"] and _HOSTS.fullmatch(report["variable"]) and (hosts := _hosts(report, local=local)):
        yield Automatic(report["variable"], hosts)


def _own_database(config: Config, unset: Sequence[Read]) -> Iterator[Automatic]:
    """Yield the URL of the database that a Django project brings: in AWS, its data may not be for the public."""
    root = config.folder / config.app.root
    files = [*root.glob("*.sqlite3"), *root.glob("*.db")] if (root / "manage.py").is_file() else []
    if len(files) == 1 and any(read.name == "DATABASE_URL" and read.fails == "start" for read in unset):
        yield Automatic("DATABASE_URL", f"sqlite:///{files[0].name}")


def _proposed(reads: Sequence[Read], proposals: Mapping[str, Proposal]) -> Iterator[Automatic]:
    """Yield values from the project's files if all that starts need are there: a part of them may not suit the user's own."""
    usable = usable_proposals(reads, proposals)
    for proposal in usable if len(usable) == len(reads) else ():
        yield Automatic(proposal.name, proposal.value, proposal.source)


def _known_to_lambda(reads: Sequence[Read], proposals: Mapping[str, Proposal]) -> Iterator[Automatic]:
    """Yield values for what the app reads and can start without, if another tool deploys it to Lambda with them."""
    for proposal in usable_proposals(reads, proposals):
        if proposal.is_deployed:
            yield Automatic(proposal.name, proposal.value, proposal.source)


def _hosts(report: Mapping[str, Any], *, local: bool) -> str:
    """Return the value that allows the function's URL and nothing else, or "" if it isn't known how the settings read it."""
    separator = report["separator"]
    if separator is None:
        return ""
    return separator.join(URL_DOMAINS) if separator else LOCAL_DOMAIN if local else AWS_DOMAIN
