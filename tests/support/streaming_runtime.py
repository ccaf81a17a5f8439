"""A small runtime for tests that streams its responses by hand: any bytes that a test wants to send.

`function_files(body)` is the code of a function. `body` contains `def answer(event, out)`. `out` has
`head(mode=..., kind=...)`, `prelude(...)`, `send(bytes)` (one chunk), `end(trailers)` and `post(bytes)` (a buffered response).
The last two return the status, headers and body of the Runtime API's response.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

_RUNTIME = r"""
import json, os, socket, sys, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
INTEGRATION = "application/vnd.awslambda.http-integration-response"
END_OF_PRELUDE = b"\0" * 8


class Out:
    def __init__(self, wire, path):
        self.wire, self.path = wire, path

    def head(self, mode="streaming", kind=INTEGRATION):
        self.start(f"Transfer-Encoding: chunked\r\nContent-Type: {kind}\r\nLambda-Runtime-Function-Response-Mode: {mode}\r\n")

    def start(self, headers):
        self.wire.sendall(f"POST {self.path}/response HTTP/1.1\r\nHost: {API}\r\n{headers}\r\n".encode())

    def prelude(self, **members):
        self.send(json.dumps({"statusCode": 200, **members}).encode() + END_OF_PRELUDE)

    def send(self, data):
        self.wire.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self, trailers=""):
        self.wire.sendall(b"0\r\n" + trailers.encode() + b"\r\n")
        return self.reply()

    def post(self, data):
        self.start(f"Content-Length: {len(data)}\r\n")
        self.wire.sendall(data)
        return self.reply()

    def reply(self):
        return read(self.wire)


def read(wire):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = wire.recv(65536)
        if not chunk:
            raise SystemExit("disconnected")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += wire.recv(65536)
    return int(lines[0].split()[1]), headers, body


def connect():
    host, _, port = API.partition(":")
    return socket.create_connection((host, int(port)))


def loop():
    wire = connect()
    while True:
        wire.sendall(f"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {API}\r\n\r\n".encode())
        _, headers, event = read(wire)
        out = Out(wire, f"/2018-06-01/runtime/invocation/{headers['lambda-runtime-aws-request-id']}")
        wire = answer(json.loads(event), out) or wire
"""

WRAPPER = ("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/start")
"""A variable for the function's environment."""


def function_files(body: str) -> dict[str, str]:
    return {
        "main.py": f"{_RUNTIME}\n\n{textwrap.dedent(body)}\n\nloop()\n",
        "start": '#!/bin/sh\nexec "$1" /var/task/main.py\n',
    }


def write(folder: Path, body: str) -> Path:
    """Write the code as if it were unpacked from a zip."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    for name, text in function_files(body).items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
