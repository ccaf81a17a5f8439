"""What moto would keep in memory for ever: the service's logs and objects, on a real service and as moto uses them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.local.moto_storage import ObjectBody
from support.local_service import Service, serving
from support.waiting import eventually

PRINT = "def handler(event, context):\n    for number in range(event['lines']): print('line', number)\n"
LARGE = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


def test_body_is_read_as_from_a_file(tmp_path: Path) -> None:
    for data in (b"", b"small", LARGE):
        body = ObjectBody(tmp_path, tmp_path)
        body.write(data)
        body.seek(0)
        parts = [body.read(1000), body.read()]
        assert b"".join(parts) == data
        body.seek(0)
        body.truncate()
        body.write(b"again")
        body.seek(0)
        assert body.read() == b"again"
        del body
        assert list(tmp_path.iterdir()) == []


def objects(service: Service) -> int:
    return len(list((service.state / "neighbours" / "objects").iterdir()))


def bodies(service: Service) -> list[Path]:
    return list((service.state / "neighbours" / "bodies").iterdir())


def test_objects_are_on_disk_once_and_leave_it_when_they_are_deleted(service: Service) -> None:
    s3 = service.client("s3")
    s3.create_bucket(Bucket="bucket")
    for _ in range(3):  # overwritten
        s3.put_object(Bucket="bucket", Key="k", Body=LARGE)
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == LARGE
    assert s3.get_object(Bucket="bucket", Key="k", Range="bytes=255-256")["Body"].read() == b"\xff\0"
    (body,) = bodies(service)
    assert (objects(service), body.stat().st_nlink) == (1, 2)
    s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/k")
    s3.delete_object(Bucket="bucket", Key="k")
    assert s3.get_object(Bucket="bucket", Key="copy")["Body"].read() == LARGE
    s3.delete_object(Bucket="bucket", Key="copy")
    upload = s3.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
    where = {"Bucket": "bucket", "Key": "parts", "UploadId": upload}
    tags = [s3.upload_part(**where, PartNumber=part, Body=LARGE * 6)["ETag"] for part in (1, 2)]
    parts = [{"PartNumber": part, "ETag": tag} for part, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert s3.head_object(Bucket="bucket", Key="parts")["ContentLength"] == len(LARGE) * 12
    s3.delete_object(Bucket="bucket", Key="parts")
    eventually(lambda: objects(service) == 0)


def resident_mb(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_large_objects_do_not_stay_in_memory(service: Service) -> None:
    s3 = service.client("s3")
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="first", Body=LARGE)
    before = resident_mb(service.pid)
    for number in range(8):
        s3.put_object(Bucket="large", Key=f"k{number}", Body=LARGE * 20)
        s3.get_object(Bucket="large", Key=f"k{number}")["Body"].read()
    assert resident_mb(service.pid) - before < 60, "160 MB were stored"


IN_MEMORY = """
import gc, sys, time
from pathlib import Path
from moto.core.model_instances import model_data
from lambent.local.aws_services import AwsServices
from lambent.local.engine.log_sink import LogLine

services = AwsServices(Path(sys.argv[1]))
services.start()
for number in range(2000):
    services.log_sink.write("eu-west-1", "g", "s", [LogLine(int(time.time() * 1000), f"line {number}")] * 3)
    if number % 100 == 0:
        services.log_sink.flush()
services.log_sink.flush()
kinds = [type(each).__qualname__ for each in gc.get_objects() if type(each).__module__ == "moto.logs.models"]
tracked = [name for name, kind in model_data["logs"].items() if kind.instances_tracked]
print(kinds.count("LogEvent"), kinds.count("LogStream"), tracked)
services.close()
"""


def test_no_event_and_no_deleted_object_stays_in_memory(tmp_path: Path) -> None:
    """It runs in a process of its own: moto, which it changes, is shared by the tests of a process."""
    process = subprocess.run([sys.executable, "-c", IN_MEMORY, tmp_path], capture_output=True, text=True, check=True)
    assert process.stdout == "0 1 []\n"


def messages(service: Service, group: str) -> list[str]:
    pages = service.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"].strip() for page in pages for event in page["events"]]


def test_logs_are_paged_filtered_and_survive_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        first.function("f", PRINT)
        first.client("lambda").invoke(FunctionName="f", Payload=b'{"lines": 12000}')
        lines = messages(first, "/aws/lambda/f")
        assert [line for line in lines if line.startswith("line")] == [f"line {number}" for number in range(12_000)]
        logs = first.client("logs")
        (stream,) = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
        where = {"logGroupName": "/aws/lambda/f", "logStreamName": stream["logStreamName"]}
        last = logs.get_log_events(**where, limit=2)["events"]
        assert [event["message"].split()[0] for event in last] == ["END", "REPORT"]
        since = {"logGroupName": "/aws/lambda/f", "startTime": last[-1]["timestamp"]}
        assert "REPORT" in logs.filter_log_events(**since)["events"][-1]["message"]
        assert logs.filter_log_events(logGroupName="/aws/lambda/f", endTime=1)["events"] == []
        before = logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="REPORT")["events"]
    with serving(tmp_path) as second:
        logs = second.client("logs")
        assert messages(second, "/aws/lambda/f") == lines
        (again,) = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
        names = ("logStreamName", "firstEventTimestamp", "lastEventTimestamp")
        assert [again[name] for name in names] == [stream[name] for name in names]
        assert logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="REPORT")["events"] == before
        second.client("lambda").invoke(FunctionName="f", Payload=b'{"lines": 1}')
        events = logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="REPORT")["events"]
        assert len({event["eventId"] for event in events}) == 2
        logs.delete_log_group(logGroupName="/aws/lambda/f")
        logs.create_log_group(logGroupName="/aws/lambda/f")
        assert messages(second, "/aws/lambda/f") == []
    with serving(tmp_path) as third:
        assert messages(third, "/aws/lambda/f") == []


def test_events_of_several_streams_are_in_the_order_of_time(service: Service) -> None:
    logs, now = service.client("logs"), int(time.time() * 1000)
    logs.create_log_group(logGroupName="two")
    for stream, offsets in (("a", (0, 2)), ("b", (1, 3))):
        logs.create_log_stream(logGroupName="two", logStreamName=stream)
        events = [{"timestamp": now + offset, "message": str(offset)} for offset in offsets]
        logs.put_log_events(logGroupName="two", logStreamName=stream, logEvents=events)
    assert messages(service, "two") == ["0", "1", "2", "3"]


def test_events_of_a_client_are_stored_too(service: Service) -> None:
    logs = service.client("logs")
    where = {"logGroupName": "own", "logStreamName": "stream"}
    logs.create_log_group(logGroupName="own")
    logs.create_log_stream(**where)
    now = int(time.time() * 1000)
    logs.put_log_events(**where, logEvents=[{"timestamp": now, "message": "hello"}])
    assert [event["message"] for event in logs.get_log_events(**where)["events"]] == ["hello"]
    logs.delete_log_stream(**where)
    logs.create_log_stream(**where)
    assert logs.get_log_events(**where)["events"] == []
