"""A real local Lambda on a random port, and the calls that many tests make."""

from __future__ import annotations

import functools
import http.client
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from msgspec import Struct

from lambent.local import daemon
from support.paths import CACHE

RUNTIME = f"python3.{sys.version_info.minor}"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ECHO = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
URL_PERMISSION = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
INVOKE_PERMISSION = {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True}


class FetchedResponse(Struct, frozen=True):
    """An HTTP response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Service(Struct, frozen=True):
    state: Path
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        return {**os.environ, **daemon.client_environment(self.url), "AWS_PAGER": ""}

    def client(self, name: str, **keys: str) -> Any:
        options = {"aws_access_key_id": "lambent", "aws_secret_access_key": "lambent", "region_name": "us-east-1", **keys}
        return _client(name, self.url, **options)

    def log(self) -> str:
        return daemon.log_file(self.state).read_text()

    def role(self, name: str = "r") -> str:
        """Create a role if necessary, and return its ARN."""
        iam = self.client("iam")
        try:
            return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"])
        except iam.exceptions.EntityAlreadyExistsException:
            return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    def function(self, name: str, code: str = ECHO) -> None:
        client = self.client("lambda")
        client.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=self.role(),
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": code})},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})

    def public_url(self, name: str, code: str = ECHO, **url: Any) -> str:
        """Create a function with a public URL, and return the URL."""
        self.function(name, code)
        client = self.client("lambda")
        client.add_permission(FunctionName=name, StatementId="url", **URL_PERMISSION)
        client.add_permission(FunctionName=name, StatementId="invoke", **INVOKE_PERMISSION)
        return str(client.create_function_url_config(FunctionName=name, AuthType="NONE", **url)["FunctionUrl"])

    def fetch(self, url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> FetchedResponse:
        """Request a Function URL like a client that can't resolve its name: from 127.0.0.1, with its Host header."""
        parts = urlsplit(url)
        all_headers = {"Host": parts.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, all_headers)
        response = connection.getresponse()
        headers_read = {name.lower(): value for name, value in response.getheaders()}
        fetched = FetchedResponse(response.status, headers_read, response.read())
        connection.close()
        return fetched


@functools.lru_cache(64)
def _client(name: str, url: str, **options: str) -> Any:
    return boto3.client(name, endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **options)


def environment() -> dict[str, str]:
    """Return the tests' environment with a cache for bytecode. Without it, compiling moto takes seconds of every start."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return variables | {"PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}


@contextmanager
def serving(state: Path, port: int = 0, as_of: date | None = None, **switches: bool) -> Iterator[Service]:
    """A service that runs in the background and is stopped at the end."""
    running = daemon.ensure_running(state, port, as_of, environment(), daemon.Switches(**switches))
    try:
        yield Service(state, running.port, running.pid)
    finally:
        daemon.stop(state)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return buffer.getvalue()
