"""Unusual paths of requests, from the client's bytes to what the function, the signature and S3 make of them.

For Function URLs AWS passes a path on as it is; for the signature it is normalized, which only S3 doesn't do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support import raw_http
from support.local_service import Service, serving

PATHS = (
    "//a",
    "///",
    "/./a",
    "/a/../b",
    "/../../etc/passwd",
    "/a/",
    "/a//b/./",
    "/%2F",
    "/%2Fa",
    "/%2e%2e/a",
    "/a%",
    "/a%20b",
    "/;x",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def public(service: Service) -> str:
    return service.public_url("public")


@pytest.fixture(scope="module")
def private(service: Service) -> str:
    service.function("private")
    return str(service.client("lambda").create_function_url_config(FunctionName="private", AuthType="AWS_IAM")["FunctionUrl"])


def send(service: Service, url: str, target: str, headers: tuple[tuple[str, str], ...] = ()) -> raw_http.Response:
    client = raw_http.Client(service.port, urlsplit(url).netloc)
    try:
        return client.send(raw_http.Request(target=target, headers=headers))
    finally:
        client.close()


def signed_headers(url: str, path: str) -> tuple[tuple[str, str], ...]:
    request = AWSRequest("GET", url.rstrip("/") + path, headers={"Host": urlsplit(url).netloc})
    SigV4Auth(Credentials("lambent", "lambent"), "lambda", "us-east-1").add_auth(request)
    return tuple((name, value) for name, value in request.headers.items() if name != "Host")


def seen_path(response: raw_http.Response) -> tuple[str, str]:
    assert response.status == 200, response
    event = json.loads(response.body)
    return event["rawPath"], event["requestContext"]["http"]["path"]


@pytest.mark.parametrize("path", PATHS)
def test_function_gets_the_path_as_it_was_sent(service: Service, public: str, private: str, path: str) -> None:
    url_id = urlsplit(public).netloc.partition(".")[0]
    assert seen_path(send(service, public, path)) == (path, unquote(path))
    assert seen_path(send(service, service.url, f"/_url/{url_id}{path}")) == (path, unquote(path))
    assert seen_path(send(service, private, path, signed_headers(private, path))) == (path, unquote(path))


@pytest.mark.parametrize(
    ("signed", "sent"), [("/a", "/b"), ("/a", "/a/"), ("/a/b", "/a%2Fb"), ("/%2F", "/"), ("/a", "/a/b/..%2F")]
)
def test_signature_of_another_path_is_refused(service: Service, private: str, signed: str, sent: str) -> None:
    response = send(service, private, sent, signed_headers(private, signed))
    assert (response.status, response.values("x-amzn-errortype")) == (403, ["InvalidSignatureException"])


@pytest.mark.parametrize("key", ["/a", "//a", "a//b", "./a", "a/./b", "a/", "%2F", "a%2Fb", " a b+c", "ü/?#&"])
def test_s3_keeps_keys_apart_that_look_like_the_same_path(service: Service, key: str) -> None:
    s3 = service.client("s3")
    s3.create_bucket(Bucket="keys")
    s3.put_object(Bucket="keys", Key="a", Body=b"a")
    s3.put_object(Bucket="keys", Key=key, Body=key.encode())
    assert s3.get_object(Bucket="keys", Key=key)["Body"].read() == key.encode()
    assert s3.get_object(Bucket="keys", Key="a")["Body"].read() == b"a"
    assert sorted(each["Key"] for each in s3.list_objects_v2(Bucket="keys")["Contents"]) == sorted(["a", key])
    s3.delete_object(Bucket="keys", Key=key)


@pytest.mark.parametrize(
    "path", ["//2015-03-31/functions", "/./2015-03-31/functions/public", "/2015-03-31/functions/..%2Fpublic"]
)
def test_lambda_api_has_no_other_paths(service: Service, public: str, path: str) -> None:
    """Neither a function nor a 500: an operation is at its own path only."""
    response = send(service, service.url, path, signed_headers(service.url, path))
    assert 400 <= response.status < 500, response


@pytest.mark.parametrize(
    "path", ["//_lambent/shutdown", "/./_lambent/shutdown", "/_lambent%2Fshutdown", "//moto-api/reset", "/x/../moto-api/reset"]
)
def test_administrative_paths_have_no_second_form(service: Service, path: str) -> None:
    before = service.client("lambda").list_functions()["Functions"]
    client = raw_http.Client(service.port, urlsplit(service.url).netloc)
    response = client.send(raw_http.Request("POST", path))
    client.close()
    assert 400 <= response.status < 500, response
    assert service.client("lambda").list_functions()["Functions"] == before
