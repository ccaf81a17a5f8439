"""Files of the zip that the runtime serves before the app sees the request."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from lambent.runtime.request import read
from lambent.runtime.response import Response
from lambent.runtime.static_files import StaticFilesHost
from lambent.runtime.wsgi import WsgiHost
from support.runtime_api_stub import make_event

FILES = {
    "staticfiles/site.css": b"body { color: teal }",
    "staticfiles/site.css.br": b"brotli",
    "staticfiles/site.css.gz": b"gzip",
    "staticfiles/app.55e7cbb9ba48.js": b"let a = 1",
    "staticfiles/img/ü b.png": b"\x89PNG",
    "staticfiles/.env": b"SECRET=1",
    "dist/index.html": b"<h1>home</h1>",
    "dist/assets/index-BxYz12k3.js": b"let b = 2",
    "dist/sub/data.json": b"{}",
    "secret.txt": b"secret",
}


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"from the app"]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StaticFilesHost:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    return StaticFilesHost(WsgiHost(app), "/=dist /static=staticfiles")


def answer(
    host: StaticFilesHost, path: str, method: str = "GET", base_path: str = "", **headers: str
) -> tuple[int, Any, bytes]:
    delivered: list[bytes] = []
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = read(make_event(method, path, headers=names), None, base_path)
    host.handle(request, Response(request, delivered.append))
    response = json.loads(delivered[0])
    body = response["body"].encode()
    return response["statusCode"], response["headers"], base64.b64decode(body) if response["isBase64Encoded"] else body


def test_a_file_with_its_type_and_a_short_cache(host: StaticFilesHost) -> None:
    status, headers, body = answer(host, "/static/site.css")
    assert (status, body) == (200, FILES["staticfiles/site.css"])
    assert headers["content-type"] == "text/css; charset=utf-8" and headers["content-length"] == str(len(body))
    assert headers["cache-control"] == "public, max-age=60" and headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("path", ["/static/app.55e7cbb9ba48.js", "/assets/index-BxYz12k3.js"])
def test_a_name_with_a_hash_is_cached_for_long(host: StaticFilesHost, path: str) -> None:
    assert "immutable" in answer(host, path)[1]["cache-control"]


@pytest.mark.parametrize("name", ["book-Chapter1.pdf", "budget-2024Plan.pdf", "scan-20240131.pdf", "slides-Week12Intro.pdf"])
def test_words_with_a_number_are_not_taken_for_a_hash(host: StaticFilesHost, tmp_path: Path, name: str) -> None:
    (tmp_path / "dist" / name).write_bytes(b"x")
    assert answer(host, f"/{name}")[1]["cache-control"] == "public, max-age=60"


def test_an_unchanged_file_is_not_sent_again(host: StaticFilesHost) -> None:
    tag = answer(host, "/static/site.css")[1]["etag"]
    status, headers, body = answer(host, "/static/site.css", if_none_match=f'"other", W/{tag}')
    assert (status, body, headers["etag"]) == (304, b"", tag)
    assert headers["content-type"].startswith("text/css")  # without one AWS says JSON, which caches would take over
    assert answer(host, "/static/site.css", if_none_match='"other"')[0] == 200


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, br", "br", b"brotli"),
        ("gzip", "gzip", b"gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzip"),
        ("deflate", None, None),
    ],
)
def test_a_compressed_copy_beside_the_file(host: StaticFilesHost, accepted: str, encoding: str, content: bytes) -> None:
    _, headers, body = answer(host, "/static/site.css", accept_encoding=accepted)
    assert headers.get("content-encoding") == encoding and body == (content or FILES["staticfiles/site.css"])
    assert headers["etag"] != answer(host, "/static/site.css")[1]["etag"] or encoding is None


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"body", "bytes 0-3/20"),
        ("bytes=-6", 206, b"teal }", "bytes 14-19/20"),
        ("bytes=14-", 206, b"teal }", "bytes 14-19/20"),
        ("bytes=14-999", 206, b"teal }", "bytes 14-19/20"),
        ("bytes=20-", 416, b"", "bytes */20"),
        ("bytes=-0", 416, b"", "bytes */20"),
        ("bytes=0-1,4-5", 200, FILES["staticfiles/site.css"], None),
        ("bytes=5-2", 200, FILES["staticfiles/site.css"], None),
        ("lines=1-2", 200, FILES["staticfiles/site.css"], None),
    ],
)
def test_ranges(host: StaticFilesHost, wanted: str, status: int, body: bytes, content_range: str | None) -> None:
    got, headers, content = answer(host, "/static/site.css", range=wanted, accept_encoding="br")
    assert (got, content, headers.get("content-range")) == (status, body, content_range)
    assert answer(host, "/static/site.css", range=wanted, if_range='"other"')[0] == 200


def test_head_has_the_headers_of_get(host: StaticFilesHost) -> None:
    status, headers, body = answer(host, "/static/site.css", "HEAD")
    assert (status, headers, body) == (200, answer(host, "/static/site.css")[1], b"")


def test_a_page_at_the_end_of_a_folder(host: StaticFilesHost) -> None:
    assert answer(host, "/")[2] == b"<h1>home</h1>"
    assert answer(host, "/sub/data.json")[1]["content-type"] == "application/json"
    assert answer(host, "/shop/sub/data.json", base_path="/shop")[2] == b"{}"


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../secret.txt", "/static/%2e%2e/secret.txt", "/static/..%2fsecret.txt", "/static//etc/passwd"),
        *("/static/.env", "/static/%2Eenv", "/static/site.css%00", "/static/img", "/static/img/", "/static/", "/static"),
        *("/sub", "/sub/", "/staticfiles/site.css", "/nothing"),
    ],
)
def test_everything_else_goes_to_the_app(host: StaticFilesHost, path: str) -> None:
    assert answer(host, path)[2] == b"from the app"


def test_other_methods_go_to_the_app(host: StaticFilesHost) -> None:
    assert answer(host, "/static/site.css", "POST")[2] == b"from the app"
