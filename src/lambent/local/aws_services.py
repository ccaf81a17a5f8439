"""All other AWS services: moto, in this process and on the same address.

moto takes more than a second to import, so a thread does that while the service is already running; requests for moto wait.
Changes that should survive a restart (see `persistence`) are written to a journal. When the service starts, it replays them
with the same ids and dates. Only this module, `log_delivery`, `moto_storage`, `moto_authorization` and `deterministic_moto`
use moto's objects.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import secrets
import sqlite3
import string
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lambent.lazy import LazyModule
from lambent.local.daemon import ACCOUNT, CREDENTIALS
from lambent.local.database import REFUSED_BY_DISK, refused_by_disk
from lambent.local.engine.invocation import Function
from lambent.local.engine.log_sink import LogLine, LogSink
from lambent.local.front.authorization import Caller
from lambent.local.http import Request, Response, access_key, credential_scope
from lambent.local.identity_policies import allows
from lambent.local.journal import Entry, Journal
from lambent.local.log_delivery import LogDelivery
from lambent.local.log_store import LogEvent, LogStore, StreamKey
from lambent.local.moto_refusals import refuse_for, refuse_in_form
from lambent.local.persistence import Change, persistent_change
from lambent.local.reserve import Reserve
from lambent.local.wsgi import Application, respond

deterministic_moto = LazyModule("lambent.local.deterministic_moto")
moto_authorization = LazyModule("lambent.local.moto_authorization")
moto_storage = LazyModule("lambent.local.moto_storage")
access_control = LazyModule("moto.iam.access_control")
moto_config = LazyModule("moto.core.config")
moto_server = LazyModule("moto.server")

log = logging.getLogger("lambent.aws_services")

_SESSIONS_MAX = 5000
"""Sessions of functions' roles: each execution environment has its own, and there are 1,000 of them at most."""


_KEY_LETTERS = string.ascii_uppercase + string.digits


