"""Rules of the Lambda API that aren't in the recordings: validation, calendar, roles, life cycle, unsupported features."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lambent.local.control.configuration_rules import trusts_lambda
from lambent.local.control.permissions import build_statement
from lambent.local.control.service_model import find_operation, service
from lambent.local.control.url_configs import function_url
from lambent.local.http import Request
from support.lambda_api import ACCOUNT, REGION, ROLE, TRUST, Api, body, client, error, refusal, serving, zip_bytes
from support.recordings import Recording

TODAY = date(2026, 11, 23)
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path, TODAY) as running:
        yield running


def valid(**params: Any) -> dict[str, Any]:
    base = {"FunctionName": "f", "Runtime": "python3.13", "Role": ROLE, "Handler": "handler.handler"}
    return {**base, "Code": {"ZipFile": zip_bytes()}, **params}


INVALID, VALIDATION = "InvalidParameterValueException", "ValidationException"


def rule(value: str, path: str, rule: str) -> str:
    return f"Value {value}at '{path}' failed to satisfy constraint: Member must {rule}"


KEYS = (
    "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy "
    "constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"
)
BLOCKED = (
    "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. "
    "We recommend you use a supported runtime while creating or updating functions."
)
NO_BUCKET = "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
LAYERS = [f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:x:{number}" for number in range(6)]
VPC = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
NOT_SUPPORTED = "NotImplementedException"
UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"MemorySize": 64}, VALIDATION, rule("'64' ", "memorySize", "have value greater than or equal to 128")),
        ({"MemorySize": 10241}, VALIDATION, rule("'10241' ", "memorySize", "have value less than or equal to 10240")),
        ({"Timeout": 1801}, VALIDATION, rule("'1801' ", "timeout", "have value less than or equal to 1800")),
        ({"EphemeralStorage": {"Size": 100}}, VALIDATION, rule("'100' ", "ephemeralStorage.size", "have value greater")),
        ({"MemorySize": 1, "Timeout": 0}, VALIDATION, "2 validation errors detected: Value '1' at 'memorySize'"),
        ({"MemorySize": 1, "Timeout": 0}, VALIDATION, "; Value '0' at 'timeout'"),
        ({"MemorySize": "big"}, "SerializationException", "STRING_VALUE can not be converted to Integer"),
        ({"Publish": "yes"}, "SerializationException", "can not be converted to Boolean"),
        (
            {"Handler": "two words"},
            VALIDATION,
            rule("'two words' ", "handler", "satisfy regular expression pattern: [^\\s]+"),
        ),
        ({"PackageType": "Tar"}, VALIDATION, rule("'Tar' ", "packageType", "satisfy enum value set: [Zip, Image]")),
        ({"Role": None}, VALIDATION, "1 validation error detected: " + rule("null ", "role", "not be null")),
        ({"Environment": {"Variables": {"1A": "x"}}}, VALIDATION, KEYS),
        ({"Environment": {"Variables": {"AWS_REGION": "x", "OK": "y"}}}, INVALID, "keys used in this request: AWS_REGION"),
        ({"Runtime": None}, INVALID, "Runtime and Handler are mandatory parameters for functions created with deployment"),
        ({"Runtime": "python3.7"}, INVALID, BLOCKED),
        ({"Runtime": "python4.0"}, INVALID, "Value python4.0 at 'runtime' failed to satisfy constraint"),
        ({"Runtime": "nodejs22.x"}, NOT_SUPPORTED, "only Python runs here"),
        ({"Role": f"{ROLE}-none"}, INVALID, UNASSUMABLE),
        ({"Layers": LAYERS[:1]}, INVALID, f"Layer version {LAYERS[0]} does not exist."),
        ({"Layers": [LAYERS[0].replace(ACCOUNT, "210987654321")]}, NOT_SUPPORTED, "layers of other accounts"),
        ({"Layers": LAYERS}, INVALID, "Cannot reference more than 5 layers."),
        ({"VpcConfig": VPC}, NOT_SUPPORTED, "VPC"),
        ({"PackageType": "Image"}, NOT_SUPPORTED, "container images"),
        ({"Tags": {f"k{number}": "v" for number in range(51)}}, INVALID, "Number of tags exceeds resource tag limit."),
        ({"Code": {"S3Bucket": "none", "S3Key": "k"}}, INVALID, NO_BUCKET),
        ({"Code": {}}, INVALID, "Please provide a source for function code."),
        ({"FunctionName": "f:1"}, INVALID, "This operation is permitted on Lambda functions only."),
        ({"FunctionName": "bad name!"}, VALIDATION, "Value 'bad name!' at 'functionName'"),
    ],
)
def test_invalid_function_is_refused(api: Api, changes: dict[str, Any], code: str, text: str) -> None:
    params = {key: value for key, value in valid(**changes).items() if value is not None}
    actual_code, message = error(refusal(api.client.create_function, **params))
    assert (actual_code, text in message) == (code, True), message
    assert api.store.count() == 0
    assert list(api.store.code.folder.iterdir()) == []


def send(api: Api, method: str, path: str, payload: bytes = b"") -> tuple[int, dict[str, str], Any]:
    request = urllib.request.Request(api.url + path, payload or None, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, {key.lower(): value for key, value in error.headers.items()}, json.loads(error.read() or b"null")


def test_unknown_member_is_refused(api: Api) -> None:
    document = {"Runtime": "python3.13", "Role": ROLE, "FunctionName": "f", "Code": {"ZipFil": ""}, "Memory": 1}
    status, headers, answer = send(api, "POST", "/2015-03-31/functions", json.dumps(document).encode())
    assert (status, headers["x-amzn-errortype"]) == (400, VALIDATION)
    assert "'memory' failed to satisfy constraint: Member is unknown" in answer["message"]


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff"])
def test_body_that_is_not_a_json_object_is_refused(api: Api, payload: bytes) -> None:
    status, headers, _ = send(api, "POST", "/2015-03-31/functions", payload)
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


def test_error_has_the_form_of_aws(api: Api) -> None:
    status, headers, answer = send(api, "GET", "/2015-03-31/functions/none")
    assert status == 404
    assert answer == {"Type": "User", "Message": f"Function not found: {ARN}none"}
    assert headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert headers["x-amzn-requestid"]
    assert headers["content-type"] == "application/json"


def test_other_operation_is_refused_as_not_supported(api: Api) -> None:
    code, message = error(refusal(api.client.list_code_signing_configs))
    assert (code, message) == (NOT_SUPPORTED, "lambent's local Lambda doesn't support the operation ListCodeSigningConfigs")
    assert send(api, "GET", "/2015-03-31/nonsense")[0] == 404


def test_every_route_of_the_model_leads_to_its_operation() -> None:
    for name in service().operation_names:
        operation = service().operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        path = path.replace("{", "x-").replace("}", "")
        call = find_operation(Request(operation.http["method"], path, query, (), b""))
        assert call is not None
        assert call.operation.name == name
    assert find_operation(Request("GET", "/bucket/2015-03-31/functions", "", (), b"")) is None
    assert find_operation(Request("POST", "/", "", (), b"")) is None


def test_statement_id_may_be_the_name_of_another_path(api: Api) -> None:
    api.create("f")
    for sid in ("url", "policy", "versions"):
        api.client.add_permission(FunctionName="f", StatementId=sid, Action="lambda:InvokeFunction", Principal="*")
        api.client.remove_permission(FunctionName="f", StatementId=sid)
        assert error(refusal(api.client.get_policy, FunctionName="f"))[0] == "ResourceNotFoundException"


def test_runtimes_are_those_of_the_date(tmp_path: Path) -> None:
    with serving(tmp_path, date(2024, 7, 7)) as api:
        api.create("f", Runtime="python3.9")
        code, message = error(refusal(api.client.create_function, **valid(FunctionName="g", Runtime="python3.13")))
        assert (code, message.startswith("Value python3.13 at 'runtime' failed")) == (INVALID, True)


def test_old_runtime_can_be_updated_until_its_last_date(tmp_path: Path) -> None:
    with serving(tmp_path / "s", date(2027, 1, 1)) as api:
        api.create("f", Runtime="python3.9")
    with serving(tmp_path / "s", date(2027, 2, 20)) as api:
        assert "no longer supported" in error(refusal(api.client.create_function, **valid(Runtime="python3.9")))[1]
        api.client.update_function_code(FunctionName="f", ZipFile=zip_bytes())
        api.wait_until_settled("f")
    with serving(tmp_path / "s", date(2027, 3, 4)) as api:
        response = refusal(api.client.update_function_code, FunctionName="f", ZipFile=zip_bytes())
        assert "no longer supported" in error(response)[1]
        api.client.update_function_configuration(FunctionName="f", Runtime="python3.13")


def test_role_that_lambda_cannot_assume_is_refused(api: Api) -> None:
    other = ROLE.replace("lambda-role", "other")
    trust = json.loads(json.dumps(TRUST).replace("lambda.amazonaws.com", "ec2.amazonaws.com"))
    api.aws_services.roles[other] = trust
    assert "cannot be assumed" in error(refusal(api.client.create_function, **valid(Role=other)))[1]
    api.aws_services.roles[other] = TRUST
    api.create("f", Role=other)


@pytest.mark.parametrize(
    ("statement", "trusts"),
    [
        ({"Effect": "Allow", "Principal": {"Service": ["a", "lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}, True),
        ({"Effect": "Allow", "Principal": "*", "Action": "sts:*"}, True),
        ({"Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:TagSession"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"}, False),
    ],
)
def test_trust_policy(statement: dict[str, Any], trusts: bool) -> None:
    assert trusts_lambda({"Statement": statement}) is trusts
    assert trusts_lambda({"Statement": [statement]}) is trusts


def test_second_function_with_the_same_name_is_refused(api: Api) -> None:
    api.create("f")
    assert error(refusal(api.client.create_function, **valid())) == ("ResourceConflictException", "Function already exist: f")


def test_pending_function_refuses_changes_and_events(api: Api) -> None:
    api.backend.settle_s = 60
    api.client.create_function(**valid())
    message = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    assert error(refusal(api.client.invoke, FunctionName="f"))[1] == message
    assert error(refusal(api.client.update_function_configuration, FunctionName="f", Timeout=4))[1] == message


def test_old_code_serves_while_an_update_settles(api: Api) -> None:
    api.create("f")
    old = api.client.get_function(FunctionName="f")["Configuration"]["CodeSha256"]
    api.backend.settle_s = 60
    changed = api.client.update_function_code(FunctionName="f", ZipFile=zip_bytes({"handler.py": "x = 1\n"}))
    assert changed["CodeSha256"] != old
    assert api.store.route(REGION, "f", "").code_sha256 == old
    assert body(api.client.invoke(FunctionName="f", Payload=b'{"a":1}')) == {"a": 1}


def test_new_code_serves_after_an_update_and_retires_environments(api: Api) -> None:
    api.create("f")
    retired = len(api.engine.retired)
    changed = api.client.update_function_code(FunctionName="f", ZipFile=zip_bytes({"handler.py": "x = 1\n"}))
    api.wait_until_settled("f")
    assert api.store.route(REGION, "f", "").code_sha256 == changed["CodeSha256"]
    assert api.engine.retired[retired:] == [(f"{ARN}f", "$LATEST")], "published versions stay warm"
    api.client.delete_function(FunctionName="f")
    assert api.engine.retired[-1] == (f"{ARN}f", None)


def test_dry_run_changes_nothing(api: Api) -> None:
    api.create("f")
    before = api.client.get_function_configuration(FunctionName="f")
    answer = api.client.update_function_code(FunctionName="f", ZipFile=zip_bytes({"x.py": ""}), DryRun=True)
    assert answer["CodeSha256"] != before["CodeSha256"]
    after = api.client.get_function_configuration(FunctionName="f")
    assert before["RevisionId"] == after["RevisionId"]
    response = refusal(api.client.update_function_code, FunctionName="f", ZipFile=b"junk", DryRun=True)
    assert error(response)[1].startswith("Could not unzip uploaded file.")


def test_code_location_is_in_the_store(api: Api) -> None:
    api.create("f")
    function = api.client.get_function(FunctionName="f")
    sha = base64.b64decode(function["Configuration"]["CodeSha256"]).hex()
    assert function["Code"]["Location"] == f"{api.url}/_code/{sha}.zip"
    path = api.store.code.zip(sha)
    assert path is not None
    assert path.read_bytes() == zip_bytes()


def test_version_in_use_cannot_be_deleted(api: Api) -> None:
    api.create("f")
    api.client.publish_version(FunctionName="f")
    api.client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    message = "Unable to delete version because the following aliases reference it: [live]"
    assert error(refusal(api.client.delete_function, FunctionName="f", Qualifier="1"))[1] == message
    api.client.delete_alias(FunctionName="f", Name="live")
    api.client.delete_function(FunctionName="f", Qualifier="1")
    api.client.update_function_configuration(FunctionName="f", Description="new")
    api.wait_until_settled("f")
    assert api.client.publish_version(FunctionName="f")["Version"] == "2"  # a number is never used again


def test_update_without_a_difference_makes_a_new_version_too(api: Api) -> None:
    api.create("f")
    assert [api.client.publish_version(FunctionName="f")["Version"] for _ in range(2)] == ["1", "1"]
    api.client.update_function_configuration(FunctionName="f", Timeout=3)
    api.wait_until_settled("f")
    assert api.client.publish_version(FunctionName="f")["Version"] == "2"  # measured by users against AWS


WEIGHTS = "'routingConfig.additionalVersionWeights' failed to satisfy constraint"
VALUE_RULES = (
    "must satisfy constraint: [Member must have value less than or equal to 1.0, "
    "Member must have value greater than or equal to 0.0, Member must not be null]"
)
KEY_RULES = (
    "must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than "
    "or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
)


@pytest.mark.parametrize(
    ("version", "weights", "message"),
    [
        ("1", {"1": 0.5}, "Invalid function version 1. Function version 1 is already included in routing configuration."),
        ("$LATEST", {"1": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"2": 0.5, "3": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("1", {"2": 0.5}, f"Function not found: {ARN}f:2"),
        ("1", {"2": 2}, f"1 validation error detected: Value '{{2=2.0}}' at {WEIGHTS}: Map value {VALUE_RULES}"),
        ("1", {"x": 0.5}, f"1 validation error detected: Value '{{x=0.5}}' at {WEIGHTS}: Map keys {KEY_RULES}"),
        ("7", {}, f"Function not found: {ARN}f:7"),
    ],
)
def test_invalid_alias_is_refused(api: Api, version: str, weights: dict[str, float], message: str) -> None:
    api.create("f")
    api.client.publish_version(FunctionName="f")
    params = {
        "FunctionName": "f",
        "Name": "a",
        "FunctionVersion": version,
        "RoutingConfig": {"AdditionalVersionWeights": weights},
    }
    assert message in error(refusal(api.client.create_alias, **params))[1]


def test_alias_name_is_checked(api: Api) -> None:
    api.create("f")
    params = {"FunctionName": "f", "FunctionVersion": "$LATEST"}
    pattern = "pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    assert error(refusal(api.client.create_alias, Name="12", **params))[1].endswith(pattern)
    api.client.create_alias(Name="a", **params)
    assert error(refusal(api.client.create_alias, Name="a", **params))[1] == f"Alias already exists: {ARN}f:a"
    assert error(refusal(api.client.get_alias, FunctionName="f", Name="b"))[1] == f"Cannot find alias arn: {ARN}f:b"


def test_url_config_lifecycle(api: Api) -> None:
    api.create("f")
    api.client.create_alias(FunctionName="f", Name="live", FunctionVersion="$LATEST")
    cors = {"AllowOrigins": ["*"], "MaxAge": 5}
    created = api.client.create_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE", Cors=cors)
    port = api.url.rpartition(":")[2]
    url_id, _, domain = created["FunctionUrl"].removeprefix("http://").partition(".")
    assert domain == f"lambda-url.us-east-1.localhost:{port}/"
    assert (len(url_id), created["FunctionArn"], created["Cors"]) == (32, f"{ARN}f:live", cors)
    assert "InvokeMode" not in created
    assert "LastModifiedTime" not in created
    updated = api.client.update_function_url_config(FunctionName="f", Qualifier="live", AuthType="NONE")
    assert "InvokeMode" not in updated
    assert "LastModifiedTime" in updated
    url = api.store.url(url_id)
    assert url is not None
    assert (url.function, url.qualifier, url.auth_type, url.invoke_mode) == ("f", "live", "NONE", "BUFFERED")
    lead = "Failed to create function url config for [functionArn = "
    second = refusal(api.client.create_function_url_config, FunctionName="f", Qualifier="live", AuthType="NONE")
    assert error(second)[1] == f"{lead}{ARN}f:live]. Error message:  FunctionUrlConfig exists for this Lambda function"
    listed = api.client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]
    assert [url["InvokeMode"] for url in listed] == ["BUFFERED"]
    api.client.delete_alias(FunctionName="f", Name="live")
    assert api.store.url(url_id) is not None  # as on AWS: it stays, and answers 403
    api.client.delete_function(FunctionName="f")
    assert api.store.url(url_id) is None


def test_function_url_without_a_port() -> None:
    assert function_url("http://localhost", "a", "eu-west-1") == "http://a.lambda-url.eu-west-1.localhost/"


def test_statement_for_invocations_via_url() -> None:
    params = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True}
    assert build_statement(params, "arn", ACCOUNT) == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Resource": "arn",
        "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    }


def test_policy_belongs_to_its_qualifier(api: Api) -> None:
    api.create("f")
    api.client.create_alias(FunctionName="f", Name="live", FunctionVersion="$LATEST")
    before = api.client.get_alias(FunctionName="f", Name="live")["RevisionId"]
    params = {"FunctionName": "f", "Qualifier": "live", "Action": "lambda:InvokeFunction", "Principal": "*"}
    api.client.add_permission(StatementId="s", **params)
    assert [statement["Resource"] for statement in api.store.policy(REGION, "f", "live")] == [f"{ARN}f:live"]
    assert api.store.policy(REGION, "f", "") == []
    stale = refusal(api.client.add_permission, StatementId="t", RevisionId=before, **params)
    assert "Call the GetPolicy API" in error(stale)[1]


def test_list_functions_has_pages(api: Api) -> None:
    for number in range(5):
        api.client.create_function(**valid(FunctionName=f"f{number}"))
    pages = api.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [[function["FunctionName"] for function in page["Functions"]] for page in pages]
    assert names == [["f0", "f1"], ["f2", "f3"], ["f4"]]


def test_only_one_of_two_simultaneous_creations_succeeds(api: Api) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(client(api.url).create_function, **valid()) for _ in range(4)]
        outcomes = [call.exception() or call.result() for call in calls]
    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    assert all("Function already exist: f" in str(outcome) for outcome in outcomes if not isinstance(outcome, dict))


def test_zip_that_unpacks_to_more_than_250_mib_is_refused(api: Api) -> None:
    recording = Recording("TestLambdaSizeLimits::test_oversized_unzipped_lambda")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened, opened.open("zeros", "w") as member:
        for _ in range(251):
            member.write(bytes(1 << 20))
    recording.match_refusal("invalid_param_exc", api.client.create_function, **valid(Code={"ZipFile": buffer.getvalue()}))
    recording.assert_complete()


def test_function_and_url_survive_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, TODAY) as api:
        api.create("f")
        first = api.client.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    with serving(tmp_path, TODAY) as api:
        second = api.client.get_function_url_config(FunctionName="f")["FunctionUrl"]
        assert second.split(".")[0] == first.split(".")[0]
        assert second.endswith(f":{api.url.rpartition(':')[2]}/")


@pytest.mark.parametrize("document", ["[" * 5000, '{"Description": "\\ud800"}', '{"Timeout": NaN}', '{"Timeout": 1e999}', "{"])
def test_odd_json_is_a_serialization_error(api: Api, document: str) -> None:
    api.create("f")
    request = urllib.request.Request(f"{api.url}/2015-03-31/functions/f/configuration", document.encode(), method="PUT")
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=30)
    assert (raised.value.code, raised.value.headers["x-amzn-ErrorType"]) == (400, "SerializationException")
    raised.value.close()


def test_alias_of_latest_can_not_be_provisioned(api: Api) -> None:
    api.create("f")
    api.client.create_alias(FunctionName="f", Name="latest", FunctionVersion="$LATEST")
    response = refusal(
        api.client.put_provisioned_concurrency_config, FunctionName="f", Qualifier="latest", ProvisionedConcurrentExecutions=1
    )
    assert error(response) == (INVALID, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
