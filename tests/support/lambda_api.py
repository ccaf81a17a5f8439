"""The Lambda API behind a real server on a random port, with a fake engine and fake AWS services."""

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

from lambent.local.aws_services import AwsServices, S3Fault
from lambent.local.control.api import LambdaApi
from lambent.local.control.backend import Backend
from lambent.local.control.service_model import find_operation
from lambent.local.engine.invocation import Function, Invocation, Outcome, ProvisionedStatus, Throttled
from lambent.local.http import Request
from lambent.local.store import Store

ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda-role"
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
CODE = "def handler(event, context):\n    return event\n"


def zip_bytes(files: dict[str, str] | None = None) -> bytes:
    """Return a zip whose files have mode 0644."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, text in (files or {"handler.py": CODE}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            opened.writestr(info, text)
    return buffer.getvalue()


class EchoEngine(Struct):
    """An engine that answers with the payload. It first uses up `outcomes`, and raises an exception among them."""

    store: Store

    calls: list[tuple[Function, Invocation]] = field(default_factory=list)
    outcomes: list[Outcome | Exception] = field(default_factory=list)
    retired: list[tuple[str, str | None]] = field(default_factory=list)
    provisions: dict[str, int] = field(default_factory=dict)

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        if self.store.reserved(function.region, function.name) == 0:
            raise Throttled
        self.calls.append((function, invocation))
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

    def provisioned(self, function: Function) -> ProvisionedStatus:
        return ProvisionedStatus(self.provisions.get(function.version, 0), "READY")

    async def stop(self) -> None: ...

    def describe(self) -> dict[str, object]:
        return {}


class FakeAwsServices(AwsServices):
    """The roles and S3 objects that a test puts into it."""

    def __init__(self) -> None:
        self.roles: dict[str, dict[str, Any]] = {ROLE: TRUST}
        self.objects: dict[tuple[str, str], bytes] = {}

    def role_trust(self, arn: str) -> dict[str, Any] | None:
        return self.roles.get(arn)

    def s3_object(self, bucket: str, key: str, version: str | None) -> bytes:
        if bucket not in {name for name, _ in self.objects}:
            raise S3Fault("NoSuchBucket", "The specified bucket does not exist")
        if (bucket, key) not in self.objects:
            raise S3Fault("NoSuchKey", "The specified key does not exist.")
        return self.objects[bucket, key]


class Api(Struct):
    """A running API: a client, and what the API works on."""

    client: Any
    backend: Backend
    store: Store
    engine: EchoEngine
    aws_services: FakeAwsServices
    url: str
    loop: asyncio.AbstractEventLoop

    def create(self, name: str, **params: Any) -> dict[str, Any]:
        """Create a function and wait until it is active. Return CreateFunction's answer."""
        base = {"Runtime": "python3.12", "Role": ROLE, "Handler": "handler.handler", "Code": {"ZipFile": zip_bytes()}}
        answer = self.client.create_function(**{"FunctionName": name, **base, **params})
        self.wait_until_settled(name)
        return dict(answer)

    def wait_until_settled(self, name: str) -> None:
        waiter = self.client.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        waiter = self.client.get_waiter("function_active_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})


def refusal(call: Any, **params: Any) -> dict[str, Any]:
    """Return the error response of a call that must fail."""
    try:
        call(**params)
    except ClientError as error:
        return dict(error.response)
    raise AssertionError("the call was not refused")


def error(response: dict[str, Any]) -> tuple[str, str]:
    """Return the code and message of an error response."""
    return response["Error"]["Code"], response["Error"]["Message"]


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
    """An ASGI application that passes requests to the Lambda API."""

    def __init__(self, api: LambdaApi) -> None:
        self.api = api

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = tuple((name.decode(), value.decode()) for name, value in scope["headers"])
        request = Request(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, bytes(body))
        response = await self.api.answer(request, find_operation(request), REGION)
        pairs = [(name.encode(), value.encode()) for name, value in response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await send({"type": "http.response.body", "body": response.body})


@contextmanager
def serving(state: Path, as_of: date) -> Iterator[Api]:
    """A running API over a state folder."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    store, aws_services = Store(state), FakeAwsServices()
    engine = EchoEngine(store)
    api = LambdaApi(store, engine, aws_services, url, as_of)
    api.backend.linger_s = -60.0  # removes unused code at once
    server = uvicorn.Server(uvicorn.Config(_App(api), log_level="warning", lifespan="off"))
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await server.serve([listener])
        await api.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield Api(client(url), api.backend, store, engine, aws_services, url, loop)
    finally:
        server.should_exit = True
        thread.join(10)
        store.close()
        loop.close()


def body(answer: Any) -> Any:
    return json.loads(answer["Payload"].read())


def create_recorded(api: Api, name: str, **params: Any) -> dict[str, Any]:
    """Do and return the same as LocalStack's fixture `create_lambda_function`."""
    base = {"Timeout": 30, "Environment": {"Variables": {}}}
    return {"CreateEventSourceMappingResponse": None, "CreateFunctionResponse": api.create(name, **{**base, **params})}
