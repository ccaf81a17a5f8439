"""The Lambda API behind a real server on a random port, with an engine and neighbours that implement our Protocols."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from msgspec import Struct, field

from lambent.local.control import Control, Request, S3Fault
from lambent.local.engine.invocation import Function, Invocation, Outcome, Provisioned
from lambent.local.store import Store

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
CODE = "def handler(event, context):\n    return event\n"


def zip_bytes(files: dict[str, str] | None = None) -> bytes:
    """A zip whose files are 0644."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in (files or {"handler.py": CODE}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            opened.writestr(info, text)
    return buffer.getvalue()


class Echo(Struct):
    """An Engine that answers what it is given. `outcomes` are used up first; an exception among them is raised."""

    calls: list[tuple[Function, Invocation]] = field(default_factory=list)
    outcomes: list[Outcome | Exception] = field(default_factory=list)
    retired: list[tuple[str, str | None]] = field(default_factory=list)
    provisions: dict[str, int] = field(default_factory=dict)
    gate: asyncio.Event | None = None

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        self.calls.append((function, invocation))
        if self.gate is not None:
            await self.gate.wait()
        if self.outcomes:
            outcome = self.outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        return Outcome(invocation.payload, "", f"START RequestId: {invocation.request_id}\n")

    async def retire(self, arn: str, version: str | None = None) -> None:
        self.retired.append((arn, version))

    def provision(self, function: Function, count: int) -> None:
        self.provisions[function.version] = count

    def provisioned(self, function: Function) -> Provisioned:
        return Provisioned(self.provisions.get(function.version, 0), "READY")

    async def stop(self) -> None: ...

    def describe(self) -> dict[str, object]:
        return {}


class Beside(Struct):
    """Neighbours of two roles and a bucket."""

    roles: dict[str, dict[str, Any]] = field(default_factory=lambda: {ROLE: TRUST})
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def role_trust(self, arn: str) -> dict[str, Any] | None:
        return self.roles.get(arn)

    def s3_object(self, region: str, bucket: str, key: str, version: str | None) -> bytes:
        if bucket not in {known for known, _ in self.objects}:
            raise S3Fault("NoSuchBucket", "The specified bucket does not exist")
        if (bucket, key) not in self.objects:
            raise S3Fault("NoSuchKey", "The specified key does not exist.")
        return self.objects[bucket, key]


class Api(Struct):
    """A running API: the client, and what it works on."""

    client: Any
    control: Control
    store: Store
    engine: Echo
    neighbours: Beside
    url: str
    loop: asyncio.AbstractEventLoop

    def create(self, name: str, **given: Any) -> dict[str, Any]:
        """CreateFunction and waits until it is active. Returns CreateFunction's answer."""
        base = {"Runtime": "python3.12", "Role": ROLE, "Handler": "handler.handler", "Code": {"ZipFile": zip_bytes()}}
        answer = self.client.create_function(**{"FunctionName": name, **base, **given})
        self.settled(name)
        return dict(answer)

    def settled(self, name: str) -> None:
        waiter = self.client.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        waiter = self.client.get_waiter("function_active_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})


def refusal(call: Any, **params: Any) -> dict[str, Any]:
    """The error answer of a call that must fail."""
    try:
        call(**params)
    except ClientError as refused:
        return dict(refused.response)
    raise AssertionError("the call was not refused")


def text(answer: dict[str, Any]) -> tuple[str, str]:
    """Code and message of a refusal."""
    return answer["Error"]["Code"], answer["Error"]["Message"]


def client(url: str, region: str = REGION, **config: Any) -> Any:
    options = {"retries": {"total_max_attempts": 1}, "parameter_validation": False, **config}
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**options),
    )


class _App:
    """ASGI in, Control's Request and Response out."""

    def __init__(self, control: Control) -> None:
        self.control = control

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        answer = await self.control(Request(scope["method"], path, query, headers, bytes(body), REGION, ACCOUNT))
        pairs = [(name.encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.body})


@contextmanager
def serving(state: Path, as_of: date) -> Iterator[Api]:
    """A running API over a state folder."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    store, engine, neighbours = Store(state), Echo(), Beside()
    control = Control(store, engine, neighbours, url, as_of)
    control.parts.linger_s = -60.0  # unused code goes at once here
    server = uvicorn.Server(uvicorn.Config(_App(control), log_level="warning", lifespan="off"))
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await server.serve([listener])
        await control.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield Api(client(url), control, store, engine, neighbours, url, loop)
    finally:
        server.should_exit = True
        thread.join(10)
        store.close()
        loop.close()


def body(answer: Any) -> Any:
    return json.loads(answer["Payload"].read())


def make_recorded(api: Api, name: str, **given: Any) -> dict[str, Any]:
    """What LocalStack's fixture `create_lambda_function` does and returns."""
    base = {"Timeout": 30, "Environment": {"Variables": {}}}
    return {"CreateEventSourceMappingResponse": None, "CreateFunctionResponse": api.create(name, **{**base, **given})}
