"""The runtime fetches packages from S3 (the local Lambda's), verifies and unpacks them; broken off, it goes on where it was."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from msgspec import Struct

from lambent.aws.values import Invoked, Settings
from lambent.deployment.diagnose import diagnose
from lambent.deployment.version_check import judge
from lambent.package import overflow
from lambent.package.archive import compress, write
from lambent.package.artifact import Overflow
from lambent.package.vendor import vendor
from lambent.runtime.s3 import S3Object
from lambent.runtime.signature import sign
from support.local_service import Service, serving

FILES = {
    "demo/__init__.py": b"from .deep.er import x\n",
    "demo/deep/er.py": b"x = 7\n",
    "demo/empty.txt": b"",
    "demo/stored.bin": random.Random(0).randbytes(70_000),
    "demo/text.txt": b"all work and no play\n" * 40_000,
    **{f"demo/more{number}.bin": random.Random(number).randbytes(30_000) for number in range(1, 5)},
}
TOOL = "demo/tool"
RUN = """
import os, sys
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from lambent_runtime import overflow
from lambent_runtime.fault import Fault
from lambent_runtime.log import Log
overflow._PATIENCE_S = 0.4
{before}
try:
    overflow.load(Log())
except Fault as fault:
    print(fault.kind, fault)
    sys.exit(3)
assert sys.path.index(os.environ["LAMBDA_TASK_ROOT"]) + 1 == next(i for i, p in enumerate(sys.path) if "/lambent/" in p)
import demo
print(demo.x, os.path.dirname(os.path.dirname(demo.__file__)))
"""
KILLED_AT_THE_THIRD = """
count, fetch_part = 0, overflow._Download._fetch_part
def fetch_or_die(self, *arguments):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), 9)
    fetch_part(self, *arguments)
overflow._Download._fetch_part, overflow._CONNECTIONS = fetch_or_die, 1
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as running:
        running.client("s3").create_bucket(Bucket="packages")
        yield running


class Case(Struct, frozen=True):
    """One version: its folder (/var/task), its /tmp, and where its packages are."""

    folder: Path
    endpoint: str
    place: str
    archive: bytes

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "lambent",
            "AWS_SECRET_ACCESS_KEY": "lambent",
            "LAMBDA_TASK_ROOT": str(self.folder / "task"),
            "LAMBENT_OVERFLOW": self.place,
            "TMPDIR": str(self.folder / "tmp"),
        }

    def start(self, before: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN.format(before=before)]
        return subprocess.Popen(
            command, env=self.environment(), cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, before: str = "") -> tuple[int, str]:
        process = self.start(before)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said


def case(folder: Path, service: Service, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes] | None = None) -> Case:
    """With parts of 20 kB, uploaded."""
    monkeypatch.setattr(overflow, "_PART", 20_000)
    files = files or FILES
    path = folder / "packages.zip"
    with path.open("wb") as file:
        members = [compress(name, data) for name, data in files.items()]
        written = write(file, [*members, compress(TOOL, b"#!/bin/sh\n", executable=True)])
    made = Overflow(path, written.sha256.hex(), written.zipped, written.raw, len(written.entries), ("demo 1",))
    (folder / "task").mkdir()
    (folder / "tmp").mkdir()
    vendor(folder / "task")
    name, manifest = overflow._manifest(made)
    (folder / "task" / name).write_bytes(manifest.read())
    key = f"{made.sha256}.zip"
    service.client("s3").put_object(Bucket="packages", Key=key, Body=path.read_bytes())
    return Case(folder, service.url, f"s3://packages/{key}", path.read_bytes())


@pytest.fixture
def demo(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Case:
    return case(tmp_path, service, monkeypatch)


def test_they_are_fetched_once_whole(demo: Case) -> None:
    status, said = demo.run()
    assert status == 0, said
    line, answer = said.splitlines()
    assert "lambent: downloaded demo 1: " in line and demo.place in line
    folder = Path(answer.removeprefix("7 "))
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in found.items() if "__pycache__" not in name} == {
        **FILES,
        TOOL: b"#!/bin/sh\n",
    }
    assert [name for name, path in found.items() if os.access(path, os.X_OK)] == [TOOL] or os.geteuid() == 0
    assert found[TOOL].stat().st_mode & 0o111
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.lock"}
    assert demo.run() == (0, f"{answer}\n")  # a second init in the same environment


def test_broken_off_it_goes_on_where_it_was(demo: Case) -> None:
    status, _ = demo.run(KILLED_AT_THE_THIRD)
    assert status == -9
    assert not [path for path in (demo.folder / "tmp/lambent").iterdir() if path.is_dir() and not path.suffix]
    status, said = demo.run()
    assert status == 0, said
    assert "(2 of 6 parts were already there)" in said


def test_two_at_once_share_it(demo: Case) -> None:
    both = [demo.start(), demo.start()]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("lambent: downloaded" in each for each in said) == 1


