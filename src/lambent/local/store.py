"""What the local Lambda knows: functions, versions, aliases, URLs, policies, tags, and their code.

Everything is held in memory and written through to SQLite (WAL) on each change, one JSON document a function, so that a
kill -9 at any moment loses nothing that was answered. Code lies beside it, shared by content:

    state/lambda.sqlite      the documents
    state/code/<sha>.zip     the zip as it was sent
    state/code/<sha>/        the same, unpacked once; or several layers as one, named after theirs

One process writes. Configurations are kept in the shape of AWS's FunctionConfiguration.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
import os
import random
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

from lambent.local.engine.invocation import Function
from lambent.local.layer_store import Layers, merge, stack_name
from lambent.local.unpack import remove, unpack

Document = dict[str, Any]
LATEST = "$LATEST"


class NotFound(KeyError):
    """No such function, version or alias. Its text is what was looked for."""


class UrlConfig(Struct, frozen=True):
    """A Function URL. `qualifier` is "" for $LATEST or the alias's name; times are as AWS writes them.

    `mode_told` is whether the caller ever sent an InvokeMode: AWS's answers to create and update show it only then.
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
    mode_told: bool = False


class Record(Struct):
    """One function with all that hangs on it.

    `serving` is the configuration that still answers while an update of $LATEST settles. `policies`, `urls` and `provisioned`
    (concurrency: count, modified) are keyed by qualifier, "" being $LATEST; `event_invoke` (how asynchronous events are tried)
    says "$LATEST". `last_version` only grows, so that numbers are never reused.
    """

    region: str
    account: str
    name: str
    arn: str
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

    def provisions(self, but: str = "") -> int:
        """Provisioned concurrency of all qualifiers but one."""
        return sum(int(config["count"]) for qualifier, config in self.provisioned.items() if qualifier != but)

    def configurations(self) -> Iterator[Document]:
        """Every configuration whose code must be there."""
        yield self.latest
        if self.serving is not None:
            yield self.serving
        yield from self.versions.values()

    def configuration(self, qualifier: str) -> Document:
        """The configuration a qualifier means ("" and "$LATEST", a version, or an alias's first version)."""
        if qualifier in ("", LATEST):
            return self.latest
        version = self.aliases[qualifier]["FunctionVersion"] if qualifier in self.aliases else qualifier
        if version == LATEST:
            return self.latest
        if version not in self.versions:
            raise NotFound(f"{self.arn}:{qualifier}")
        return self.versions[version]


