"""Every other AWS service: moto, in this process and on the same address.

moto takes more than a second to import, so that happens in a thread of its own while the service is already up; requests for it
wait. What `durable` says should outlive a restart is written to a journal and made again, with the same ids and dates, when the
service starts. moto's objects are touched only here and in `repeatable`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import secrets
import string
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lambent.local.control.interface import S3Fault
from lambent.local.daemon import ACCOUNT
from lambent.local.engine.invocation import Function, LogLine
from lambent.local.engine.log_sink import BatchingSink
from lambent.local.front.interface import Caller
from lambent.local.journal import Entry, Journal
from lambent.local.persistence import Call, Meaning, meaning, scope
from lambent.local.wsgi import Answer, Application, respond

log = logging.getLogger("lambent.neighbours")

DEFAULT_KEY = "lambent"
"""The access key, and its secret, that `lambent local env` prints: it may do everything, as moto lets any key."""

_EVENTS_KEPT = 20_000
"""Events kept of one log stream: moto keeps all, and a load test would fill the memory."""

_LETTERS = string.ascii_uppercase + string.digits


class Neighbours:
    """moto behind one door. `start` returns at once; whatever needs moto waits until it is there."""

    def __init__(self, state: Path) -> None:
        self._journal = Journal(state / "neighbours")
        self._changing = threading.Lock()
        self._there = threading.Event()
        self._failure: BaseException | None = None
        self._application: Application | None = None
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="moto")
        self._sink = BatchingSink(self._deliver)

    def start(self) -> None:
        threading.Thread(target=self._prepare, name="moto-import", daemon=True).start()
        self._sink.start()

    def close(self) -> None:
        self._sink.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    # what clients ask over HTTP

    async def answer(self, call: Call) -> Answer:
        """The answer of whichever service the request is for."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, call)

    def _answer(self, call: Call) -> Answer:
        self._await()
        if scope(call)[0] == "logs":
            self._sink.flush()
        meant = meaning(call)
        return self._perform(call) if meant is None else self._change(call, meant)

    def _perform(self, call: Call) -> Answer:
        assert self._application is not None
        try:
            return respond(self._application, call)
        except KeyError as error:  # moto has a table of regions for each service
            region = scope(call)[1]
            if error.args != (region,):
                raise
            told = json.dumps({"__type": "InvalidRegion", "message": f"there is no region {region}"})
            return Answer(400, (("content-type", "application/x-amz-json-1.1"),), told.encode())

    def _change(self, call: Call, meant: Meaning) -> Answer:
        """A request that should outlive a restart: done, then on the disk, then answered."""
        with self._changing:
            at, seed = time.time(), secrets.randbits(64)
            answer = self._again(at, seed, call)
            if answer.status < 300:
                effect = "add" if meant.effect != "add" and self._versioned(meant.subject) else meant.effect
                self._journal.append(Entry(at, seed, meant.subject, effect, call))
        return answer

    def _again(self, at: float, seed: int, call: Call) -> Answer:
        repeatable = importlib.import_module("lambent.local.deterministic_moto")
        with repeatable.repeating(seed, at):
            return self._perform(call)

    def _versioned(self, subject: str) -> bool:
        """Whether an S3 object's older versions must be kept."""
        kind, _, rest = subject.partition(":")
        if kind != "s3":
            return False
        bucket = self._backend("s3", "aws").buckets.get(rest.partition("/")[0])
        return bucket is not None and bucket.is_versioned

    # what the Lambda API asks (both may block; they are called in threads)

    def role_trust(self, arn: str) -> dict[str, Any] | None:
        """The trust policy of a role, or None when there is no such role."""
        self._await()
        roles = self._backend("iam", "aws").roles.values()
        role = next((role for role in roles if role.arn == arn), None)
        if role is None:
            return None
        trust = json.loads(role.assume_role_policy_document)
        return trust if isinstance(trust, dict) else {}

    def s3_object(self, region: str, bucket: str, key: str, version: str | None) -> bytes:
        """The bytes of an object. Raises S3Fault."""
        self._await()
        s3 = self._backend("s3", "aws")
        if bucket not in s3.buckets:
            raise S3Fault("NoSuchBucket", "The specified bucket does not exist")
        found = s3.get_object(bucket, key, version_id=version)
        if found is None:
            raise S3Fault("NoSuchKey", "The specified key does not exist.")
        return bytes(found.value)

    # what the front and the engine ask

    async def caller(self, access_key: str, session_token: str | None) -> Caller | None:
        """Whom an access key belongs to: `lambent`, or a user or role session made through IAM or STS."""
        if access_key == DEFAULT_KEY:
            arn = f"arn:aws:sts::{ACCOUNT}:user/moto"  # what STS GetCallerIdentity answers for it
            return Caller(access_key, DEFAULT_KEY, ACCOUNT, arn, "AKIAIOSFODNN7EXAMPLE", lambda action, resource: True)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._caller, access_key, session_token)

    def _caller(self, access_key: str, session_token: str | None) -> Caller | None:
        self._await()
        control = importlib.import_module("moto.iam.access_control")
        headers = {"X-Amz-Security-Token": session_token} if session_token else {}
        try:
            key = control.create_access_key(ACCOUNT, "aws", access_key, headers)
            policies = [control.IAMPolicy(policy) for policy in key.collect_policies()]
        except Exception:  # moto: CreateAccessKeyFailure, or the role of a session is gone
            return None
        user_id, arn, account = self._backend("sts", "aws").get_caller_identity(access_key, "us-east-1")

        def permits(action: str, resource: str) -> bool:
            verdicts = [policy.is_action_permitted(action, resource) for policy in policies]
            return control.PermissionResult.PERMITTED in verdicts and control.PermissionResult.DENIED not in verdicts

        return Caller(access_key, key.create_credentials().secret_key, account, arn, user_id, permits)

    def credentials(self, function: Function) -> Mapping[str, str]:
        """Credentials of the function's role, for its environment variables. Never blocks: moto learns of them when it can."""
        found = {
            "AWS_ACCESS_KEY_ID": "ASIA" + "".join(secrets.choice(_LETTERS) for _ in range(16)),
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_SESSION_TOKEN": secrets.token_urlsafe(96),
        }
        self._threads.submit(self._assume, function, found)
        return found

    def _assume(self, function: Function, made: Mapping[str, str]) -> None:
        self._await()
        sts, iam = self._backend("sts", "aws"), self._backend("iam", "aws")
        session = sts.assume_role(function.region, function.name, function.role, "", 12 * 3600, "")
        iam.access_keys.pop(session.access_key_id, None)
        session.access_key.access_key_id = session.access_key_id = made["AWS_ACCESS_KEY_ID"]
        session.access_key.secret_access_key = session.secret_access_key = made["AWS_SECRET_ACCESS_KEY"]
        session.session_token = made["AWS_SESSION_TOKEN"]
        iam.access_keys[session.access_key_id] = session.access_key

    def write(self, region: str, group: str, stream: str, lines: Any) -> None:
        """The engine's LogSink."""
        self._sink.write(region, group, stream, lines)

    def _deliver(self, region: str, group: str, stream: str, lines: list[LogLine]) -> None:
        try:
            self._await()
            logs = self._backend("logs", region)
            if group not in logs.groups:
                self._create_group(region, group)
            logs.ensure_log_stream(group, stream)
            ordered = sorted(lines, key=lambda line: line.timestamp_ms)
            logs.put_log_events(group, stream, [{"timestamp": line.timestamp_ms, "message": line.message} for line in ordered])
            del logs.groups[group].streams[stream].events[:-_EVENTS_KEPT]
        except Exception:
            log.exception("lines for the log group %s are lost", group)

    def _create_group(self, region: str, group: str) -> None:
        headers = (
            ("host", "127.0.0.1:80"),
            ("authorization", f"AWS4-HMAC-SHA256 Credential={DEFAULT_KEY}/20260101/{region}/logs/aws4_request"),
            ("x-amz-target", "Logs_20140328.CreateLogGroup"),
            ("content-type", "application/x-amz-json-1.1"),
        )
        call = Call("POST", "/", "", headers, json.dumps({"logGroupName": group}).encode())
        self._change(call, Meaning(f"logs:{region}/{group}", "add"))

    # getting moto up

    def _await(self) -> None:
        self._there.wait()
        if self._failure is not None:
            raise RuntimeError("moto could not be loaded; see the service's log") from self._failure

    def _prepare(self) -> None:
        try:
            self._load()
            for entry in self._journal.load():
                answer = self._again(entry.at, entry.seed, entry.call)
                if answer.status >= 300:
                    log.debug("replaying %s answered %s", entry.subject, answer.status)
        except BaseException as failure:
            log.exception("moto could not be loaded")
            self._failure = failure
        finally:
            self._there.set()

    def _load(self) -> None:
        server = importlib.import_module("moto.server")
        for service in ("iam", "sts", "logs", "s3"):
            importlib.import_module(f"moto.{service}.models")
        importlib.import_module("lambent.local.deterministic_moto").install()
        # AWSLambdaBasicExecutionRole and its like. moto makes an IAM for each of AWS's partitions (China, GovCloud ...) at the
        # first request, and 1,500 policies for each of them cost seconds: only the ordinary partition gets them.
        iam = importlib.import_module("moto.core.config").default_user_config["iam"]
        iam["load_aws_managed_policies"] = True
        self._backend("iam", "aws")
        iam["load_aws_managed_policies"] = False
        self._application = server.DomainDispatcherApplication(server.create_backend_app)

    def _backend(self, service: str, region: str) -> Any:
        module = importlib.import_module(f"moto.{service}.models")
        return getattr(module, f"{service}_backends")[ACCOUNT][region]