@pytest.mark.parametrize(
    ("change", "expected", "hint"),
    [
        ("gone", "NoSuchKey", "deploy again"),
        ("no bucket", "NoSuchBucket", "deploy again"),
        ("other bytes", "not the archive that this version was deployed with: its SHA-256 differs", "delete the archive"),
        ("shorter", "not the archive that this version was deployed with: its size differs", "delete the archive"),
        ("no answer", "gateway endpoint for S3", "NAT gateway"),
        ("no list", "built without --overflow", "deploy again"),
        ("no room", "cannot be unpacked into", "tmp = "),
    ],
)
def test_what_goes_wrong_is_said(demo: Case, service: Service, change: str, expected: str, hint: str) -> None:
    s3, key = service.client("s3"), demo.place.rpartition("/")[2]
    before, place, endpoint = "", demo.place, demo.endpoint
    match change:
        case "gone":
            s3.delete_object(Bucket="packages", Key=key)
        case "no bucket":
            place = f"s3://nobodys-packages/{key}"
        case "other bytes":
            middle = len(demo.archive) // 2
            changed = demo.archive[:middle] + bytes([demo.archive[middle] ^ 1]) + demo.archive[middle + 1 :]
            s3.put_object(Bucket="packages", Key=key, Body=changed)
        case "shorter":
            s3.put_object(Bucket="packages", Key=key, Body=demo.archive[:50_000])
        case "no answer":
            endpoint = "http://127.0.0.1:1"
        case "no list":
            (demo.folder / "task/lambent_runtime/overflow.json").unlink()
        case "no room":
            before = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    status, said = Case(demo.folder, endpoint, place, demo.archive).run(before)
    assert status == 3, said
    assert (
        said.startswith(f"Function.PackagesUnavailable the packages in {place} could not be downloaded: ") and expected in said
    )
    settings = Settings("arn:aws:iam::123456789012:role/lambent-shop", "python3.13", "main.app", 128, 3, 512)
    error = {"errorType": "Function.PackagesUnavailable", "errorMessage": said.partition(" ")[2]}
    failure = judge(Invoked(json.dumps(error).encode(), "Unhandled", ""), settings)
    assert failure is not None and hint in diagnose(failure).hint
    assert not [path for path in (demo.folder / "tmp").glob("lambent/*") if path.is_dir() and not path.suffix]


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "demo/../../outside.py", "demo//outside.py", "demo/./x"])
def test_no_path_leads_out(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    evil = case(tmp_path, service, monkeypatch, {"demo/__init__.py": b"x = 1\n", name: b"x"})
    status, said = evil.run()
    assert status == 3 and "SHA-256 differs" in said
    assert not list(tmp_path.rglob("outside.py"))


class _Denies(BaseHTTPRequestHandler):
    """S3's answer to a role that may not read."""

    def do_GET(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>User: arn:x is not authorized</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def test_a_role_that_may_not_read_is_named(demo: Case) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Denies)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        status, said = Case(demo.folder, f"http://127.0.0.1:{server.server_port}", demo.place, demo.archive).run()
    finally:
        server.shutdown()
        server.server_close()
    assert status == 3 and "AccessDenied: User: arn:x is not authorized" in said and "s3:GetObject" in said


@pytest.mark.parametrize("token", ["", "tok+/="])
def test_the_signature_is_botocores(token: str) -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {"host": "packages.s3.eu-west-1.amazonaws.com", "range": "bytes=0-99", "x-amz-content-sha256": empty}
    path, keys = "/overflow/my_app-1/0a1b.zip", ("AKID", "secret/+", token)
    ours = sign(headers, b"", request=("GET", path), scope=("eu-west-1", "s3"), keys=keys, timestamp=1795413600.9)
    request = AWSRequest("GET", f"https://{headers['host']}{path}", headers)
    signer = S3SigV4Auth(Credentials("AKID", "secret/+", token or None), "s3", "eu-west-1")
    request.context |= {"timestamp": ours["x-amz-date"], "client_config": Config(s3={"payload_signing_enabled": True})}
    signer._modify_request_before_signing(request)
    request.headers.replace_header("X-Amz-Date", ours["x-amz-date"])
    canonical = signer.canonical_request(request)
    signer._inject_signature_to_request(request, signer.signature(signer.string_to_sign(request, canonical), request))
    assert ours["authorization"] == request.headers["Authorization"]
    assert request.headers["X-Amz-Content-SHA256"] == empty


@pytest.mark.parametrize(
    ("place", "region", "host", "path"),
    [
        ("s3://packages/a/b.zip", "eu-west-1", "packages.s3.eu-west-1.amazonaws.com", "/a/b.zip"),
        ("s3://my.packages/b.zip", "eu-west-1", "s3.eu-west-1.amazonaws.com", "/my.packages/b.zip"),
        ("s3://packages/b.zip", "cn-north-1", "packages.s3.cn-north-1.amazonaws.com.cn", "/b.zip"),
    ],
)
def test_where_s3_is(place: str, region: str, host: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    server = S3Object(place)
    assert (server._scheme, server._host, server._path) == ("https", host, path)
