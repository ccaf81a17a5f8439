"""--enforce-iam: a role decides what its function's calls may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambent.local import daemon
from support.local_service import Service, serving

CODE = """
import boto3, botocore, os

def outcome(call):
    try:
        call()
        return "allowed"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    except KeyError:  # S3 answers with an error for each object
        return "AccessDenied"

def handler(event, context):
    s3, other = boto3.client("s3"), boto3.client("lambda")
    administrator = boto3.client("s3", aws_access_key_id="lambent", aws_secret_access_key="lambent", aws_session_token=None)
    unsigned = boto3.client("s3", config=botocore.config.Config(signature_version=botocore.UNSIGNED))
    return {name: outcome(call) for name, call in {
        "put": lambda: s3.put_object(Bucket="box", Key="key", Body=b"1"),
        "get": lambda: s3.get_object(Bucket="box", Key="seed"),
        "delete": lambda: s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "seed"}]})["Deleted"],
        "table": lambda: boto3.client("dynamodb").list_tables(),
        "user": lambda: boto3.client("iam").create_user(UserName="intruder"),
        "identity": lambda: boto3.client("sts").get_caller_identity(),
        "own function": lambda: other.get_function(FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"]),
        "delete function": lambda: other.delete_function(FunctionName="victim"),
        "as administrator": lambda: administrator.put_object(Bucket="box", Key="key", Body=b"1"),
        "unsigned": lambda: unsigned.get_object(Bucket="box", Key="seed"),
    }.items()}
"""


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("enforcing") / "state", enforce_iam=True) as service:
        service.client("s3").create_bucket(Bucket="box")
        service.client("s3").put_object(Bucket="box", Key="seed", Body=b"1")
        service.function("caller", CODE)
        client = service.client("lambda")
        client.update_function_configuration(FunctionName="caller", Timeout=60, MemorySize=512)
        client.get_waiter("function_updated_v2").wait(FunctionName="caller", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        yield service


def call(service: Service) -> dict[str, Any]:
    report: dict[str, Any] = json.load(service.client("lambda").invoke(FunctionName="caller")["Payload"])
    assert "errorMessage" not in report, report
    return report


def test_role_decides_what_its_function_may_do(enforcing: Service) -> None:
    report = call(enforcing)
    assert report.pop("identity") == "allowed"
    own_network = (daemon.status(enforcing.state) or {})["engine"]["network"] == "own"
    outsiders = {report.pop("as administrator"), report.pop("unsigned")}
    assert outsiders == ({"UnrecognizedClientException", "MissingAuthenticationToken"} if own_network else {"allowed"})
    assert {name: code.removesuffix("Exception") for name, code in report.items()} == dict.fromkeys(report, "AccessDenied")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::box/*"},
            {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"},
            {"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": "arn:aws:lambda:*:*:function:caller"},
        ],
    }
    enforcing.client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(policy))
    report = call(enforcing)
    assert [name for name, outcome in report.items() if outcome == "allowed"] == [
        "put", "get", "table", "identity", "own function", *([] if own_network else ["as administrator", "unsigned"]),
    ]  # fmt: skip
    assert report["user"] == "AccessDenied"
    assert enforcing.client("iam").list_users()["Users"] == []


def test_users_need_permission_and_unknown_keys_are_refused(enforcing: Service) -> None:
    iam = enforcing.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    with pytest.raises(ClientError, match="AccessDenied"):
        enforcing.client("s3", **keys).list_buckets()
    with pytest.raises(ClientError, match=r"not authorized to perform: lambda:ListFunctions on resource: \*"):
        enforcing.client("lambda", **keys).list_functions()
    statement = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "lambda:ListFunctions"], "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(document))
    assert [bucket["Name"] for bucket in enforcing.client("s3", **keys).list_buckets()["Buckets"]] == ["box"]
    assert enforcing.client("lambda", **keys).list_functions()["Functions"]
    for service in ("s3", "iam", "sts", "dynamodb"):
        with pytest.raises(ClientError, match="The security token included in the request is invalid"):
            client = enforcing.client(service, aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="x")
            getattr(
                client, {"s3": "list_buckets", "iam": "list_users", "sts": "get_caller_identity"}.get(service, "list_tables")
            )()
