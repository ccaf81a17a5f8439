"""Handlers that read the events of a REST API."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lambent.config.detection.rest_events import with_payload
from lambent.config.load import Flags, load
from lambent.package.function_settings import environment
from support.detection import detect, write_project

HANDLER = "def lambda_handler(event, context):\n    return {}\n"


ROUTER = {
    "lambda_function.py": "import router\n" + HANDLER.format("router.route(event)"),
    "router.py": "def route(request): return request['httpMethod']\n",
}
AWSGI = "import awsgi\nfrom web import app\n" + HANDLER.format("awsgi.response(app, event, context)")
SRC = {
    "src/__init__.py": "",
    "src/tools.py": "",
    "src/app.py": "import tools\nfrom src import tools\n" + HANDLER.format("event['path']"),
    "template.yaml": "Resources:\n  Api:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: src/\n"
    "      Handler: app.lambda_handler\n",
}
POWERTOOLS = "from aws_lambda_powertools.event_handler import APIGatewayRestResolver\napp = APIGatewayRestResolver()\n"


@pytest.mark.parametrize(
    "files",
    [
        {"lambda_function.py": HANDLER.format("event['httpMethod']")},
        {"lambda_function.py": HANDLER.format('event.get("path")')},
        ROUTER,
        SRC,
        {"app.py": "from chalice import Chalice\napp = Chalice(app_name='a')\n"},
        {"lambda_function.py": AWSGI, "web.py": "app = 1\n"},
        {"lambda_function.py": POWERTOOLS + HANDLER.format("app.resolve(event, context)")},
    ],
)
def test_handler_of_rest_events_gets_them(tmp_path: Path, files: dict[str, str]) -> None:
    app = with_payload(tmp_path, detect(write_project(tmp_path, files)))
    assert app.payload == "1.0" and "REST API" in app.remarks[-1]


@pytest.mark.parametrize(
    "files",
    [
        {"lambda_function.py": HANDLER.format("1")},
        {"lambda_function.py": HANDLER.format("event['rawPath']")},
        {"lambda_function.py": HANDLER.format("event.get('httpMethod') or event['requestContext']['http']['method']")},
        {"lambda_function.py": HANDLER.format("open(config['path'])")},
        {"lambda_function.py": HANDLER.format("1"), "other.py": HANDLER.format("event['httpMethod']")},
        {"main.py": "from flask import Flask\napp = Flask(__name__)\nevent = {}\nevent['path'] = 1\n"},
    ],
)
def test_other_apps_get_their_events_as_they_are(tmp_path: Path, files: dict[str, str]) -> None:
    assert not with_payload(tmp_path, detect(write_project(tmp_path, files))).payload


def test_handler_of_rest_events_runs_under_the_client_that_converts_them(tmp_path: Path) -> None:
    write_project(tmp_path, {"lambda_function.py": HANDLER.format("event['httpMethod']")})
    config = load(tmp_path, Flags(), {}, date(2026, 11, 30))
    assert ("LAMBENT_PAYLOAD", "1.0") in environment(config) and config.client == "lambent"
    config = load(tmp_path, Flags(), {"LAMBENT_RUNTIME_CLIENT": "aws"}, date(2026, 11, 30))
    assert environment(config) == () and config.client == "aws"


SAM_PATH = """\
Resources:
  Get:
    Type: AWS::Serverless::Function
    Properties:
      Handler: lambda_function.lambda_handler
      Events:
        Get:
          Type: Api
          Properties:
            Path: /users/{id}/orders/{order}
"""


@pytest.mark.parametrize(
    ("code", "files", "paths"),
    [
        ("event['pathParameters']['id']", {}, " /{id} /{proxy+}/{id}"),
        ("(event.get('pathParameters') or {}).get('id')", {}, " /{id} /{proxy+}/{id}"),
        ("event['pathParameters']['a'], event['pathParameters']['b']", {}, ""),
        ("event['pathParameters']['proxy']", {}, ""),
        ("event['pathParameters']['id']", {"template.yaml": SAM_PATH}, " /users/{id}/orders/{order}"),
        (
            "event['pathParameters']['id']",
            {
                "serverless.yml": "functions:\n  get:\n    handler: lambda_function.lambda_handler\n    events:\n"
                "      - http:\n          path: users/{id}\n          method: get\n"
            },
            " /users/{id}",
        ),
    ],
)
def test_parameters_of_paths(tmp_path: Path, code: str, files: dict[str, str], paths: str) -> None:
    handler = f"def lambda_handler(event, context):\n    return {code}\n"
    write_project(tmp_path, {"lambda_function.py": handler, **files})
    assert with_payload(tmp_path, detect(tmp_path)).payload == f"1.0{paths}"


def test_parameter_of_the_handler_may_have_any_name(tmp_path: Path) -> None:
    text = "\ufeffdef lambda_handler(message, context):\n    return message['pathParameters']['id']\n"
    write_project(tmp_path, {"lambda_function.py": text})
    assert with_payload(tmp_path, detect(tmp_path)).payload == "1.0 /{id} /{proxy+}/{id}"


def test_parameters_in_a_variable(tmp_path: Path) -> None:
    text = "def lambda_handler(event, context):\n    given = event['pathParameters']\n    return given['id']\n"
    write_project(tmp_path, {"lambda_function.py": text})
    assert with_payload(tmp_path, detect(tmp_path)).payload == "1.0 /{id} /{proxy+}/{id}"
