"""Clients that send what no AWS SDK would, and web pages in a browser, against a running service."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from support.local_service import Service


@pytest.fixture(scope="module")
def echo(service: Service) -> str:
    return service.public_url("hostile-echo")


def exchange(service: Service, data: bytes) -> bytes:
    """Send bytes on a new connection, and return everything until the service closes it."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # the service closes without reading the rest
            while chunk := connection.recv(1 << 16):
                answer += chunk
        return answer


def test_page_of_a_function_can_not_use_the_api(service: Service, echo: str) -> None:
    origin = echo.rstrip("/")
    path = "/2015-03-31/functions/hostile-echo/invocations"
    for headers in ({"Origin": origin}, {"Referer": echo}, {"Origin": service.url}, {"Referer": f"{service.url}/_url/x/"}):
        response = service.fetch(service.url + path, "POST", b"{}", **headers)
        assert response.status == 403 and b"this page can't use the API" in response.body
    assert service.fetch(service.url + path, "POST", b"{}", Origin="http://localhost:3000").status == 200


def test_browser_is_sent_to_the_host_of_a_url(service: Service, echo: str) -> None:
    path = f"{service.url}/_url/{echo.removeprefix('http://').partition('.')[0]}/a%20b?x=1"
    response = service.fetch(path, Accept="text/html", Sec_Fetch_Dest="document", Sec_Fetch_Mode="navigate")
    assert (response.status, response.headers["location"]) == (307, f"{echo}a%20b?x=1")
    assert json.loads(service.fetch(path).body)["rawPath"] == "/a%20b"


def test_page_of_a_function_can_upload_to_s3_with_a_presigned_url(service: Service, echo: str) -> None:
    s3 = service.client("s3")
    s3.create_bucket(Bucket="uploads")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "uploads", "Key": "k"})
    origin = echo.rstrip("/")
    preflight = service.fetch(url, "OPTIONS", Origin=origin, Access_Control_Request_Method="PUT")
    assert preflight.status == 200 and preflight.headers["access-control-allow-origin"] in ("*", origin)
    assert service.fetch(url, "PUT", b"content", Origin=origin).status == 200
    form = s3.generate_presigned_post("uploads", "form")
    parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in form["fields"].items()]
    parts.append('--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncontent')
    body = "\r\n".join([*parts, "--x--", ""]).encode()
    posted = service.fetch(form["url"], "POST", body, Origin=origin, Content_Type="multipart/form-data; boundary=x")
    assert posted.status in (200, 204)
    assert s3.get_object(Bucket="uploads", Key="k")["Body"].read() == b"content"
    assert s3.get_object(Bucket="uploads", Key="form")["Body"].read() == b"content"


def test_headers_are_bounded(service: Service) -> None:
    head = b"GET /_lambent/health HTTP/1.1\r\nHost: localhost\r\n"
    for headers in (b"X: " + b"x" * 300_000, b"X: x\r\n" * 60_000):
        answer = exchange(service, head + headers)  # "" if the connection was reset before the answer could be read
        assert answer[:13] in (b"HTTP/1.1 431 ", b"")


def test_body_is_refused_before_it_is_read_whole(service: Service) -> None:
    """The service answers although most of the body never comes."""
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
    head += b"Authorization: AWS4-HMAC-SHA256 Credential=lambent/20260101/us-east-1/dynamodb/aws4_request\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(head + b"Content-Length: 10000000000\r\n\r\n")
        for _ in range(70):
            connection.sendall(b"x" * (1 << 20))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_trailers_do_not_become_headers(service: Service, echo: str) -> None:
    host = echo.removeprefix("http://").rstrip("/")
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = exchange(service, head.encode() + b"1\r\nx\r\n0\r\nX-Trailer: 1\r\n\r\n")
    event = json.loads(answer[answer.index(b"{") :])
    assert "x-trailer" not in event["headers"] and event["body"]
