"""What the local Lambda stores: functions, versions, aliases, URLs, policies, tags, layers, and their code.

Everything is in memory. Each change is written through to `lambda.sqlite` in the state folder, one JSON document for each
function, so that a kill -9 at any moment loses nothing that was answered. Only one process may use a state folder.
Configurations have the shape of AWS's FunctionConfiguration.
"""

from __future__ import annotations

import base64
import copy
import logging
import random
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from lambent.local.code_store import CodeStore
from lambent.local.database import FAILURES, NAME, open_database, unusable
from lambent.local.document_table import DocumentTable, Resource
from lambent.local.engine.invocation import Function
from lambent.local.host_check import host_label
from lambent.local.layer import Layer
from lambent.local.reserve import Reserve
from lambent.names import ALIAS

log = logging.getLogger(__name__)

Document = dict[str, Any]
LATEST = "$LATEST"


class NotFound(KeyError):
    """There is no such function, version or alias. The message is its name or ARN."""


class UrlConfig(Struct, frozen=True):
    """A Function URL. `qualifier` is "" for $LATEST, or the name of an alias. Times are written as AWS writes them.

    `mode_told`: whether the caller ever sent an InvokeMode, since AWS's responses show it only then.
    """

    url_id: str
    region: str
    account: str
    function: str
    qualifier: str
    auth_type: str
    invoke_mode: str
    cors: Document | None
    created: str
    modified: str
    mode_told: bool = False  # the name is part of the stored documents


class Record(Resource):
    """One function with everything that belongs to it: the stored document.

    `serving` is the configuration that responds while an update of $LATEST settles. `policies`, `urls` and `provisioned`
    (concurrency: count, modified) are keyed by qualifier, with "" for $LATEST; the keys of `event_invoke`, the settings for
    asynchronous events, say "$LATEST". `last_version` only grows, so that numbers are never reused.
    """

    latest: Document
    serving: Document | None = None
    versions: dict[str, Document] = field(default_factory=dict)
    aliases: dict[str, Document] = field(default_factory=dict)
    urls: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, list[Document]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    last_version: int = 0
    reserved: int | None = None
    provisioned: dict[str, Document] = field(default_factory=dict)
    event_invoke: dict[str, Document] = field(default_factory=dict)

    def provisioned_count(self, without: str = "") -> int:
        """Return the provisioned concurrency of all qualifiers, or of all but one."""
        return sum(int(config["count"]) for qualifier, config in self.provisioned.items() if qualifier != without)

    def configurations(self) -> Iterator[Document]:
        """Return every configuration whose code must be kept."""
        yield self.latest
        if self.serving is not None:
            yield self.serving
        yield from self.versions.values()

    def configuration(self, qualifier: str) -> Document:
        """Return the configuration of "" or "$LATEST", of a version, or of an alias's first version."""
        if qualifier in ("", LATEST):
            return self.latest
        version = self.aliases[qualifier]["FunctionVersion"] if qualifier in self.aliases else qualifier
        if version == LATEST:
            return self.latest
        if version not in self.versions:
            raise NotFound(f"{self.arn}:{qualifier}")
        return self.versions[version]


