"""Several functions behind one URL: which one a request is for, and what it gets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambent.runtime.function_router import FunctionRouter
from lambent.runtime.resource_paths import match, most_specific_first

HANDLER = "def handler(event, context):\n    return {'name': __name__, 'event': event}\n"


def route(method: str, path: str, name: str = "one", payload: str = "2.0", folder: str = "") -> dict[str, str]:
    return {"method": method, "path": path, "handler": f"{name}.handler", "folder": folder, "payload": payload}


def request(method: str, path: str) -> dict[str, Any]:
    context = {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "routeKey": "$default"}
    return {"version": "2.0", "routeKey": "$default", "rawPath": path, "headers": {}, "requestContext": context}


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that is first on the import path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.py").write_text(HANDLER)


@pytest.mark.parametrize(
    ("method", "path", "name", "key"),
    [
        ("GET", "/items", "one", "GET /items"),
        ("GET", "/items/", "one", "GET /items"),
        ("POST", "/items", "two", "ANY /items"),
        ("GET", "/items/new", "three", "GET /items/new"),
        ("GET", "/items/7", "four", "GET /items/{id}"),
        ("DELETE", "/items/7/parts/8", "five", "ANY /items/{rest+}"),
        ("DELETE", "/elsewhere/7", "last", "$default"),
    ],
)
def test_the_most_specific_route_decides(code: Path, method: str, path: str, name: str, key: str) -> None:
    write(code, "one", "two", "three", "four", "five", "last")
    routes = [
        *(route("ANY", "", "last"), route("ANY", "/items/{rest+}", "five"), route("GET", "/items/{id}", "four")),
        *(route("GET", "/items/new", "three"), route("ANY", "/items", "two"), route("GET", "/items", "one")),
    ]
    result = FunctionRouter(routes)(request(method, path), None)
    assert (result["name"], result["event"]["routeKey"]) == (name, key)
    assert result["event"]["requestContext"]["routeKey"] == key


def test_an_http_api_decodes_the_path_and_a_rest_api_does_not(code: Path) -> None:
    write(code, "one")
    router = FunctionRouter([route("GET", "/a/{name}"), route("GET", "/b/{name}", payload="1.0")])
    event = router(request("GET", "/a/x%20y"), None)["event"]
    assert (event["rawPath"], event["pathParameters"]) == ("/a/x y", {"name": "x y"})
    event = router(request("GET", "/b/x%20y"), None)["event"]
    assert (event["path"], event["resource"], event["pathParameters"]) == ("/b/x%20y", "/b/{name}", {"name": "x%20y"})


def test_a_request_for_no_function_gets_404_and_another_event_an_error(code: Path) -> None:
    write(code, "one")
    router = FunctionRouter([route("GET", "/a")])
    assert router(request("POST", "/a"), None)["statusCode"] == 404
    assert router(request("GET", "/b"), None)["statusCode"] == 404
    with pytest.raises(ValueError, match="isn't an HTTP request"):
        router({"Records": []}, None)


def test_preflight_requests_are_answered_as_a_rest_api_does(code: Path) -> None:
    write(code, "one")
    preflight = {
        "method": "OPTIONS",
        "path": "/a",
        "origins": ["https://a", "https://b"],
        "headers": {"access-control-max-age": "9"},
    }
    router = FunctionRouter([route("ANY", "/a"), preflight])
    for origin, allowed in (("https://b", "https://b"), ("https://c", "https://a")):
        response = router({**request("OPTIONS", "/a"), "headers": {"origin": origin}}, None)
        assert response["headers"] == {"access-control-allow-origin": allowed, "access-control-max-age": "9"}
    assert router(request("GET", "/a"), None)["name"] == "one"
    assert router(request("OPTIONS", "/b"), None)["statusCode"] == 404


def test_own_headers_of_cors_are_left_out_where_the_url_adds_them(code: Path) -> None:
    text = "def handler(event, context):\n    return {'headers': {'Access-Control-Allow-Origin': '*', 'X': '1'}}\n"
    (code / "one.py").write_text(text)
    for has_cors, names in ((False, ["Access-Control-Allow-Origin", "X"]), (True, ["X"])):
        assert list(FunctionRouter([route("GET", "/a")], has_cors=has_cors)(request("GET", "/a"), None)["headers"]) == names


def test_each_folder_has_modules_of_its_own(code: Path) -> None:
    for folder in ("first", "second"):
        (code / folder / "inner").mkdir(parents=True)
        (code / folder / "inner" / "names.py").write_text(f"NAME = '{folder}'\n")
        text = "def handler(event, context):\n    import inner.names\n    return inner.names.NAME\n"
        (code / folder / "app.py").write_text(text)
    router = FunctionRouter([route("GET", f"/{folder}", "app", folder=folder) for folder in ("first", "second")])
    names = ["first", "second", "second", "first"]
    assert [router(request("GET", f"/{name}"), None) for name in names] == names


def test_functions_see_their_own_variables_at_import_and_in_a_request(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVEL", "user")
    (code / "settings.py").write_text("import os\nTABLE = os.environ.get('TABLE')\n")
    (code / "inner").mkdir()
    text = "import os, settings\nAT_IMPORT = settings.TABLE\ndef handler(event, context):\n"
    text += "    return AT_IMPORT, os.environ.get('TABLE'), os.environ['LEVEL']\n"
    for name in ("one", "two", "inner/app"):
        (code / f"{name}.py").write_text(text)
    first, second, third = (
        route("GET", "/a") | {"variables": {"TABLE": "items", "LEVEL": "debug"}},
        route("GET", "/b", "app", folder="inner") | {"variables": {"TABLE": "users"}},
        route("GET", "/c", "two") | {"variables": {}},
    )
    router = FunctionRouter([first, second, third], own_files=["settings.py", "one.py", "two.py", "inner/app.py"])
    tables = {"/a": "items", "/b": "users", "/c": None}
    for path in ("/a", "/b", "/c", "/b", "/a", "/c"):
        assert router(request("GET", path), None) == (tables[path], tables[path], "user")


def test_what_an_import_raises_is_raised_at_the_start(code: Path) -> None:
    (code / "one.py").write_text("import os\nos.environ['NOT_SET']\n")
    with pytest.raises(KeyError, match="NOT_SET"):
        FunctionRouter([route("GET", "/a")])


def test_paths_are_tried_in_the_order_of_api_gateway() -> None:
    paths = ["/{proxy+}", "/a/{proxy+}", "/a/{id}", "/a/b", "/{x}/{y}"]
    assert most_specific_first(paths) == ["/a/b", "/a/{id}", "/{x}/{y}", "/a/{proxy+}", "/{proxy+}"]
    assert match("/a.b/{id}", "/a.b/1") == {"id": "1"}
    assert match("/a.b/{id}", "/axb/1") is None
    assert match("/{user-id}/x", "/7/x") == {"user-id": "7"}
