"""Which network the functions of a running service have, and how it says so."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from lambent.cli.local import describe
from lambent.errors import LocalError
from lambent.local import daemon
from support.local_service import serving

CODE = """
import boto3, os, socket
def handler(event, context):
    try:
        socket.create_connection(("127.0.0.1", event["port"]), 5).close()
        machine = "reached"
    except OSError as error:
        machine = type(error).__name__
    status = boto3.client("s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"]
    return {"machine": machine, "s3": status, "api": os.environ["AWS_LAMBDA_RUNTIME_API"]}
"""


@pytest.mark.parametrize("shared", [False, True])
def test_functions_reach_the_service_and_this_machine_only_on_request(shared: bool, tmp_path: Path) -> None:
    with serving(tmp_path, share_network=shared) as service, socket.create_server(("127.0.0.1", 0)) as server:
        status = daemon.status(tmp_path)
        assert status is not None
        if not shared and status["engine"]["network"] == "shared":
            pytest.skip(f"no network of its own here: {status['engine']['why_shared']}")
        service.function("reach", CODE)
        payload = json.dumps({"port": server.getsockname()[1]})
        report = json.load(service.client("lambda").invoke(FunctionName="reach", Payload=payload)["Payload"])
        assert report["s3"] == 200
        assert report["machine"] == ("reached" if shared else "ConnectionRefusedError")
        assert (report["api"] == "127.0.0.1:9001") != shared
        line = "network       " + ("shared with this machine (--share-network)" if shared else "own")
        assert line in describe(status)
        if not shared:
            with pytest.raises(LocalError, match="its functions have networks of their own"):
                daemon.ensure_running(tmp_path, None, None, os.environ, daemon.Switches(share_network=True))