class Store:
    """The content of a state folder. Raises LocalError if it can't be read, and later sqlite3.Error if it can't be written."""

    def __init__(self, state: Path) -> None:
        self.code = CodeStore(state / "code", self._used_code)
        self._lock = threading.RLock()
        self._database, path = open_database(state), state / NAME
        self._reserve = Reserve(state)
        self._urls: dict[str, UrlConfig] = {}
        self.revision = 0  # grows with each change of a function
        try:
            self.layers = DocumentTable(self._database, path, self._lock, "layers", Layer, used_code)
            self._records = DocumentTable(self._database, path, self._lock, "functions", Record, self._check)
        except FAILURES as error:
            raise unusable(path, error) from error
        for record in self._records.values():
            self._index_urls(record)
            self._settle(record)
        self.code.sweep()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def get(self, region: str, name: str) -> Record | None:
        """Return the record. After changing it, pass it to `save`."""
        return self._records.get(region, name)

    def records(self, region: str) -> list[Record]:
        """Return the functions of a region by name."""
        return self._records.in_region(region)

    def all_records(self) -> list[Record]:
        """Return the functions of all regions."""
        return self._records.values()

    def count(self) -> int:
        """Return the number of functions in all regions."""
        return len(self._records)

    def save(self, record: Record) -> None:
        """Make the record durable, then visible. If that fails, the record is again what it was."""
        with self._lock:
            self._records.save(record)
            self._index_urls(record)
            self.revision += 1

    def delete(self, region: str, name: str) -> None:
        with self._lock:
            self._reserve.spend(lambda: self._records.delete(region, name))
            self._forget_urls(region, name)
            self.revision += 1

    def _check(self, record: Record) -> None:
        """Raise KeyError, TypeError or ValueError if a stored record can't be used."""
        for configuration in record.configurations():
            self._function(record, configuration)
        for document in record.urls.values():
            UrlConfig(**document)

    def _settle(self, record: Record) -> None:
        """End a transition in whose middle the process ended."""
        if settle(record):
            try:
                self.save(record)
            except sqlite3.Error as error:  # the next start will end it again
                log.warning("can't write the state of %s: %s", record.name, error)
                settle(record)

    def _index_urls(self, record: Record) -> None:
        self._forget_urls(record.region, record.name)
        for document in record.urls.values():
            self._urls[document["url_id"]] = UrlConfig(**document)

    def _forget_urls(self, region: str, name: str) -> None:
        self._urls = {key: url for key, url in self._urls.items() if (url.region, url.function) != (region, name)}

    # for invocations

    def url(self, url_id: str) -> UrlConfig | None:
        return self._urls.get(url_id)

    def app_url(self, region: str, label: str) -> UrlConfig | None:
        """Return the URL of the app with this label in its host name: that of the alias `live`, or else the first."""
        urls = [url for url in self._urls.values() if url.region == region and host_label(url.function) == label]
        return min(urls, key=lambda url: ("_" in url.function, url.qualifier != ALIAS, url.qualifier), default=None)

    def policy(self, region: str, function_name: str, qualifier: str) -> list[Document]:
        """Return the statements on one qualifier ("" for $LATEST), oldest first."""
        record = self.get(region, function_name)
        return copy.deepcopy(record.policies.get(qualifier, [])) if record else []

    def reserved(self, region: str, function_name: str) -> int | None:
        """Return the function's reserved concurrency, or None."""
        record = self.get(region, function_name)
        return record.reserved if record else None

    def route(self, region: str, function_name: str, qualifier: str) -> Function:
        """Return the version that responds now. Weighted aliases are resolved at random. Raises NotFound."""
        record = self.get(region, function_name)
        if record is None:
            raise NotFound(function_name)
        alias = record.aliases.get(qualifier)
        version = pick_version(alias, random.random()) if alias else qualifier
        if version in ("", LATEST):
            return self._function(record, record.serving or record.latest)
        return self._function(record, record.configuration(version))

    def _function(self, record: Record, configuration: Document) -> Function:
        sha, opt = sha_hex(configuration), configuration.get("_opt")
        logging = configuration["LoggingConfig"]
        return Function(
            arn=record.arn,
            name=record.name,
            version=configuration["Version"],
            region=record.region,
            account=record.account,
            role=configuration["Role"],
            runtime=configuration["Runtime"],
            handler=configuration["Handler"],
            memory_mb=configuration["MemorySize"],
            timeout_s=configuration["Timeout"],
            tmp_mb=configuration["EphemeralStorage"]["Size"],
            environment=tuple(configuration.get("Environment", {}).get("Variables", {}).items()),
            code=self.code.folder / sha,
            code_sha256=configuration["CodeSha256"],
            log_group=logging["LogGroup"],
            log_format=logging["LogFormat"],
            opt=self.code.folder / opt if opt else None,
        )

    def restore_code(self, function: Function) -> None:
        """Unpack the code and the layers of a function again if their folders are missing. Raises LocalError or OSError."""
        self.code.restore(function.code.name)
        if function.opt is not None:
            configurations = (each for record in self.all_records() for each in record.configurations())
            layers = (each["_layers"] for each in configurations if each.get("_opt") == function.opt.name and "_layers" in each)
            self.code.restore(function.opt.name, next(layers, ()))

    def _used_code(self) -> set[str]:
        """Return the names in the code folder that something needs. Functions keep the layers they use, as on AWS."""
        with self._lock:
            configurations = [each for record in self._records.values() for each in record.configurations()]
            layers = {sha for layer in self.layers.values() for sha in used_code(layer)}
        code = {sha_hex(each) for each in configurations}
        merged = {each["_opt"] for each in configurations if "_opt" in each}
        return layers | code | merged | {sha for each in configurations for sha in each.get("_layers", ())}


def pick_version(alias: Document, fraction: float) -> str:
    """Return the version that an alias sends a request to. `fraction` is a random number from 0 to 1."""
    for version, weight in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items():
        fraction -= float(weight)
        if fraction < 0:
            return str(version)
    return str(alias["FunctionVersion"])


def used_code(layer: Layer) -> list[str]:
    """Return the sha256 of each version's zip in hex."""
    return [sha_hex(version["Content"]) for version in layer.versions.values()]


def sha_hex(configuration: Document) -> str:
    """Return the sha256 of a configuration's code in hex. AWS shows it in base64."""
    return base64.b64decode(configuration["CodeSha256"]).hex()


def new_revision() -> str:
    return str(uuid.uuid4())


def settle(record: Record) -> bool:
    """End every transition: Pending becomes Active, InProgress becomes Successful. Returns whether anything changed.

    The RevisionId changes once more, as on AWS.
    """
    changed = False
    for configuration in (record.latest, *record.versions.values()):
        if configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress":
            for member in ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
                configuration.pop(member, None)
            configuration.update(State="Active", LastUpdateStatus="Successful", RevisionId=new_revision())
            changed = True
    if record.serving is not None:
        record.serving = None
        changed = True
    return changed
