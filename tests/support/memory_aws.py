"""A second implementation of `lambent.aws.interface.Aws`, in memory: what a hosting service must do, and no more.

It keeps the promises that a deploy leans on (conditions on revisions, versions that never change, two permissions for a public
URL, shares of traffic), runs the functions it is given, and answers for its URLs in
`fetch`. Not in it: time-outs, memory, VPCs, streaming, and Python versions other than this one.
"""

from __future__ import annotations

import json
import time
import traceback
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.aws.error_codes import CONFLICT, INVALID, PRECONDITION, ROLE_EXISTS
from lambent.aws.values import (
    Alias,
    Code,
    Cors,
    Function,
    Invoked,
    LogEvent,
    LogGroup,
    LogSpan,
    Pairs,
    Provisioned,
    Role,
    Settings,
    Statement,
    Url,
    canonical,
)
from lambent.deployment.fetch import Response
from lambent.errors import AwsError

ACCOUNT = "123456789012"
FORBIDDEN = b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see the documentation."}'
LATEST = "$LATEST"
_MISSING = "ResourceNotFoundException"


class App(Struct):
    """One function with its versions, aliases and URLs. `code` is the source of main.py of each version."""

    versions: dict[str, Function]
    code: dict[str, str]
    published: int = 0
    aliases: dict[str, Alias] = field(default_factory=dict)
    statements: dict[str, list[Statement]] = field(default_factory=dict)
    urls: dict[str, Url] = field(default_factory=dict)
    warm: dict[str, Provisioned] = field(default_factory=dict)


