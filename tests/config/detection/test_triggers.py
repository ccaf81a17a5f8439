"""Handlers that no HTTP request calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.triggers import with_trigger
from support.detection import FLASK, detect, write_project

RECORDS = "def handler(event, context):\n    for record in event['Records']:\n        print(record)\n"
PLAIN = "def handler(event, context):\n    return 1\n"
SAM = """\
Resources:
  Job:
    Type: AWS::Serverless::Function
    Properties:
      Handler: main.handler
      Events:
        Daily:
          Type: {trigger}
"""


@pytest.mark.parametrize(
    ("files", "trigger", "reason"),
    [
        ({"main.py": RECORDS}, "Records", "main.py:2 reads Records"),
        ({"main.py": f"\ufeff{RECORDS}"}, "Records", "main.py:2 reads Records"),
        ({"main.py": "def handler(e, c):\n    return e.get('detail', {})\n"}, "detail", "main.py:2 reads detail"),
        ({"main.py": "def handler(event, context):\n    print(event['key1'])\n"}, "key1", "main.py:2 reads key1"),
        ({"main.py": RECORDS + "    return {'statusCode': 200}\n"}, "Records", "main.py:2 reads Records"),
        (
            {"main.py": "def handler(e, c):\n    if e['request'] == 1:\n        return 2\n"},
            "request",
            "main.py:2 reads request",
        ),
        (
            {"main.py": "def handler(e, c):\n    try:\n        e['Records']\n    except E:\n        pass\n"},
            "Records",
            "main.py:3 reads Records",
        ),
        (
            {"main.py": "from ask_sdk_core.skill_builder import SkillBuilder\nhandler = SkillBuilder().lambda_handler()\n"},
            "alexa",
            "main.py uses ask_sdk_core",
        ),
        ({"main.py": PLAIN, "template.yaml": SAM.format(trigger="Schedule")}, "schedule", "template.yaml: schedule"),
    ],
)
def test_handler_of_other_events(tmp_path: Path, files: dict[str, str], trigger: str, reason: str) -> None:
    app = with_trigger(tmp_path, detect(write_project(tmp_path, files)))
    assert app.trigger == trigger
    assert app.remarks[-1] == (
        f"main:handler takes other events than HTTP requests ({reason}), so it gets no URL; --url gives it one"
    )


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": PLAIN},
        {"main.py": RECORDS + "    return {'statusCode': 200, 'body': event['requestContext']}\n"},
        {"main.py": "def handler(e, c):\n    try:\n        return e['name']\n    except KeyError:\n        return 'you'\n"},
        {"main.py": RECORDS, "template.yaml": SAM.format(trigger="HttpApi")},
        {"main.py": "def handler(call, context):\n    print(call['body'])\n    return call['headers']['x-slack-signature']\n"},
        {"main.py": "def handler(e, context):\n    return e['Records'] if 'Records' in e else 1\n"},
        {"main.py": "def handler(event, context):\n    return helper(event)\ndef helper(e):\n    return e['Records']\n"},
        {"main.py": "def handler(event, context):\n    if event:\n        return event['key1']\n    return event['body']\n"},
        {"main.py": "from flask import Flask\napp = Flask(__name__)\n"},
    ],
    ids=[
        "nothing-read",
        "answers-http",
        "has-a-default",
        "template-says-http",
        "has-other-names",
        "asks-first",
        "other-function",
        "of-requests",
        "web-app",
    ],
)
def test_what_requests_may_call_keeps_its_url(tmp_path: Path, files: dict[str, str]) -> None:
    app = detect(write_project(tmp_path, files))
    assert with_trigger(tmp_path, app) == app


def test_web_app_is_preferred_to_the_authorizer_next_to_it(tmp_path: Path) -> None:
    authorizer = "def lambda_handler(event, context):\n    return event['authorizationToken']\n"
    write_project(tmp_path, {"shop/__init__.py": "", "shop/authorizer.py": authorizer, "shop/hook.py": FLASK})
    app = detect(tmp_path)
    assert app.spec == "shop.hook:app" and "--app shop.authorizer:lambda_handler deploys it" in app.remarks[0]
    write_project(tmp_path, {"shop/authorizer.py": authorizer.replace("authorizationToken", "headers")})
    assert detect(tmp_path).spec == "shop.authorizer:lambda_handler"
