"""Other AWS services in the same process: what survives a restart, and how log lines reach them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from lambent.local.aws_services import AwsServices, S3Fault
from lambent.local.engine.log_sink import LogLine, LogSink
from lambent.local.http import Request, Response, credential_scope
from lambent.local.journal import Journal
from lambent.local.log_store import LogStore, StreamKey
from lambent.local.persistence import Change, persistent_change
from support.local_service import TRUST, Service, serving


def signed(
    service: str, method: str = "POST", path: str = "/", body: bytes = b"", target: str = "", query: str = ""
) -> Request:
    authorization = f"AWS4-HMAC-SHA256 Credential=k/20261123/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=x"
    headers = (("host", "127.0.0.1:4580"), ("authorization", authorization), ("x-amz-target", target))
    return Request(method, path, query, headers, body)


def iam(**members: str) -> Request:
    return signed("iam", body=urlencode(members).encode())


IN_IRELAND = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"


@pytest.mark.parametrize(
    ("sent", "change"),
    [
        (iam(Action="GetRole", RoleName="r"), None),
        (iam(Action="CreateRole", RoleName="r"), Change("iam:role/r", "add")),
        (iam(Action="PutRolePolicy", RoleName="r", PolicyName="p"), Change("iam:role/r", "add")),
        (iam(Action="DeleteRole", RoleName="r"), Change("iam:role/r", "end")),
        (iam(Action="CreateAccountAlias"), Change("", "add")),
        (signed("logs", target="Logs_20140328.PutLogEvents", body=b'{"logGroupName":"g"}'), None),
        (
            signed("logs", target="Logs_20140328.CreateLogGroup", body=b'{"logGroupName":"g"}'),
            Change("logs:eu-west-1/g", "add"),
        ),
        (
            signed("logs", target="Logs_20140328.DeleteLogGroup", body=b'{"logGroupName":"g"}'),
            Change("logs:eu-west-1/g", "end"),
        ),
        (
            signed("logs", target="Logs_20140328.CreateLogStream", body=b'{"logGroupName":"g","logStreamName":"s/1"}'),
            Change("logs:eu-west-1/g:s/1", "add"),
        ),
        (
            signed("logs", target="Logs_20140328.DeleteLogStream", body=b'{"logGroupName":"g","logStreamName":"s/1"}'),
            Change("logs:eu-west-1/g:s/1", "end"),
        ),
        (signed("logs", target="Logs_20140328.CreateLogStream", body=b'{"logGroupName":"g"}'), None),
        (signed("s3", "GET", "/b/k"), None),
        (signed("s3", "PUT", "/b"), Change("s3:b", "add")),
        (signed("s3", "PUT", "/b/k/l"), Change("s3:b/k/l", "replace")),
        (signed("s3", "PUT", "/b/k", query="tagging"), Change("s3:b/k", "add")),
        (signed("s3", "DELETE", "/b/k"), Change("s3:b/k", "end")),
        (signed("dynamodb", target="DynamoDB_20120810.PutItem"), None),
        (Request("GET", "/", "", (), b""), None),
    ],
)
def test_persistent_change_of_a_request(sent: Request, change: Change | None) -> None:
    assert persistent_change(sent) == change


def test_credential_scope_of_a_presigned_request() -> None:
    query = "X-Amz-Credential=k%2F20261123%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=x"
    assert credential_scope(Request("GET", "/b/k", query, (), b"")) == ("s3", "eu-west-1")
    assert credential_scope(Request("GET", "/", "", (("authorization", "Bearer x"),), b"")) == ("", "")


def test_sink_batches_by_stream_and_flushes_on_demand() -> None:
    delivered: list[tuple[str, str, str, list[LogLine]]] = []
    sink = LogSink(lambda *batch: delivered.append(batch))
    one, two, three = (LogLine(number, str(number)) for number in range(3))
    sink.write("r", "g", "s", [one])
    sink.write("r", "g", "t", [two])
    sink.write("r", "g", "s", [three])
    assert delivered == []
    sink.flush()
    assert delivered == [("r", "g", "s", [one, three]), ("r", "g", "t", [two])]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


def test_sts_knows_sessions_of_roles(service: Service) -> None:
    assert service.client("sts").get_caller_identity()["Account"] == "123456789012"
    credentials = service.client("sts").assume_role(RoleArn=service.role("assumed"), RoleSessionName="session")["Credentials"]
    session = service.client(
        "sts",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert session.get_caller_identity()["Arn"].endswith(":assumed-role/assumed/session")


def test_other_services_answer(service: Service) -> None:
    table = service.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert table["TableDescription"]["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/t"
    s3 = service.client("s3")
    s3.create_bucket(Bucket="meta")
    s3.put_object(Bucket="meta", Key="ä/ b", Body=b"1", Metadata={"some_key": "v"})
    assert s3.get_object(Bucket="meta", Key="ä/ b")["Metadata"] == {"some_key": "v"}


def test_service_whose_package_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openapi_spec_validator", None)  # as without the extra `services`
    for name in [name for name in sys.modules if name.startswith("moto.apigateway.")]:
        monkeypatch.delitem(sys.modules, name)
    services = AwsServices(tmp_path)
    services.start()
    try:
        response = asyncio.run(services.answer(signed("apigateway", "GET", "/restapis")))
    finally:
        services.close()
    assert response.status == 501 and b"openapi_spec_validator: install lambent[services]" in response.body


def test_unknown_region_is_refused(service: Service) -> None:
    client = service.client("logs", region_name="eu-wst-1")
    with pytest.raises(client.exceptions.ClientError, match=r"InvalidRegion.*there is no region eu-wst-1"):
        client.describe_log_groups()


def test_deletions_survive_a_restart_and_shrink_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "neighbours" / "journal.jsonl"
    with serving(tmp_path) as first:
        iam = first.client("iam")
        for number in range(3):
            iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=TRUST)
        iam.create_user(UserName="u")
        key = iam.create_access_key(UserName="u")["AccessKey"]
        for number in range(2):
            iam.delete_role(RoleName=f"r{number}")
        s3 = first.client("s3")
        s3.create_bucket(Bucket="versioned")
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        versions = [s3.put_object(Bucket="versioned", Key="k", Body=body)["VersionId"] for body in (b"1", b"2")]
        bucket = s3.list_buckets()["Buckets"]
    assert len(journal.read_text().splitlines()) == 11
    with serving(tmp_path) as second:
        iam = second.client("iam")
        assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["r2"]
        assert [item["AccessKeyId"] for item in iam.list_access_keys(UserName="u")["AccessKeyMetadata"]] == [key["AccessKeyId"]]
        s3 = second.client("s3")
        assert s3.get_object(Bucket="versioned", Key="k", VersionId=versions[0])["Body"].read() == b"1"
        assert s3.list_buckets()["Buckets"] == bucket
    assert len(journal.read_text().splitlines()) == 7


def test_services_for_the_lambda_api_and_the_engine(tmp_path: Path) -> None:
    services = AwsServices(tmp_path)
    services.start()
    try:
        assert services.role_trust("arn:aws:iam::123456789012:role/none") is None
        with pytest.raises(S3Fault, match="NoSuchBucket"):
            services.s3_object("none", "k", None)
        services.log_sink.write("eu-west-1", "g", "s", [LogLine(int(time.time() * 1000), "hello")])
        query = signed("logs", body=b'{"logGroupName":"g"}', target="Logs_20140328.FilterLogEvents")
        query = replace(query, headers=(*query.headers, ("content-type", "application/x-amz-json-1.1")))
        result = json.loads(services._answer(query).body)
        assert [event["message"] for event in result["events"]] == ["hello"]
    finally:
        services.close()


def test_change_that_the_disk_refuses_at_last_is_undone_and_the_next_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto has performed a change when its confirmation fails, so its state is restored from the disk: no restart is needed."""
    body = b"x" * 100_000  # on disk
    services = AwsServices(tmp_path)

    def request(sent: Request) -> Response:
        return asyncio.run(services.answer(sent))

    def call(service: str, **members: str) -> Response:
        sent = signed(service, body=urlencode(members).encode())
        return request(replace(sent, headers=(*sent.headers, ("content-type", "application/x-www-form-urlencoded"))))

    def create(role: str) -> int:
        return call("iam", Action="CreateRole", RoleName=role, AssumeRolePolicyDocument=TRUST).status

    def delete_logs(target: str, members: dict[str, str]) -> int:
        body = json.dumps({"logGroupName": "kept", **members}).encode()
        return request(signed("logs", body=body, target=f"Logs_20140328.{target}")).status

    def messages() -> list[str]:
        assert services.role_trust("none") is None  # waits until the state is restored
        return [event.message for event in services.log_events(StreamKey("eu-west-1", "kept", "s"), 0, 1 << 62)]

    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, "broken")

    @contextlib.contextmanager
    def undone(store: LogStore) -> Iterator[None]:
        with transaction(store):
            yield
            raise sqlite3.OperationalError("disk I/O error")

    transaction = LogStore.transaction
    services.start()
    try:
        assert create("before") == 200
        assert request(signed("s3", "PUT", "/kept", IN_IRELAND)).status == 200
        assert request(signed("s3", "PUT", "/kept/key", body)).status == 200
        services.log_sink.write("eu-west-1", "kept", "s", [LogLine(int(time.time() * 1000), "hello")])
        services.log_sink.flush()
        arn = "arn:aws:iam::123456789012:role/before"
        session = call("sts", Action="AssumeRole", RoleArn=arn, RoleSessionName="s").body.decode()
        key, token = (re.findall(f"<{each}>(.*)</{each}>", session)[0] for each in ("AccessKeyId", "SessionToken"))
        with monkeypatch.context() as broken:
            broken.setattr(Journal, "_write_newline", refuse)
            assert create("refused") == 507
            assert request(signed("s3", "DELETE", "/kept/key")).status == 507
            for target, members in (("DeleteLogStream", {"logStreamName": "s"}), ("DeleteLogGroup", {})):
                assert delete_logs(target, members) == 507
        assert create("refused") == 200
        assert services.role_trust(arn) is not None
        assert services.s3_object("kept", "key", None) == body
        assert asyncio.run(services.caller(key, token)) is not None
        assert messages() == ["hello"]
        with monkeypatch.context() as broken:
            broken.setattr(LogStore, "transaction", undone)
            assert delete_logs("DeleteLogStream", {"logStreamName": "s"}) == 507
            assert messages() == ["hello"]
            assert delete_logs("DeleteLogGroup", {}) == 200  # the journal has that already
        assert messages() == []
    finally:
        services.close()
    subjects = [entry.subject for entry in Journal(tmp_path / "neighbours").load()]
    assert subjects == ["iam:role/before", "s3:kept", "s3:kept/key", "iam:role/refused"]


def test_what_moto_cant_process_is_refused_in_the_service_s_form(service: Service) -> None:
    """No bug of moto becomes a 500, which SDKs repeat, or a traceback."""
    iam, s3 = service.client("iam"), service.client("s3")
    with pytest.raises(ClientError, match=r"NotImplementedException.*moto, which answers for iam here"):
        iam.list_organizations_features()
    s3.create_bucket(Bucket="odd")
    url = s3.generate_presigned_url("put_bucket_tagging", Params={"Bucket": "odd", "Tagging": {"TagSet": []}})
    refused = service.fetch(url, "PUT", b"no XML")
    assert refused.status == 400 and b"can't process this request" in refused.body
    assert "Traceback" not in service.log()
