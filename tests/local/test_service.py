"""The local Lambda as users see it: one address, real processes, real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.local import daemon
from support.local_service import INVOKE_PERMISSION, RUNTIME, URL_PERMISSION, Service, serving, zipped
from support.waiting import eventually

AWS = Path(sys.executable).with_name("aws")
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


@pytest.fixture(scope="module")
def echo(service: Service) -> str:
    return service.public_url("echo")


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_url_answers_curl(service: Service, echo: str) -> None:
    assert echo.endswith(f".lambda-url.us-east-1.localhost:{service.port}/")
    process = subprocess.run(
        ["curl", "-sS", "-d", "hé", f"{echo}a%20b?x=1&x=2"], capture_output=True, timeout=60, check=True, text=True
    )
    event = json.loads(process.stdout)
    assert event["rawPath"] == "/a%20b" and event["requestContext"]["http"]["path"] == "/a b"
    assert event["queryStringParameters"] == {"x": "1,2"}
    assert event["body"] == "aMOp" and event["isBase64Encoded"] is True
    assert event["headers"]["host"] == echo.removeprefix("http://").rstrip("/")


def test_url_can_be_called_by_host_header_and_by_path(service: Service, echo: str) -> None:
    url_id = echo.removeprefix("http://").partition(".")[0]
    by_host = json.loads(service.fetch(f"{echo}p").body)
    with urllib.request.urlopen(f"{service.url}/_url/{url_id}/p?q=1", timeout=60) as answer:
        by_path = json.loads(answer.read())
    assert by_host["rawPath"] == by_path["rawPath"] == "/p"
    assert by_host["headers"]["host"] == by_path["headers"]["host"]
    aws_name = f"http://{url_id}.lambda-url.us-east-1.on.aws/"
    assert service.fetch(aws_name).status == 200


def test_response_has_the_request_id_of_its_log(service: Service, echo: str) -> None:
    response = service.fetch(echo)
    assert response.headers["x-amzn-trace-id"].startswith("Root=1-")
    request_id = response.headers["x-amzn-requestid"]
    assert json.loads(response.body)["requestContext"]["requestId"] == request_id
    result = service.client("logs").filter_log_events(logGroupName="/aws/lambda/echo", filterPattern=request_id)
    lines = [event["message"] for event in result["events"] if request_id in event["message"]]
    assert [line.split()[0] for line in lines] == ["START", "END", "REPORT"]


def test_head_has_no_body(service: Service, echo: str) -> None:
    response = service.fetch(echo, "HEAD")
    assert (response.status, response.body) == (200, b"") and int(response.headers["content-length"]) > 0


def test_exception_is_502_without_details(service: Service) -> None:
    response = service.fetch(service.public_url("raises", "def handler(event, context):\n    raise ValueError('secret')\n"))
    assert (response.status, response.body) == (502, b"Internal Server Error")


def test_buffered_value_over_a_streaming_url_is_sent_send(service: Service) -> None:
    url = service.public_url(
        "streams", "def handler(e, c):\n    return {'statusCode': 418, 'body': 'x'}\n", InvokeMode="RESPONSE_STREAM"
    )
    response = service.fetch(url)
    assert response.status == 200 and json.loads(response.body) == {"statusCode": 418, "body": "x"}


def test_too_large_requests_and_responses_are_refused(service: Service, echo: str) -> None:
    assert service.fetch(echo, "POST", b"x" * 6_300_000, content_type="text/plain").status == 413
    assert "a Function URL takes 6 MB, which is about 4.5 MB of binary data" in service.log()
    big = service.public_url("big", "def handler(e, c):\n    return 'x' * 6300000\n")
    assert service.fetch(big).status == 502


def test_unknown_url_is_403_with_a_null_message(service: Service) -> None:
    response = service.fetch(f"http://{'a' * 32}.lambda-url.us-east-1.localhost/")
    assert (response.status, response.body) == (403, b'{"Message":null}')
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_one_policy_statement_is_not_enough_today(service: Service) -> None:
    service.function("half")
    client = service.client("lambda")
    client.add_permission(FunctionName="half", StatementId="url", **URL_PERMISSION)
    url = client.create_function_url_config(FunctionName="half", AuthType="NONE")["FunctionUrl"]
    response = service.fetch(url)
    assert response.status == 403 and json.loads(response.body) == {"Message": FORBIDDEN}
    [line] = [line for line in service.log().splitlines() if "403 from the URL of half:" in line]
    assert "no policy statement allows lambda:InvokeFunction (needed since October 2025)" in line
    command = line.partition("Run: ")[2].replace("aws ", f"{AWS} ", 1)
    subprocess.run(command, shell=True, check=True, capture_output=True, env=service.environ(), timeout=60)
    assert service.fetch(url).status == 200


def test_one_policy_statement_was_enough_in_2024(tmp_path: Path) -> None:
    with serving(tmp_path, as_of=date(2024, 7, 7)) as service:
        service.function("old")
        client = service.client("lambda")
        url = client.create_function_url_config(FunctionName="old", AuthType="NONE")["FunctionUrl"]
        assert service.fetch(url).status == 403
        client.add_permission(FunctionName="old", StatementId="url", **URL_PERMISSION)
        assert service.fetch(url).status == 200


def test_url_of_an_alias(service: Service) -> None:
    service.function("aliased")
    client = service.client("lambda")
    client.publish_version(FunctionName="aliased")
    client.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    for statement, permission in (("a", URL_PERMISSION), ("b", INVOKE_PERMISSION)):
        client.add_permission(FunctionName="aliased", Qualifier="live", StatementId=statement, **permission)
    url = client.create_function_url_config(FunctionName="aliased", Qualifier="live", AuthType="NONE")["FunctionUrl"]
    assert service.fetch(url).status == 200
    app = f"http://aliased.localhost:{service.port}/a"
    event = json.loads(service.fetch(app).body)
    assert event["headers"]["host"] == f"aliased.localhost:{service.port}" and event["rawPath"] == "/a"
    assert event["requestContext"]["domainName"] == urlsplit(url).hostname
    page = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-site", "Origin": app.removesuffix("/a")}
    assert service.fetch(f"{service.url}/2015-03-31/functions/", **page).status == 403, "the page of an app uses the API"
    client.delete_alias(FunctionName="aliased", Name="live")
    assert service.fetch(url).status == 403


def test_reserved_concurrency_of_zero_is_429(service: Service) -> None:
    url = service.public_url("reserved")
    client = service.client("lambda")
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    assert service.fetch(url).status == 429
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName="reserved")


def signed(url: str, key: str, secret: str, body: bytes = b"", token: str | None = None) -> dict[str, str]:
    request = AWSRequest("POST", url, data=body)
    SigV4Auth(Credentials(key, secret, token), "lambda", "us-east-1").add_auth(request)
    return {name: value for name, value in request.headers.items() if name.lower() != "host"}


def test_aws_iam_url_checks_signatures_and_policies(service: Service) -> None:
    service.function("closed")
    client, iam = service.client("lambda"), service.client("iam")
    url = client.create_function_url_config(FunctionName="closed", AuthType="AWS_IAM")["FunctionUrl"]
    assert service.fetch(url, "POST", b"x").status == 403

    accepted = service.fetch(url, "POST", b"x", **signed(url, "lambent", "lambent", b"x"))
    assert accepted.status == 200
    event = json.loads(accepted.body)
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "lambent"
    assert event["requestContext"]["accountId"] == "123456789012" and "authorization" not in event["headers"]

    wrong = service.fetch(url, "POST", b"x", **signed(url, "lambent", "guess", b"x"))
    assert wrong.status == 403 and wrong.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert service.fetch(url, "POST", b"y", **signed(url, "lambent", "lambent", b"x")).status == 403

    iam.create_user(UserName="u")
    access_key = iam.create_access_key(UserName="u")["AccessKey"]
    key, secret = access_key["AccessKeyId"], access_key["SecretAccessKey"]
    assert (
        service.fetch(url, "POST", b"", **signed(url, key, secret)).status == 403
    )  # correctly signed, but without permissions
    allow = {"Effect": "Allow", "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Resource": "*"}
    iam.put_user_policy(
        UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    response = service.fetch(url, "POST", b"", **signed(url, key, secret))
    assert response.status == 200
    assert json.loads(response.body)["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::123456789012:user/u"


def test_preflight_is_answered_if_cors_is_configured(service: Service) -> None:
    url = service.public_url("cors", Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"]})
    headers = {"Origin": "https://a.example", "Access_Control_Request_Method": "GET"}
    response = service.fetch(url, "OPTIONS", **headers)
    assert (response.status, response.body) == (200, b"")
    assert response.headers["access-control-allow-origin"] == "https://a.example"
    assert service.fetch(url, Origin="https://a.example").headers["access-control-allow-origin"] == "https://a.example"


def test_options_request_reaches_the_function_without_cors(service: Service, echo: str) -> None:
    response = service.fetch(echo, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    assert json.loads(response.body)["requestContext"]["http"]["method"] == "OPTIONS"


def test_aws_cli_invokes_with_a_log(service: Service, echo: str, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    words = ["lambda", "invoke", "--function-name", "echo", "--payload", '{"a": 1}', "--log-type", "Tail", str(out)]
    words += ["--cli-binary-format", "raw-in-base64-out", "--query", "LogResult"]
    process = subprocess.run([AWS, *words], env=service.environ(), capture_output=True, text=True, timeout=60)
    if "cli-binary-format" in process.stderr:  # version 1 of the CLI has no such option
        process = subprocess.run(
            [AWS, *words[:-4], "--query", "LogResult"], env=service.environ(), capture_output=True, text=True, timeout=60
        )
    assert process.returncode == 0, process.stderr
    assert json.loads(out.read_text()) == {"statusCode": 200, "body": '{"a": 1}'} and len(json.loads(process.stdout)) > 50


def test_function_has_the_credentials_of_its_role(service: Service) -> None:
    code = "import boto3\ndef handler(e, c):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    service.function("whoami", code)
    service.client("lambda").update_function_configuration(FunctionName="whoami", Timeout=30, MemorySize=512)
    service.client("lambda").get_waiter("function_updated_v2").wait(
        FunctionName="whoami", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    payload = service.client("lambda").invoke(FunctionName="whoami")["Payload"].read()
    assert json.loads(payload) == "arn:aws:sts::123456789012:assumed-role/r/whoami"


def test_code_comes_from_s3_and_can_be_downloaded(service: Service) -> None:
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


def send(service: Service, method: str, path: str, host: str = "127.0.0.1", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request(method, path, headers={"Host": host, **{n.replace("_", "-"): v for n, v in headers.items()}})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


def environments(service: Service) -> dict[str, dict[str, int]]:
    """Return the environments by function version, from the status."""
    return dict(send(service, "GET", "/_lambent/status")[1]["engine"]["environments"])


def test_other_hosts_and_pages_of_other_sites_are_refused(service: Service, echo: str) -> None:
    assert send(service, "GET", "/_lambent/health")[0] == 200
    assert send(service, "GET", "/_lambent/health", host=f"localhost:{service.port}")[0] == 200
    status, document = send(service, "GET", "/_lambent/health", host="evil.example")
    assert status == 403 and "evil.example" in document["message"]
    assert send(service, "POST", "/_lambent/shutdown", Origin="https://evil.example")[0] == 403
    assert send(service, "GET", "/_lambent/health", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert send(service, "GET", "/_lambent/health", Origin="http://localhost:3000")[0] == 200
    assert service.fetch(echo, Origin="https://elsewhere.example").status == 200  # Function URLs are public


@pytest.mark.parametrize(("method", "status"), [("POST", 403), ("PUT", 404), ("GET", 404)])
def test_steps_of_lambent_dev_need_the_secret(service: Service, method: str, status: int) -> None:
    step = json.dumps({"function": "echo", "region": "us-east-1", "pid": os.getpid()}).encode()
    assert service.fetch(f"{service.url}/_lambent/dev/begin", method, step).status == status


def test_unsigned_request_reaches_the_lambda_api_by_its_path(service: Service, echo: str) -> None:
    status, document = send(service, "GET", "/2015-03-31/functions/")
    assert status == 200 and "echo" in [function["FunctionName"] for function in document["Functions"]]


def test_service_answers_on_ipv6(service: Service) -> None:
    try:
        connection = socket.create_connection(("::1", service.port), timeout=5)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    connection.close()
    with urllib.request.urlopen(f"http://[::1]:{service.port}/_lambent/health", timeout=5) as answer:
        assert json.loads(answer.read())["pid"] == service.pid


def test_browser_gets_a_welcome_page(service: Service) -> None:
    request = urllib.request.Request(service.url, headers={"Accept": "text/html,*/*"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert b"lambent's local Lambda" in answer.read()


def test_stop_waits_for_running_requests(tmp_path: Path) -> None:
    with serving(tmp_path) as service, ThreadPoolExecutor(1) as threads:
        url = service.public_url("slow", "import time\ndef handler(e, c):\n    time.sleep(1)\n    return 'done'\n")
        response = threads.submit(service.fetch, url)
        eventually(lambda: environments(service).get("slow:$LATEST", {}).get("busy"))
        daemon.stop(tmp_path)
        assert response.result(timeout=30).body == b"done"


def test_status_counts_functions_and_environments(service: Service, echo: str) -> None:
    service.fetch(echo)
    assert send(service, "GET", "/_lambent/status")[1]["functions"] >= 1
    # an environment is idle once it has asked for its next event, a moment after its response
    eventually(lambda: environments(service)["echo:$LATEST"]["idle"] >= 1)
