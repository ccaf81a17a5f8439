"""CORS of functions behind an API, as SAM's template and serverless.yml have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.model import Cors
from support.configs import load_config
from support.detection import detect, write_project

CODE = {"one.py": "def handler(event, context):\n    return 1\n", "two.py": "def handler(event, context):\n    return 2\n"}
SERVERLESS = """\
provider:
  httpApi:
    cors: {cors}
functions:
  one: {{handler: one.handler, events: [{{httpApi: GET /one}}]}}
  two:
    handler: two.handler
    events:
      - httpApi:
          method: POST
          path: /two
"""
REST = """\
functions:
  one:
    handler: one.handler
    events:
      - http: {{path: items, method: get, cors: true}}
      - http: {{path: plain, method: get}}
  two:
    handler: two.handler
    events:
      - http:
          path: items
          method: post
          cors: {cors}
"""
SAM = """\
Parameters:
  Origin: {{Type: String, Default: "https://shop.example"}}
Globals:
  {kind}:
    {cors}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Handler: one.handler
      Events:
        One: {{Type: {kind}, Properties: {{Path: /one, Method: any}}}}
  Two:
    Type: AWS::Serverless::Function
    Properties:
      Handler: two.handler
      Events:
        Two: {{Type: {kind}, Properties: {{Path: /two, Method: post}}}}
"""
HEADERS = ("Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amz-User-Agent")
HEADERS += ("X-Amzn-Trace-Id",)
LISTS = """
      allowedOrigins:
        - https://a.example
        - 'https://b.example'
      allowedMethods: [get, OPTIONS, TRACE]
      allowCredentials: True
      maxAge: 90000
"""


@pytest.mark.parametrize(
    ("text", "cors"),
    [
        (SERVERLESS.format(cors="true"), Cors(("*",), ("GET", "POST"), HEADERS)),
        (
            SERVERLESS.format(cors=LISTS),
            Cors(("https://a.example", "https://b.example"), ("GET",), HEADERS, credentials=True, max_age_s=86400),
        ),
        (SERVERLESS.format(cors="false"), None),
        (SAM.format(kind="HttpApi", cors="CorsConfiguration: true"), Cors(("*",))),
        (
            SAM.format(kind="HttpApi", cors="CorsConfiguration: {AllowOrigins: [!Ref Origin], AllowMethods: ['*']}"),
            Cors(("https://shop.example",), ("*",)),
        ),
        (SAM.format(kind="HttpApi", cors="CorsConfiguration: {AllowOrigins: [!GetAtt Site.Url]}"), Cors()),
        (SAM.format(kind="Api", cors="Cors: true"), None),
    ],
)
def test_http_api_has_the_cors_of_a_url(tmp_path: Path, text: str, cors: Cors | None) -> None:
    file = "template.yaml" if "Resources" in text else "serverless.yml"
    assert detect(write_project(tmp_path, CODE | {file: text})).cors == cors


def test_rest_api_answers_preflight_requests_at_its_paths(tmp_path: Path) -> None:
    text = REST.format(cors="{origins: ['https://a.example', 'https://b.example'], headers: [X-One], maxAge: 60}")
    app = detect(write_project(tmp_path, CODE | {"serverless.yml": text}))
    own = Cors(("https://a.example", "https://b.example"), ("GET", "OPTIONS", "POST"), ("X-One",), max_age_s=60)
    assert (app.cors, app.preflights) == (None, (("/items", own),))
    text = SAM.format(kind="Api", cors="Cors: {AllowOrigin: \"'*'\", AllowMethods: \"'GET,POST'\", AllowHeaders: \"'*'\"}")
    app = detect(write_project(tmp_path / "sam", CODE | {"template.yaml": text}))
    assert app.preflights == tuple((path, Cors(("*",), ("GET", "POST"), ("*",))) for path in ("/one", "/two"))
    text = SAM.format(kind="Api", cors="Cors: \"'*'\"")
    (_, one), (_, two) = detect(write_project(tmp_path / "sam", {"template.yaml": text})).preflights
    assert (one.methods, two.methods) == (("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"), ("OPTIONS", "POST"))


def test_cors_of_the_file_is_the_setting_unless_the_user_has_one(tmp_path: Path) -> None:
    write_project(tmp_path, CODE | {"serverless.yml": SERVERLESS.format(cors="true")})
    config = load_config(tmp_path)
    assert config.hosting.cors is not None and config.hosting.cors.origins == ("*",)
    assert config.origins["cors"] == "serverless.yml"
    assert config.app.remarks[-1] == "cors as in serverless.yml: the URL answers requests from everywhere"
    config = load_config(tmp_path, 'cors = { origins = ["https://a.example"] }')
    assert config.hosting.cors == Cors(("https://a.example",)) and len(config.app.remarks) == 1
    write_project(tmp_path, {"serverless.yml": SERVERLESS.format(cors="{allowedOrigins: ['${env:SITE}']}")})
    (tmp_path / "pyproject.toml").unlink()
    assert "set cors = " in load_config(tmp_path).app.remarks[-1]