class Store:
    """The state folder. Raises sqlite3 and OS errors if it cannot be written."""

    def __init__(self, state: Path) -> None:
        self.code = state / "code"
        self.code.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._sweeping = threading.Lock()
        self._held: Counter[str] = Counter()
        self._database = sqlite3.connect(state / "lambda.sqlite", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")  # survives kill -9; only a power cut may lose the last writes
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS functions (region TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (region, name))"
        )
        self.layers = Layers(self._database)
        self._records: dict[tuple[str, str], Record] = {}
        self._urls: dict[str, UrlConfig] = {}
        for (document,) in self._database.execute("SELECT document FROM functions"):
            self._index(Record(**json.loads(document)))
        for record in self._records.values():
            if settle(record):  # the process ended in the middle of a transition
                self.save(record)
        self.sweep()

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # functions

    def get(self, region: str, name: str) -> Record | None:
        """The record, to be changed by its owner and given to `save`."""
        return self._records.get((region, name))

    def records(self, region: str) -> list[Record]:
        """The functions of a region by name."""
        return [self._records[key] for key in sorted(self._records) if key[0] == region]

    def everything(self) -> list[Record]:
        """The functions of all regions."""
        return list(self._records.values())

    def count(self) -> int:
        """How many functions there are, in all regions."""
        return len(self._records)

    def save(self, record: Record) -> None:
        """Makes the record durable, then visible."""
        document = json.dumps(to_builtins(record), separators=(",", ":"))
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO functions VALUES (?, ?, ?)", (record.region, record.name, document))
            self._index(record)

    def delete(self, region: str, name: str) -> None:
        with self._lock:
            self._database.execute("DELETE FROM functions WHERE region = ? AND name = ?", (region, name))
            self._records.pop((region, name), None)
            self._forget_urls(region, name)

    def _index(self, record: Record) -> None:
        self._records[record.region, record.name] = record
        self._forget_urls(record.region, record.name)
        for document in record.urls.values():
            self._urls[document["url_id"]] = UrlConfig(**document)

    def _forget_urls(self, region: str, name: str) -> None:
        gone = [key for key, url in self._urls.items() if (url.region, url.function) == (region, name)]
        for key in gone:
            del self._urls[key]

    # what the front asks

    def url(self, url_id: str) -> UrlConfig | None:
        return self._urls.get(url_id)

    def policy(self, region: str, function_name: str, qualifier: str) -> list[Document]:
        """The statements on one qualifier ("" for $LATEST), oldest first."""
        record = self.get(region, function_name)
        return copy.deepcopy(record.policies.get(qualifier, [])) if record else []

    def reserved(self, region: str, function_name: str) -> int | None:
        """The function's reserved concurrency, or None."""
        record = self.get(region, function_name)
        return record.reserved if record else None

    def route(self, region: str, function_name: str, qualifier: str) -> Function:
        """The version that answers now: aliases resolved, weighted ones by lot. Raises NotFound."""
        record = self.get(region, function_name)
        if record is None:
            raise NotFound(function_name)
        alias = record.aliases.get(qualifier)
        version = draw(alias, random.random()) if alias else qualifier
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
            code=self.code / sha,
            code_sha256=configuration["CodeSha256"],
            log_group=logging["LogGroup"],
            log_format=logging["LogFormat"],
            opt=self.code / opt if opt else None,
        )

    # code

    @contextlib.contextmanager
    def hold(self, sha: str) -> Iterator[None]:
        """Keeps this code from being swept between `put_code` and `save`."""
        with self._lock:
            self._held[sha] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[sha] -= 1

    def put_code(self, body: bytes) -> str:
        """Keeps a zip and unpacks it. Returns its sha256 (hex). Safe in several threads. Raises BadArchive, TooLarge."""
        sha = hashlib.sha256(body).hexdigest()
        folder, archive = self.code / sha, self.code / f"{sha}.zip"
        with self.hold(sha):
            if folder.is_dir() and archive.is_file():
                return sha
            token = f".new-{os.getpid()}-{uuid.uuid4().hex}"
            fresh, packed = self.code / token, self.code / f"{token}.zip"
            try:
                packed.write_bytes(body)
                unpack(packed, fresh)
                packed.replace(archive)
                self._move(fresh, folder)
            finally:
                packed.unlink(missing_ok=True)
                remove(fresh)
        return sha

    def stack(self, shas: Sequence[str]) -> str:
        """Makes one folder of the unpacked layers with these sha256 (hex), the last on top. Returns its name in `code`."""
        name = stack_name(shas)
        folder, fresh = self.code / name, self.code / f".new-{os.getpid()}-{uuid.uuid4().hex}"
        with self.hold(name):
            if not folder.is_dir():
                try:
                    merge([self.code / sha for sha in shas], fresh)
                    self._move(fresh, folder)
                finally:
                    remove(fresh)
        return name

    def _move(self, fresh: Path, folder: Path) -> None:
        with self._lock:
            if not folder.exists():  # else another thread was first with the same content
                mode = fresh.stat().st_mode
                fresh.chmod(0o700)  # some systems refuse to rename a folder one may not write to
                fresh.rename(folder)
                folder.chmod(mode)

    def code_zip(self, sha: str) -> Path | None:
        """The zip of this sha256 (hex), for `GET /_code/<sha>.zip`."""
        path = self.code / f"{sha}.zip"
        return path if len(sha) == 64 and sha.isalnum() and path.is_file() else None

    def used(self) -> set[str]:
        """Names in `code` that something needs. Who uses a deleted layer keeps it, as on AWS."""
        configurations = [each for record in self._records.values() for each in record.configurations()]
        layers = {sha_hex(version["Content"]) for version in self.layers.versions()}
        return layers | {sha_hex(each) for each in configurations} | {each["_opt"] for each in configurations if "_opt" in each}

    def sweep(self) -> None:
        """Removes code that no version uses any more, and what a killed process left half-made."""
        with self._sweeping:  # one at a time, or they would fall over each other's leavings
            with self._lock:
                doomed = [self._doom(path) for path in list(self.code.iterdir()) if self._unused(path.name)]
            for path in doomed:  # slow for large packages, so requests are not kept waiting
                if path.suffix == ".zip":
                    path.unlink(missing_ok=True)
                else:
                    remove(path)

    def _unused(self, name: str) -> bool:
        held = {sha for sha, count in self._held.items() if count > 0}
        if name.startswith((".new-", ".old-")):
            return not held  # else it may be in the making, or another sweep's
        return name.removesuffix(".zip") not in self.used() | held

    def _doom(self, path: Path) -> Path:
        """Moves code out of the way at once, so that it is either whole or not there."""
        return path.replace(self.code / f".old-{uuid.uuid4().hex}{path.suffix}")


def draw(alias: Document, lot: float) -> str:
    """The version an alias sends this request to; `lot` is a number from 0 to 1."""
    for version, weight in alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items():
        lot -= float(weight)
        if lot < 0:
            return str(version)
    return str(alias["FunctionVersion"])


def sha_hex(configuration: Document) -> str:
    """The hex sha256 of a configuration's code; AWS shows it in base64."""
    return base64.b64decode(configuration["CodeSha256"]).hex()


def new_revision() -> str:
    return str(uuid.uuid4())


def settle(record: Record) -> bool:
    """Ends every transition under way: Pending is Active, InProgress is Successful. Whether anything changed.

    The RevisionId changes once more, as AWS's does.
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
