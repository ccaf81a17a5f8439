"""The local Lambda as its users meet it: one address, real processes, real HTTP."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.local import daemon
from support.local_service import INVOKE_PERMISSION, RUNTIME, URL_PERMISSION, Service, serving, zipped

AWS = Path(sys.executable).with_name("aws")
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as one:
        yield one


@pytest.fixture(scope="module")
def echo(service: Service) -> str:
    return service.public_url("echo")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_url_as_returned_answers_curl(service: Service, echo: str) -> None:
    assert echo.endswith(f".lambda-url.us-east-1.localhost:{service.port}/")
    said = subprocess.run(
        ["curl", "-sS", "-d", "hé", f"{echo}a%20b?x=1&x=2"], capture_output=True, timeout=60, check=True, text=True
    )
    event = json.loads(said.stdout)
    assert event["rawPath"] == "/a%20b" and event["requestContext"]["http"]["path"] == "/a b"
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["body"] == "aMOp" and event["isBase64Encoded"] is True
    assert event["headers"]["host"] == echo.removeprefix("http://").rstrip("/")


def test_host_header_and_path_reach_the_url_too(service: Service, echo: str) -> None:
    url_id = echo.removeprefix("http://").partition(".")[0]
    by_host = json.loads(service.fetch(f"{echo}p").body)
    with urllib.request.urlopen(f"{service.url}/_url/{url_id}/p?q=1", timeout=60) as answer:
        by_path = json.loads(answer.read())
    assert by_host["rawPath"] == by_path["rawPath"] == "/p"
    assert by_host["headers"]["host"] == by_path["headers"]["host"]
    aws_name = f"http://{url_id}.lambda-url.us-east-1.on.aws/"
    assert service.fetch(aws_name).status == 200


def test_answers_carry_the_request_id_of_their_log(service: Service, echo: str) -> None:
    got = service.fetch(echo)
    assert got.headers["x-amzn-trace-id"].startswith("Root=1-")
    request_id = got.headers["x-amzn-requestid"]
    assert json.loads(got.body)["requestContext"]["requestId"] == request_id
    found = service.client("logs").filter_log_events(logGroupName="/aws/lambda/echo", filterPattern=request_id)
    lines = [event["message"] for event in found["events"] if request_id in event["message"]]
    assert [line.split()[0] for line in lines] == ["START", "END", "REPORT"]


def test_head_has_no_body(service: Service, echo: str) -> None:
    got = service.fetch(echo, "HEAD")
    assert (got.status, got.body) == (200, b"") and int(got.headers["content-length"]) > 0


def test_a_function_that_raises_is_a_502_that_says_nothing(service: Service) -> None:
    got = service.fetch(service.public_url("raises", "def handler(event, context):\n    raise ValueError('secret')\n"))
    assert (got.status, got.body) == (502, b"Internal Server Error")


def test_buffered_function_behind_a_streaming_url(service: Service) -> None:
    url = service.public_url(
        "streams", "def handler(e, c):\n    return {'statusCode': 418, 'body': 'x'}\n", InvokeMode="RESPONSE_STREAM"
    )
    got = service.fetch(url)
    assert got.status == 200 and json.loads(got.body) == {"statusCode": 418, "body": "x"}


def test_large_requests_and_answers(service: Service, echo: str) -> None:
    assert service.fetch(echo, "POST", b"x" * 6_300_000, content_type="text/plain").status == 413
    big = service.public_url("big", "def handler(e, c):\n    return 'x' * 6300000\n")
    assert service.fetch(big).status == 502


def test_unknown_url_is_403_with_null(service: Service) -> None:
    got = service.fetch(f"http://{'a' * 32}.lambda-url.us-east-1.localhost/")
    assert (got.status, got.body) == (403, b'{"Message":null}')
    assert got.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_one_statement_is_not_enough_today(service: Service) -> None:
    service.function("half")
    client = service.client("lambda")
    client.add_permission(FunctionName="half", StatementId="url", **URL_PERMISSION)
    url = client.create_function_url_config(FunctionName="half", AuthType="NONE")["FunctionUrl"]
    got = service.fetch(url)
    assert got.status == 403 and json.loads(got.body) == {"Message": FORBIDDEN}
    [line] = [line for line in service.log().splitlines() if "403 from the URL of half:" in line]
    assert "no policy statement allows lambda:InvokeFunction (needed since October 2025)" in line
    pasted = line.partition("Run: ")[2].replace("aws ", f"{AWS} ", 1)
    subprocess.run(pasted, shell=True, check=True, capture_output=True, env=service.environ(), timeout=60)
    assert service.fetch(url).status == 200


def test_one_statement_is_enough_as_of_2024(tmp_path: Path) -> None:
    with serving(tmp_path, as_of=date(2024, 7, 7)) as then:
        then.function("old")
        client = then.client("lambda")
        url = client.create_function_url_config(FunctionName="old", AuthType="NONE")["FunctionUrl"]
        assert then.fetch(url).status == 403
        client.add_permission(FunctionName="old", StatementId="url", **URL_PERMISSION)
        assert then.fetch(url).status == 200


def test_a_url_behind_an_alias(service: Service) -> None:
    service.function("aliased")
    client = service.client("lambda")
    client.publish_version(FunctionName="aliased")
    client.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    for statement, permission in (("a", URL_PERMISSION), ("b", INVOKE_PERMISSION)):
        client.add_permission(FunctionName="aliased", Qualifier="live", StatementId=statement, **permission)
    url = client.create_function_url_config(FunctionName="aliased", Qualifier="live", AuthType="NONE")["FunctionUrl"]
    assert service.fetch(url).status == 200
    client.delete_alias(FunctionName="aliased", Name="live")
    assert service.fetch(url).status == 403


def test_reserved_concurrency_of_none_is_429(service: Service) -> None:
    url = service.public_url("reserved")
    service.client("lambda").put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    assert service.fetch(url).status == 429


def signed(url: str, key: str, secret: str, body: bytes = b"", token: str | None = None) -> dict[str, str]:
    request = AWSRequest("POST", url, data=body)
    SigV4Auth(Credentials(key, secret, token), "lambda", "us-east-1").add_auth(request)
    return {name: value for name, value in request.headers.items() if name.lower() != "host"}


def test_aws_iam_urls_check_signatures(service: Service) -> None:
    service.function("closed")
    client, iam = service.client("lambda"), service.client("iam")
    url = client.create_function_url_config(FunctionName="closed", AuthType="AWS_IAM")["FunctionUrl"]
    assert service.fetch(url, "POST", b"x").status == 403

    own = service.fetch(url, "POST", b"x", **signed(url, "lambent", "lambent", b"x"))
    assert own.status == 200
    event = json.loads(own.body)
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "lambent"
    assert event["requestContext"]["accountId"] == "123456789012" and "authorization" not in event["headers"]

    wrong = service.fetch(url, "POST", b"x", **signed(url, "lambent", "guess", b"x"))
    assert wrong.status == 403 and wrong.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert service.fetch(url, "POST", b"y", **signed(url, "lambent", "lambent", b"x")).status == 403

    iam.create_user(UserName="u")
    made = iam.create_access_key(UserName="u")["AccessKey"]
    key, secret = made["AccessKeyId"], made["SecretAccessKey"]
    assert service.fetch(url, "POST", b"", **signed(url, key, secret)).status == 403  # signed well, allowed nothing
    allow = {"Effect": "Allow", "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Resource": "*"}
    iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    got = service.fetch(url, "POST", b"", **signed(url, key, secret))
    assert got.status == 200
    assert json.loads(got.body)["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::123456789012:user/u"


def test_cors_is_answered_when_configured(service: Service) -> None:
    url = service.public_url("cors", Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"]})
    asked = {"Origin": "https://a.example", "Access_Control_Request_Method": "GET"}
    answer = service.fetch(url, "OPTIONS", **asked)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert service.fetch(url, Origin="https://a.example").headers["access-control-allow-origin"] == "https://a.example"


def test_options_reach_the_function_otherwise(service: Service, echo: str) -> None:
    got = service.fetch(echo, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    assert json.loads(got.body)["requestContext"]["http"]["method"] == "OPTIONS"


def test_the_aws_cli_invokes_with_a_log(service: Service, echo: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ["lambda", "invoke", "--function-name", "echo", "--payload", '{"a": 1}', "--log-type", "Tail", str(out)]
    words += ["--cli-binary-format", "raw-in-base64-out", "--query", "LogResult"]
    said = subprocess.run([AWS, *words], env=service.environ(), capture_output=True, text=True, timeout=60)
    if "cli-binary-format" in said.stderr:  # version 1 of the CLI has no such option
        said = subprocess.run(
            [AWS, *words[:-4], "--query", "LogResult"], env=service.environ(), capture_output=True, text=True, timeout=60
        )
    assert said.returncode == 0, said.stderr
    assert json.loads(out.read_text()) == {"statusCode": 200, "body": '{"a": 1}'} and len(json.loads(said.stdout)) > 50


def test_a_function_finds_its_own_role(service: Service) -> None:
    code = "import boto3\ndef handler(e, c):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    service.function("whoami", code)
    service.client("lambda").update_function_configuration(FunctionName="whoami", Timeout=30, MemorySize=512)
    service.client("lambda").get_waiter("function_updated_v2").wait(
        FunctionName="whoami", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    payload = service.client("lambda").invoke(FunctionName="whoami")["Payload"].read()
    assert json.loads(payload) == "arn:aws:sts::123456789012:assumed-role/r/whoami"


def test_code_from_s3_and_back(service: Service) -> None:
    s3, client = service.client("s3"), service.client("lambda")
    s3.create_bucket(Bucket="codes")
    s3.put_object(Bucket="codes", Key="a b.zip", Body=zipped({"app.py": "def handler(e, c):\n    return 7\n"}))
    client.create_function(
        FunctionName="from-s3",
        Runtime=RUNTIME,
        Role=service.role(),
        Handler="app.handler",
        Code={"S3Bucket": "codes", "S3Key": "a b.zip"},
    )
    location = client.get_function(FunctionName="from-s3")["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=10) as answer:
        assert answer.read() == s3.get_object(Bucket="codes", Key="a b.zip")["Body"].read()


def raw(service: Service, method: str, path: str, host: str = "127.0.0.1", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request(method, path, headers={"Host": host, **{n.replace("_", "-"): v for n, v in headers.items()}})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


def test_foreign_hosts_and_pages_are_refused(service: Service, echo: str) -> None:
    assert raw(service, "GET", "/_lambent/health")[0] == 200
    assert raw(service, "GET", "/_lambent/health", host=f"localhost:{service.port}")[0] == 200
    status, said = raw(service, "GET", "/_lambent/health", host="evil.example")
    assert status == 403 and "evil.example" in said["message"]
    assert raw(service, "POST", "/_lambent/shutdown", Origin="https://evil.example")[0] == 403
    assert raw(service, "GET", "/_lambent/health", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert raw(service, "GET", "/_lambent/health", Origin="http://localhost:3000")[0] == 200
    assert service.fetch(echo, Origin="https://elsewhere.example").status == 200  # Function URLs are public


def test_unsigned_requests_to_the_lambda_api_are_known_by_their_path(service: Service, echo: str) -> None:
    status, said = raw(service, "GET", "/2015-03-31/functions/")
    assert status == 200 and "echo" in [one["FunctionName"] for one in said["Functions"]]


def test_both_loopback_addresses(service: Service) -> None:
    try:
        connection = socket.create_connection(("::1", service.port), timeout=5)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    connection.close()
    with urllib.request.urlopen(f"http://[::1]:{service.port}/_lambent/health", timeout=5) as answer:
        assert json.loads(answer.read())["pid"] == service.pid


def test_a_browser_is_told_where_it_is(service: Service) -> None:
    asked = urllib.request.Request(service.url, headers={"Accept": "text/html,*/*"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert b"lambent's local Lambda" in answer.read()


def test_requests_under_way_are_finished_when_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path) as service, ThreadPoolExecutor(1) as threads:
        url = service.public_url("slow", "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'done'\n")
        asked = threads.submit(service.fetch, url)
        while not raw(service, "GET", "/_lambent/status")[1]["engine"]["environments"].get("slow:$LATEST", {}).get("busy"):
            assert not asked.done()
        daemon.stop(tmp_path)
        assert asked.result(timeout=30).body == b"done"


def test_status_counts(service: Service, echo: str) -> None:
    service.fetch(echo)
    deadline = time.monotonic() + 30
    while True:  # idle is what has asked for its next event, some moments after it has answered
        _, said = raw(service, "GET", "/_lambent/status")
        assert said["functions"] >= 1 and time.monotonic() < deadline, said
        if said["engine"]["environments"]["echo:$LATEST"]["idle"] >= 1:
            return
