"""Values of environment variables that a repository proposes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.variables.proposals import Proposal, read_proposals
from support.detection import write_project

HANDLER = "def handler(event, context):\n    return 1\n"
SAM = """\
Globals:
  Function:
    Environment:
      Variables:
        STAGE: prod
        TABLE: !Ref Table
Resources:
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web.handler
      Environment:
        Variables:
          LEVEL: debug
          GREETING: "hello there"
  Job:
    Type: AWS::Serverless::Function
    Properties:
      Handler: job.handler
      Environment:
        Variables:
          LEVEL: info
"""
DOCKERFILE = """\
FROM python:3.12 AS base
ENV STAGE=docker GREETING='good morning' \\
    DEBUG=0
FROM base
ENV DEBUG=1
ENV OLD the old form
ENV HOME_URL=https://$HOST/
CMD ["uvicorn", "main:app"]
"""


def test_functions_of_a_template_propose_plain_values(tmp_path: Path) -> None:
    write_project(tmp_path, {"template.yaml": SAM, "web.py": HANDLER, "job.py": HANDLER})
    assert read_proposals(tmp_path) == {
        "STAGE": Proposal("STAGE", "prod", "template.yaml", is_deployed=True),
        "GREETING": Proposal("GREETING", "hello there", "template.yaml", is_deployed=True),
    }


def test_dockerfile_proposes_what_it_sets_last(tmp_path: Path) -> None:
    write_project(tmp_path, {"Dockerfile": DOCKERFILE})
    values = {name: proposal.value for name, proposal in read_proposals(tmp_path).items()}
    assert values == {"STAGE": "docker", "GREETING": "good morning", "DEBUG": "1", "OLD": "the old form"}


def test_what_is_written_for_lambda_comes_first(tmp_path: Path) -> None:
    write_project(tmp_path, {"template.yaml": SAM, "web.py": HANDLER, "Dockerfile": DOCKERFILE})
    proposals = read_proposals(tmp_path)
    assert (proposals["STAGE"].source, proposals["DEBUG"].source) == ("template.yaml", "Dockerfile")


ZAPPA = """\
{"dev": {"environment_variables": {"LEVEL": "debug", "MODE": "calm"}, "aws_environment_variables": {"PORTS": 3}},
 "prod": {"extends": "dev", "environment_variables": {"LEVEL": "info", "MODE": "calm"}}}
"""
CHALICE = """\
{"environment_variables": {"MODE": "calm"},
 "stages": {"dev": {"lambda_functions": {"job": {"environment_variables": {"SHELF": "b"}}}}, "prod": {}}}
"""


def test_stages_of_other_tools_propose_what_they_share(tmp_path: Path) -> None:
    write_project(tmp_path / "a", {"zappa_settings.json": ZAPPA})
    assert read_proposals(tmp_path / "a") == {"MODE": Proposal("MODE", "calm", "zappa_settings.json", is_deployed=True)}
    write_project(tmp_path / "b", {".chalice/config.json": CHALICE, "zappa_settings.json": "[1]"})
    values = {name: proposal.value for name, proposal in read_proposals(tmp_path / "b").items()}
    assert values == {"MODE": "calm", "SHELF": "b"}


@pytest.mark.parametrize("line", ['ENV A="open', "ENV", "ENV A"])
def test_lines_that_docker_refuses_propose_nothing(tmp_path: Path, line: str) -> None:
    assert read_proposals(write_project(tmp_path, {"Dockerfile": line})) == {}


APP_JSON = '{"env": {"LEVEL": "info", "KEY_A": {"generator": "secret"}, "MODE": {"value": "calm"}, "EMPTY": {}}}'
RENDER = """\
services:
  - type: web
    envVars:
      - key: KEY_B
        generateValue: true
      - key: LEVEL
        value: "render"  # as there
      - key: API_KEY
        sync: false
"""
COMPOSE = """\
services:
  web:
    image: web
    environment:
      - MODE=compose
      - "NAME=shop"
  worker:
    environment:
      NAME: shop
      LEVEL: worker
      URL: ${URL}
  cron:
    environment:
      LEVEL: cron
"""


def test_files_of_other_hosts_and_examples(tmp_path: Path) -> None:
    files = {"app.json": APP_JSON, "render.yaml": RENDER, "compose.yaml": COMPOSE, ".env.example": "NAME=x\nLAST=1\nEMPTY=\n"}
    assert list(read_proposals(write_project(tmp_path, files)).values()) == [
        Proposal("LEVEL", "info", "app.json"),
        Proposal("KEY_A", "", "app.json", is_random=True),
        Proposal("MODE", "calm", "app.json"),
        Proposal("KEY_B", "", "render.yaml", is_random=True),
        Proposal("NAME", "shop", "compose.yaml"),
        Proposal("LAST", "1", ".env.example"),
    ]


@pytest.mark.parametrize("text", ["[]", "{", '{"env": []}'])
def test_other_app_json(tmp_path: Path, text: str) -> None:
    assert read_proposals(write_project(tmp_path, {"app.json": text})) == {}


def test_example_files_of_the_repository_count_below_it(tmp_path: Path) -> None:
    files = {
        "repo/.git/config": "",
        "repo/.env.example": "A=1\nB=2\n",
        "repo/api/.env.example": "B=3\n",
        ".env.example": "C=4\n",
    }
    folder = write_project(tmp_path, files) / "repo/api"
    assert list(read_proposals(folder).values()) == [Proposal("B", "3", ".env.example"), Proposal("A", "1", "../.env.example")]


def test_variables_of_a_service_whose_handler_a_plugin_brings(tmp_path: Path) -> None:
    service = (
        "custom:\n  table: users-${sls:stage}\n"
        "provider:\n  environment:\n    TABLE: ${self:custom.table}\n    ARN: !GetAtt Table.Arn\n"
        "functions:\n  api:\n    handler: wsgi_handler.handler\n    environment:\n      MODE: calm\n"
    )
    proposals = read_proposals(write_project(tmp_path, {"serverless.yml": service}))
    assert {name: proposal.value for name, proposal in proposals.items()} == {"TABLE": "users-dev", "MODE": "calm"}


def test_example_next_to_the_settings_of_a_package_counts_if_no_other_differs(tmp_path: Path) -> None:
    files = {"shop/settings.py": "", "shop/.env.sample": "GROUP=users\nMODE=web\n", "worker/run.py": ""}
    folder = write_project(tmp_path, files | {"worker/.env.sample": "MODE=worker\n", "docs/.env.sample": "OTHER=1\n"})
    assert list(read_proposals(folder).values()) == [Proposal("GROUP", "users", "shop/.env.sample")]
