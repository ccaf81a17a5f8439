"""What the runtime gets to know about several functions."""

from __future__ import annotations

import json
from pathlib import Path

from lambent.package.function_settings import routes_file
from support.configs import load_config
from support.detection import write_project

SERVERLESS = """\
functions:
  one: {handler: one.handler, events: [{http: {path: a, method: get, cors: {origin: "https://a", headers: [X], maxAge: 9}}}]}
  two: {handler: two.handler, events: [{http: POST /b}]}
"""
HANDLER = "def handler(event, context):\n    return 1\n"


def test_routes_have_the_preflight_responses_of_a_rest_api(tmp_path: Path) -> None:
    write_project(tmp_path, {"serverless.yml": SERVERLESS, "one.py": HANDLER, "two.py": HANDLER})
    [file] = routes_file(load_config(tmp_path)).values()
    table = json.loads(file.read())
    headers = {"allow-methods": "GET,OPTIONS", "allow-headers": "X", "max-age": "9"}
    assert table["routes"][-1] == {
        "method": "OPTIONS",
        "path": "/a",
        "origins": ["https://a"],
        "headers": {f"access-control-{name}": value for name, value in headers.items()},
    }
    assert (len(table["routes"]), table["has_cors"]) == (3, False)
