"""moto's server, a second implementation of AWS's API.

It runs in a process of its own: the local Lambda changes moto for the whole process that it runs in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lambent.aws.values import Pairs
from lambent.deployment.fetch import Response

_SERVER = """
import logging, sys
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

default_user_config["lambda"]["use_docker"] = False
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    environ = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def answering(url: str, within_s: float, headers: Pairs) -> Response:
    return Response(200, b"hello")
