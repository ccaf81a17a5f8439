"""Which pages may use the API."""

from __future__ import annotations

import pytest

from lambent.local.host_check import app_host, is_navigation, is_refused_page, is_s3_object, split_app_host
from lambent.local.http import Request

PORT = 4580
URL = "http://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.localhost:4580"


def request(method: str = "POST", path: str = "/", query: str = "", **headers: str) -> Request:
    return Request(method, path, query, tuple((name.replace("_", "-"), value) for name, value in headers.items()), b"")


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ({}, False),  # not a browser
        ({"origin": "http://localhost:3000"}, False),  # a frontend's server on this machine
        ({"origin": "http://127.0.0.1:8000"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://[::1"}, True),
        ({"origin": "http://localhost@evil.example"}, True),
        ({"origin": URL}, True),  # a function's page
        ({"origin": "http://app.localhost:3000"}, True),
        ({"origin": "http://127.0.0.1:4580"}, True),  # /_url/<id>/ or an object in S3
        ({"origin": "http://localhost:4580"}, True),
        ({"referer": f"{URL}/page"}, True),
        ({"referer": "http://127.0.0.1:4580/_url/abc/"}, True),
        ({"referer": "http://localhost:3000/"}, False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, True),
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}, True),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, False),  # typed into the address bar
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "origin": "https://evil.example"}, True),  # a form
    ],
)
def test_pages_of_other_sites_and_of_functions_are_refused(headers: dict[str, str], is_refused: bool) -> None:
    assert is_refused_page(request(**headers), PORT, is_s3=False) is is_refused


@pytest.mark.parametrize(
    ("path", "query", "is_refused"),
    [
        ("/", "", False),
        ("/_lambent/status", "", False),
        ("/", "Action=DeleteUser&UserName=u&X-Amz-Credential=lambent/20260101/us-east-1/iam/aws4_request", True),
        ("/2015-03-31/functions/", "", True),
    ],
)
def test_link_on_another_page_reaches_only_pages_of_the_service(path: str, query: str, is_refused: bool) -> None:
    linked = request("GET", path, query, sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert is_refused_page(linked, PORT, is_s3=False) is is_refused


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("shop.localhost", ("shop", "us-east-1")),
        ("shop-staging.localhost", ("shop-staging", "us-east-1")),
        ("shop.eu-west-1.localhost", ("shop", "eu-west-1")),
        ("localhost", None),
        ("127.0.0.1", None),
        ("bucket.s3.localhost", None),
        ("shop.localhost.evil.example", None),
        (f"{'a' * 32}.lambda-url.us-east-1.localhost", None),
    ],
)
def test_host_name_of_an_app(name: str, app: tuple[str, str] | None) -> None:
    assert split_app_host(name, "us-east-1") == app
    assert app is None or app_host(*app, "us-east-1") == name


def test_host_name_of_an_app_has_no_underscore() -> None:
    assert app_host("Hello_World", "us-east-1", "us-east-1") == "hello-world.localhost"
    assert split_app_host("hello_world.localhost", "us-east-1") == ("hello-world", "us-east-1")


def test_pages_of_this_machine_may_use_s3_as_on_aws() -> None:
    assert not is_refused_page(request("PUT", "/bucket/key", origin=URL), PORT, is_s3=True)
    assert is_refused_page(request("PUT", "/bucket/key", origin="https://evil.example"), PORT, is_s3=True)


SCOPE = "X-Amz-Signature=0&X-Amz-Credential=lambent%2F20260101%2Fus-east-1%2F{}%2Faws4_request"


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "is_object"),
    [
        ("GET", "/bucket/a/b.png", "", {}, True),
        ("OPTIONS", "/bucket/key", "", {}, True),
        ("PUT", "/bucket/key", SCOPE.format("s3"), {}, True),
        ("PUT", "/bucket/key", "Signature=x&AWSAccessKeyId=lambent&Expires=1", {}, True),
        ("POST", "/bucket", "", {"content_type": "multipart/form-data; boundary=x"}, True),
        ("PUT", "/bucket/key", "", {}, False),  # unsigned
        ("DELETE", "/bucket/key", "", {}, False),
        ("GET", "/", "", {}, False),
        ("GET", "/bucket", "", {}, False),
        ("PUT", "/bucket/key", SCOPE.format("iam"), {}, False),
        ("GET", "/bucket/key", "Action=DeleteUser", {}, False),
        ("PUT", "/bucket/key", SCOPE.format("s3"), {"content_type": "application/x-www-form-urlencoded"}, False),
        ("PUT", "/bucket/key", SCOPE.format("s3"), {"authorization": "AWS4-HMAC-SHA256 x"}, False),
        ("GET", "/iam_us-east-1/x", "", {}, False),  # moto's own way to name a service
    ],
)
def test_requests_for_objects_of_s3_are_recognized(
    method: str, path: str, query: str, headers: dict[str, str], is_object: bool
) -> None:
    assert is_s3_object(request(method, path, query, **headers)) is is_object


def test_navigation_is_recognized() -> None:
    assert is_navigation(request("GET", accept="text/html,*/*"))
    assert is_navigation(request("POST", sec_fetch_dest="iframe"))
    assert not is_navigation(request("GET", accept="text/html", sec_fetch_dest="empty"))
    assert not is_navigation(request("GET", accept="*/*"))