class MemoryAws:
    """`polls` is how often a change is reported in progress before it is done. `reason` makes the next version fail with it."""

    region = "eu-west-1"

    def __init__(self, polls: int = 0, reason: str = "") -> None:
        self.polls, self.reason = polls, reason
        self._fresh = count(1)
        self._apps: dict[str, App] = {}
        self._roles: dict[str, Role] = {}
        self._attached: dict[str, list[str]] = {}
        self._inline: dict[str, dict[str, str]] = {}
        self._groups: dict[str, LogGroup] = {}
        self._lines: list[tuple[str, LogEvent]] = []
        self._objects: dict[str, set[str]] = {}
        self._pending: dict[tuple[str, str], int] = {}
        self._due: dict[tuple[str, str], float] = {}

    def account(self) -> str:
        return ACCOUNT

    def caller(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:user/memory"

    def signed(self, url: str, method: str = "GET", body: bytes = b"") -> Pairs:
        return (("Authorization", "memory"),)

    # Roles

    def role(self, name: str) -> Role | None:
        return self._roles.get(name)

    def create_role(self, name: str, tags: Pairs) -> None:
        if name in self._roles:
            raise AwsError(f"Role with name {name} already exists.", code=ROLE_EXISTS)
        self._roles[name] = Role(name, f"arn:aws:iam::{ACCOUNT}:role/{name}", True, tags)

    def tag_role(self, name: str, tags: Pairs) -> None:
        role = self._roles[name]
        self._roles[name] = replace(role, tags=tuple(sorted({**dict(role.tags), **dict(tags)}.items())))

    def trust_lambda(self, role: str) -> None:
        self._roles[role] = replace(self._roles[role], trusts_lambda=True)

    def delete_role(self, role: str) -> None:
        if self._attached.get(role) or self._inline.get(role):
            raise AwsError("Cannot delete entity, must remove policies first.", code="DeleteConflict")
        self._roles.pop(role, None)

    def attached_policies(self, role: str) -> tuple[str, ...]:
        return tuple(self._attached.get(role, ()))

    def attach_policy(self, role: str, arn: str) -> None:
        if arn not in self._attached.setdefault(role, []):
            self._attached[role].append(arn)

    def detach_policy(self, role: str, arn: str) -> None:
        self._attached[role] = [each for each in self._attached.get(role, ()) if each != arn]

    def inline_policies(self, role: str) -> tuple[str, ...]:
        return tuple(self._inline.get(role, ()))

    def inline_policy(self, role: str, name: str) -> str:
        return self._inline.get(role, {}).get(name, "")

    def put_inline_policy(self, role: str, name: str, document: str) -> None:
        self._inline.setdefault(role, {})[name] = canonical(document)

    def delete_inline_policy(self, role: str, name: str) -> None:
        self._inline.get(role, {}).pop(name, None)

    # Functions

    def function(self, name: str, qualifier: str = "") -> Function | None:
        app = self._apps.get(name)
        if app is None:
            return None
        version = app.aliases[qualifier].version if qualifier in app.aliases else qualifier or LATEST
        match = app.versions.get(version)
        if match is None:
            return None
        pending = self._pending.get((name, version), 0)
        self._pending[name, version] = pending - 1
        return replace(match, state="Pending") if pending > 0 else match

    def code_url(self, name: str, qualifier: str) -> str:
        return ""

    def functions(self) -> tuple[Function, ...]:
        return tuple(app.versions[LATEST] for app in self._apps.values())

    def create_function(self, name: str, settings: Settings, code: Code, tags: Pairs) -> Function:
        if name in self._apps:
            raise AwsError(f"Function already exist: {name}", code=CONFLICT)
        created = Function(name, LATEST, settings, code.sha256, code.architecture, tags=tags, revision=self._revision())
        self._apps[name] = App({LATEST: created}, {LATEST: self._source(code)})
        self._pending[name, LATEST] = self.polls
        return created

    def update_code(self, name: str, code: Code, revision: str = "") -> Function:
        self._app(name).code[LATEST] = self._source(code)
        return self._changed(name, revision, sha256=code.sha256, architecture=code.architecture)

    def update_settings(self, name: str, settings: Settings, revision: str = "") -> Function:
        return self._changed(name, revision, settings=settings)

    def _changed(self, name: str, revision: str, **changes: Any) -> Function:
        app = self._app(name)
        current = app.versions[LATEST]
        if revision not in ("", current.revision):
            raise AwsError("The Revision Id provided does not match the latest Revision Id.", code=PRECONDITION)
        app.versions[LATEST] = replace(current, revision=self._revision(), **changes)
        self._pending[name, LATEST] = self.polls
        return app.versions[LATEST]

    def delete_function(self, name: str, version: str = "") -> None:
        if not version:
            self._apps.pop(name, None)
        elif app := self._apps.get(name):
            if any(version in (alias.version, *dict(alias.weights)) for alias in app.aliases.values()):
                raise AwsError(f"Version {version} is pointed to by an alias.", code=CONFLICT)
            app.versions.pop(version, None)

    def publish(self, name: str, sha256: str, description: str = "") -> Function:
        app = self._app(name)
        latest = app.versions[LATEST]
        if latest.sha256 != sha256:
            raise AwsError(f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST.", code=INVALID)
        last = next(reversed(self.versions(name)), None)
        if last and last.revision == latest.revision:  # nothing was written in between, not even what it was
            return last
        app.published += 1
        number = str(app.published)
        state = "Failed" if self.reason else "Active"
        app.versions[number] = replace(
            latest, version=number, tags=(), state=state, reason=self.reason, description=description
        )
        app.code[number] = app.code[LATEST]
        self._pending[name, number] = self.polls
        return app.versions[number]

    def versions(self, name: str) -> tuple[Function, ...]:
        app = self._apps.get(name)
        return tuple(each for version, each in app.versions.items() if version != LATEST) if app else ()

    def tag(self, arn: str, tags: Pairs) -> None:
        self._tagged(arn, lambda current: {**current, **dict(tags)})

    def untag(self, arn: str, keys: tuple[str, ...]) -> None:
        self._tagged(arn, lambda current: {key: value for key, value in current.items() if key not in keys})

    def _tagged(self, arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        app = self._app(arn.rpartition(":")[2])
        latest = app.versions[LATEST]
        app.versions[LATEST] = replace(latest, tags=tuple(sorted(change(dict(latest.tags)).items())))

    def reserve(self, name: str, executions: int | None) -> None:
        app = self._app(name)
        app.versions[LATEST] = replace(app.versions[LATEST], reserved=executions)

    def invoke(self, function: str, qualifier: str, payload: bytes) -> Invoked:
        app = self._app(function)
        version = self._route(app, qualifier) if qualifier in app.aliases else qualifier
        stream, log, request_id = f"{datetime.now(UTC):%Y/%m/%d}/[{version}]1", "", f"request-{next(self._fresh):06}"
        try:
            answer, error = self._answer(app.code[version], payload), ""
        except Exception as raised:
            error, log = "Unhandled", traceback.format_exc()
            trace = traceback.format_tb(raised.__traceback__)
            answer = {"errorType": type(raised).__name__, "errorMessage": str(raised), "stackTrace": trace}
            self._log(function, stream, log)
        self._log(function, stream, f"REPORT RequestId: {request_id}\tDuration: 1.00 ms\t")
        return Invoked(json.dumps(answer).encode(), error, log, request_id)

    def invoke_async(self, function: str, qualifier: str, payload: bytes) -> str:
        return self.invoke(function, qualifier, payload).request_id

    def invoke_streamed(self, function: str, qualifier: str, payload: bytes, enough: Callable[[bytes], bool]) -> Invoked:
        return replace(self.invoke(function, qualifier, payload), log="")

    def run_command(self, function: str, version: str, payload: bytes, receive: Callable[[bytes], bool]) -> Invoked:
        raise NotImplementedError("functions in memory have no runtime")

    def _answer(self, source: str, payload: bytes) -> Any:
        module: dict[str, Any] = {}
        exec(compile(source, "/var/task/main.py", "exec"), module)
        return module["lambda_handler"](json.loads(payload), None)

    # Traffic

    def alias(self, function: str, name: str) -> Alias | None:
        app = self._apps.get(function)
        return app.aliases.get(name) if app else None

    def aliases(self, function: str) -> tuple[Alias, ...]:
        app = self._apps.get(function)
        return tuple(app.aliases.values()) if app else ()

    def create_alias(self, function: str, name: str, version: str, description: str = "") -> Alias:
        app = self._app(function)
        if name in app.aliases:
            raise AwsError(f"Alias already exists: {name}", code=CONFLICT)
        app.aliases[name] = Alias(name, version, self._revision(), description=description)
        return app.aliases[name]

    def move_alias(
        self,
        function: str,
        name: str,
        version: str,
        revision: str = "",
        weights: tuple[tuple[str, float], ...] = (),
        description: str = "",
    ) -> Alias:
        app = self._app(function)
        if revision not in ("", app.aliases[name].revision):
            raise AwsError("The Revision Id provided does not match the latest Revision Id.", code=PRECONDITION)
        new_description = description or app.aliases[name].description
        app.aliases[name] = Alias(name, version, self._revision(), weights, new_description)
        if name in app.warm:
            self._pending[function, name] = self.polls
        return app.aliases[name]

    def delete_alias(self, function: str, name: str) -> None:
        self._app(function).aliases.pop(name, None)

    def provisioned(self, function: str, alias: str) -> Provisioned | None:
        app = self._apps.get(function)
        match = app.warm.get(alias) if app else None
        pending = self._pending.get((function, alias), 0)
        self._pending[function, alias] = pending - 1
        return replace(match, status="IN_PROGRESS") if match and pending > 0 else match

    def provision(self, function: str, alias: str, executions: int | None) -> None:
        app = self._app(function)
        app.warm.pop(alias, None)
        if executions is not None:
            app.warm[alias] = Provisioned(executions, "FAILED" if self.reason else "READY", self.reason)
            self._pending[function, alias] = self.polls

    def statements(self, function: str, qualifier: str) -> tuple[Statement, ...]:
        app = self._apps.get(function)
        return tuple(app.statements.get(qualifier, ())) if app else ()

    def add_statement(self, function: str, qualifier: str, statement: Statement) -> None:
        existing = self._app(function).statements.setdefault(qualifier, [])
        if any(each.sid == statement.sid for each in existing):
            raise AwsError(f"The statement id ({statement.sid}) provided already exists.", code=CONFLICT)
        existing.append(statement)

    def remove_statement(self, function: str, qualifier: str, sid: str) -> None:
        statements = self._app(function).statements
        statements[qualifier] = [each for each in statements.get(qualifier, ()) if each.sid != sid]

    def url(self, function: str, qualifier: str) -> Url | None:
        app = self._apps.get(function)
        return app.urls.get(qualifier) if app else None

    def create_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        app = self._app(function)
        if qualifier in app.urls:
            raise AwsError("FunctionUrlConfig exists for this Lambda function", code=CONFLICT)
        app.urls[qualifier] = Url(f"https://u{next(self._fresh)}.memory.invalid/", auth, mode, cors)
        return app.urls[qualifier]

    def update_url(self, function: str, qualifier: str, auth: str, mode: str, cors: Cors | None = None) -> Url:
        urls = self._app(function).urls
        current = urls[qualifier]
        new_cors = current.cors if cors is None else cors if cors != Cors() else None
        urls[qualifier] = replace(current, auth=auth or current.auth, mode=mode or current.mode, cors=new_cors)
        return urls[qualifier]

    def delete_url(self, function: str, qualifier: str) -> None:
        if app := self._apps.get(function):
            app.urls.pop(qualifier, None)

    def fetch(self, url: str, within_s: float, headers: Pairs = ()) -> Response:
        """Return the response that a client gets from one of the URLs."""
        for name, app in self._apps.items():
            for alias, config in app.urls.items():
                if url.startswith(config.address):
                    return self._asked(name, alias, config, url, dict(headers))
        return Response(403, b'{"Message":null}', "AccessDeniedException")

    def _asked(self, name: str, alias: str, url: Url, address: str, headers: dict[str, str]) -> Response:
        allowed = {
            each.action for each in self._app(name).statements.get(alias, ()) if each.via_url or each.url_auth == url.auth
        }
        if not ("Authorization" in headers if url.auth == "AWS_IAM" else len(allowed) == 2):
            return Response(403, FORBIDDEN, "AccessDeniedException")
        invoked = self.invoke(name, alias, json.dumps({"rawPath": urlsplit(address).path}).encode())
        if invoked.error:
            return Response(502, b"Internal Server Error")
        response = json.loads(invoked.payload)
        return (
            Response(response["statusCode"], response["body"].encode())
            if "statusCode" in response
            else Response(200, invoked.payload)
        )

    def _route(self, app: App, alias: str) -> str:
        """Return the version whose turn it is. Shares are exact, not random."""
        current = app.aliases[alias]
        for version, share in current.weights:
            due = self._due.get((alias, version), 0.0) + share
            self._due[alias, version] = due - (due >= 1)
            if due >= 1:
                return version
        return current.version

    # Logs and storage

    def log_group(self, name: str) -> LogGroup | None:
        return self._groups.get(name)

    def create_log_group(self, name: str, tags: Pairs) -> None:
        if name in self._groups:
            raise AwsError("The specified log group already exists", code="ResourceAlreadyExistsException")
        self._groups[name] = LogGroup(name)

    def set_retention(self, name: str, days: int | None) -> None:
        self._groups[name] = LogGroup(name, days)

    def delete_log_group(self, name: str) -> None:
        self._groups.pop(name, None)

    def log_events(self, group: str, stream_prefix: str, since_ms: int, pattern: str = "") -> tuple[LogEvent, ...]:
        match = (event for where, event in self._lines if where == group and event.stream.startswith(stream_prefix))
        return tuple(event for event in match if event.at_ms >= since_ms)

    def log_pages(self, group: str, span: LogSpan, pattern: str = "", stream: str = "") -> Iterator[tuple[LogEvent, ...]]:
        logged = self.log_events(group, stream, span.since_ms)
        yield tuple(event for event in logged if span.until_ms is None or event.at_ms <= span.until_ms)

    def live_tail(self, group_arn: str) -> Iterator[tuple[LogEvent, ...]]:
        raise AwsError("there is no live log", code="UnknownOperationException")

    def _log(self, function: str, stream: str, text: str) -> None:
        event = LogEvent(str(next(self._fresh)), stream, int(time.time() * 1000), text)
        self._lines.append((f"/aws/lambda/{function}", event))

    def bucket(self, name: str) -> bool:
        return name in self._objects

    def create_bucket(self, name: str, tags: Pairs) -> None:
        self._objects.setdefault(name, set())

    def upload(self, bucket: str, key: str, path: Any) -> None:
        self._objects[bucket].add(key)

    def uploaded(self, bucket: str, key: str) -> bool:
        return key in self._objects.get(bucket, ())

    def delete_object(self, bucket: str, key: str) -> None:
        self._objects.get(bucket, set()).discard(key)

    def empty_bucket(self, bucket: str, prefix: str) -> None:
        self._objects[bucket] = {key for key in self._objects.get(bucket, ()) if not key.startswith(prefix)}

    def _app(self, name: str) -> App:
        if name not in self._apps:
            raise AwsError(f"Function not found: {name}", code=_MISSING)
        return self._apps[name]

    def _revision(self) -> str:
        return f"r{next(self._fresh)}"

    @staticmethod
    def _source(code: Code) -> str:
        with zipfile.ZipFile(code.path) as archive:
            return archive.read("main.py").decode()