class S3Fault(Exception):
    """S3 refused. `code` and `message` are S3's own, such as NoSuchKey."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class AwsServices:
    """All services of moto. `start` returns at once; calls that need moto wait until it is loaded."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "neighbours"  # existing state folders have this name
        self._journal = Journal(self._folder)
        self._reserve = Reserve(self._folder)
        self._logs = LogStore(state)
        self._delivery = LogDelivery(self._logs, lambda region: self._backend("logs", region), self._create_group)
        self._sessions: deque[Any] = deque()
        self._change_lock = threading.Lock()
        self._loaded = threading.Event()
        self._failure: BaseException | None = None
        self._application: Application | None = None
        self._loader = threading.Thread(target=self._load_and_replay, name="moto-import", daemon=True)
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="moto")
        self.log_sink = LogSink(self._deliver)

    def start(self) -> None:
        self._loader.start()
        self.log_sink.start()

    def close(self) -> None:
        self.log_sink.close()
        if self._loader.is_alive():
            self._loader.join()  # an import that goes on while Python shuts down may crash
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._logs.close()

    # requests of clients

    async def answer(self, request: Request, caller: Caller | None = None) -> Response:
        """Return the response of the service that the request is for.

        The policies of `caller` decide whether it may, where moto asks for that. None: it may do everything.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer_as, request, caller)

    def _answer_as(self, request: Request, caller: Caller | None) -> Response:
        try:
            self._wait_until_loaded()
            with moto_authorization.acting_as(caller, credential_scope(request)[0]):
                return self._answer(request)
        except (OSError, sqlite3.Error) as error:
            if not refused_by_disk(error):
                raise
            log.error("%s %s failed: %s", request.method, request.path, error)
            return refuse_in_form(request, 507, "InsufficientStorageException", REFUSED_BY_DISK)

    def _answer(self, request: Request) -> Response:
        if credential_scope(request)[0] == "logs":
            self.log_sink.flush()
        change = persistent_change(request)
        return self._perform(request) if change is None else self._perform_and_record(request, change)

    def _perform(self, request: Request) -> Response:
        assert self._application is not None
        try:
            return respond(self._application, request)
        except (OSError, sqlite3.Error):
            raise  # the disk's
        except Exception as error:
            return refuse_for(request, error)

    def _perform_and_record(self, request: Request, change: Change) -> Response:
        """Perform a request that should survive a restart, and write it to disk before it is answered."""
        with self._change_lock:
            self._recover()
            now, seed = time.time(), secrets.randbits(64)
            effect = "add" if change.effect != "add" and self._is_versioned(change.subject) else change.effect
            entry = Entry(now, seed, change.subject, effect, request)
            if effect == "end":
                self._reserve.spend(lambda: self._journal.prepare(entry))
            else:
                self._journal.prepare(entry)
            perform = self._delete_logs if change.deletes_logs else self._perform_prepared
            return perform(request, now, seed)

    def _delete_logs(self, request: Request, now: float, seed: int) -> Response:
        """Perform the prepared deletion of a log group or stream. Its events disappear once that counts."""
        response = None
        try:
            with self._logs.transaction():
                response = self._perform_prepared(request, now, seed)
        except sqlite3.Error as error:
            if response is None:
                raise
            self._failure = error  # the events are still there, which brings back a stream, but not a group: see `restore`
            if (request.header("x-amz-target") or "").endswith("LogStream"):
                raise
        return response

    def _perform_prepared(self, request: Request, now: float, seed: int) -> Response:
        """Perform the request that the journal is prepared for. It counts if it succeeds."""
        succeeded = False
        try:
            response = self._perform_deterministically(request, now, seed)
            succeeded = response.status < 300
        finally:
            self._confirm() if succeeded else self._journal.withdraw()
        return response

    def _confirm(self) -> None:
        try:
            self._journal.confirm()
        except OSError as error:  # moto has performed what isn't on the disk, so no one may see it: see `_recover`
            self._failure = error
            self._journal.withdraw()
            raise

    def _perform_deterministically(self, request: Request, time: float, seed: int) -> Response:
        with deterministic_moto.deterministic(seed, time):
            return self._perform(request)

    def _is_versioned(self, subject: str) -> bool:
        """Whether an S3 object's older versions must remain available."""
        kind, _, rest = subject.partition(":")
        if kind != "s3":
            return False
        bucket = self._backend("s3", "aws").buckets.get(rest.partition("/")[0])
        return bucket is not None and bucket.is_versioned

    # for the Lambda API, which calls these in threads because they may block

    def role_trust(self, arn: str) -> dict[str, Any] | None:
        """Return the trust policy of a role, or None if the role doesn't exist."""
        self._wait_until_loaded()
        roles = self._backend("iam", "aws").roles.values()
        role = next((role for role in roles if role.arn == arn), None)
        if role is None:
            return None
        trust = json.loads(role.assume_role_policy_document)
        return trust if isinstance(trust, dict) else {}

    def s3_object(self, bucket: str, key: str, version: str | None) -> bytes:
        """Return the bytes of an object. Raises S3Fault."""
        self._wait_until_loaded()
        s3 = self._backend("s3", "aws")
        if bucket not in s3.buckets:
            raise S3Fault("NoSuchBucket", "The specified bucket does not exist")
        s3_object = s3.get_object(bucket, key, version_id=version)
        if s3_object is None:
            raise S3Fault("NoSuchKey", "The specified key does not exist.")
        return bytes(s3_object.value)

    # for Function URLs and the engine

    async def identify(self, request: Request, *, from_function: bool) -> Caller | Response | None:
        """Return who sent a request to AWS's APIs, or a refusal. None: an administrator, which no function can be.

        Session tokens are checked, signatures aren't. Unsigned requests of this machine's users are an administrator's.
        """
        key, token = access_key(request)
        if not from_function and key in ("", CREDENTIALS[0]):
            return None
        if not key:
            return refuse_in_form(request, 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        caller = None if key == CREDENTIALS[0] else await self.caller(key, token)
        if caller is not None:
            return caller
        message = "The security token included in the request is invalid."
        return refuse_in_form(request, 403, "UnrecognizedClientException", message)

    async def caller(self, access_key: str, session_token: str | None) -> Caller | None:
        """Return the owner of an access key: the default one, or a user or role session created through IAM or STS."""
        if access_key == CREDENTIALS[0]:  # what `lambent local env` prints; it may do everything, as moto allows any key
            arn = f"arn:aws:sts::{ACCOUNT}:user/moto"  # what STS GetCallerIdentity answers for it
            return Caller(*CREDENTIALS, ACCOUNT, arn, "AKIAIOSFODNN7EXAMPLE", lambda action, resource: True)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._caller, access_key, session_token)

    def _caller(self, access_key: str, session_token: str | None) -> Caller | None:
        self._wait_until_loaded()
        headers = {"X-Amz-Security-Token": session_token} if session_token else {}
        try:
            key = access_control.create_access_key(ACCOUNT, "aws", access_key, headers)
            documents = [access_control.IAMPolicy(policy)._policy_json for policy in key.collect_policies()]
        except Exception:  # moto: CreateAccessKeyFailure, or a session's role was deleted
            return None
        user_id, arn, account = self._backend("sts", "aws").get_caller_identity(access_key, "us-east-1")

        def permits(action: str, resource: str) -> bool:
            return allows(documents, action, None if resource == "*" else resource)

        return Caller(access_key, key.create_credentials().secret_key, account, arn, user_id, permits)

    def credentials(self, function: Function) -> Mapping[str, str]:
        """Return credentials of the function's role for its environment variables. Never blocks; moto gets them once loaded."""
        credentials = {
            "AWS_ACCESS_KEY_ID": "ASIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16)),
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_SESSION_TOKEN": secrets.token_urlsafe(96),
        }
        self._threads.submit(self._assume_role, function, credentials)
        return credentials

    def _assume_role(self, function: Function, credentials: Mapping[str, str]) -> None:
        self._wait_until_loaded()
        sts, iam = self._backend("sts", "aws"), self._backend("iam", "aws")
        session = sts.assume_role(function.region, function.name, function.role, "", 12 * 3600, "")
        iam.access_keys.pop(session.access_key_id, None)
        session.access_key.access_key_id = session.access_key_id = credentials["AWS_ACCESS_KEY_ID"]
        session.access_key.secret_access_key = session.secret_access_key = credentials["AWS_SECRET_ACCESS_KEY"]
        session.session_token = credentials["AWS_SESSION_TOKEN"]
        iam.access_keys[session.access_key_id] = session.access_key
        self._sessions.append(session)
        if len(self._sessions) > _SESSIONS_MAX:
            oldest = self._sessions.popleft()
            iam.access_keys.pop(oldest.access_key_id, None)
            sts.assumed_roles.remove(oldest)

    def log_events(self, key: StreamKey, start_ms: int, end_ms: int) -> list[LogEvent]:
        """Return the events of a log stream in a time, also those that were logged just now. Blocks; raises sqlite3.Error."""
        self.log_sink.flush()
        with self._logs.window(start_ms, end_ms):
            return [event for event in self._logs.read(key) if start_ms <= event.timestamp <= end_ms]

    def _deliver(self, region: str, group: str, stream: str, lines: list[LogLine]) -> None:
        self._wait_until_loaded()
        self._delivery.deliver(region, group, stream, lines)

    def _create_group(self, region: str, group: str) -> None:
        headers = (
            ("host", "127.0.0.1:80"),
            ("authorization", f"AWS4-HMAC-SHA256 Credential={CREDENTIALS[0]}/20260101/{region}/logs/aws4_request"),
            ("x-amz-target", "Logs_20140328.CreateLogGroup"),
            ("content-type", "application/x-amz-json-1.1"),
        )
        request = Request("POST", "/", "", headers, json.dumps({"logGroupName": group}).encode())
        self._perform_and_record(request, Change(f"logs:{region}/{group}", "add"))

    # loading moto

    def _wait_until_loaded(self) -> None:
        """Raises OSError or sqlite3.Error while the disk refuses what moto's state needs."""
        self._loaded.wait()
        if self._failure is not None:
            with self._change_lock:
                self._recover()

    def _recover(self) -> None:
        """Restore moto's state from the disk if the disk has failed. Raises what `_wait_until_loaded` does."""
        if self._failure is None:
            return
        if self._application is None:
            raise RuntimeError("moto can't be used until a restart; see the service's log") from self._failure
        sessions = self._backend("sts", "aws").assumed_roles
        self._backends("s3").reset()  # deletes the bodies of its objects
        for service in ("iam", "logs", "s3"):
            self._backends(service).clear()
        self._create_iam().access_keys.update({session.access_key_id: session.access_key for session in sessions})
        self._replay_all()
        self._failure = None

    def _load_and_replay(self) -> None:
        try:
            self._load()
            self._replay_all()
        except BaseException as failure:
            log.exception("moto can't be loaded")
            self._failure = failure
        finally:
            self._loaded.set()

    def _replay_all(self) -> None:
        for entry in self._journal.load():
            self._replay(entry)
        self._delivery.restore()

    def _replay(self, entry: Entry) -> None:
        try:
            response = self._perform_deterministically(entry.request, entry.time, entry.seed)
        except Exception as error:  # moto may fail in any way. The entry stays in the journal.
            if refused_by_disk(error):
                raise
            log.exception("replaying a request for %s failed", entry.subject)
        else:
            if response.status >= 300:
                log.debug("replaying a request for %s returned %s", entry.subject, response.status)

    def _load(self) -> None:
        for service in ("iam", "sts", "logs", "s3"):
            importlib.import_module(f"moto.{service}.models")
        deterministic_moto.install()
        moto_authorization.install()
        moto_storage.install(self._logs, self._folder / "objects", self._folder / "bodies")
        self._create_iam()
        self._application = moto_server.DomainDispatcherApplication(_create_backend_app)

    def _create_iam(self) -> Any:
        # AWSLambdaBasicExecutionRole and others. moto creates an IAM for each of AWS's partitions (China, GovCloud ...) at the
        # first request. 1,500 policies for each would cost seconds, so only the standard partition gets them.
        settings = moto_config.default_user_config["iam"]
        settings["load_aws_managed_policies"] = True
        iam = self._backend("iam", "aws")
        settings["load_aws_managed_policies"] = False
        return iam

    def _backend(self, service: str, region: str) -> Any:
        return self._backends(service)[region]

    def _backends(self, service: str) -> Any:
        """Return moto's backends of a service, by region or partition."""
        return getattr(importlib.import_module(f"moto.{service}.models"), f"{service}_backends")[ACCOUNT]


def _create_backend_app(service: str) -> Any:
    """Without Flask's debug mode, which creates a class for each request that holds its body until the garbage collection."""
    application = moto_server.create_backend_app(service)
    application.debug = False
    application.config["PROPAGATE_EXCEPTIONS"] = True
    return application
