"""Variables, memory and timeout of the functions of a deployment file."""

from __future__ import annotations

from pathlib import Path

from lambent.config.variables.proposals import read_proposals
from lambent.config.variables.unset import find_unset
from support.configs import load_config
from support.detection import write_project

HANDLER = "import os\ndef handler(event, context):\n    return os.environ['TABLE']\n"
FILES = {"one.py": HANDLER, "two.py": HANDLER}
SERVERLESS = """\
provider:
  timeout: 20
  environment: {STAGE: prod}
functions:
  one:
    handler: one.handler
    memorySize: 2048
    environment: {TABLE: items, QUEUE: ${cf:one.queue}, OTHER: ${cf:other}}
    events: [{http: GET /one}]
  two:
    handler: two.handler
    timeout: 60
    environment: {TABLE: users, QUEUE: ${cf:two.queue}, OTHER: ${cf:other}}
    events: [{http: GET /two}]
"""


def test_variables_that_differ_belong_to_their_functions(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path, FILES | {"serverless.yml": SERVERLESS}))
    assert [route.variables for route in config.app.routes] == [(("TABLE", "items"),), (("TABLE", "users"),)]
    assert find_unset(config) == [] and set(read_proposals(tmp_path)) == {"STAGE"}
    assert config.app.remarks[2] == "each of them has its own TABLE"
    assert config.app.remarks[1].startswith(
        "QUEUE differs from function to function, and serverless.yml doesn't say the values: what is set counts for all"
    )
    assert "each of them has its own TABLE" not in load_config(tmp_path, env=("TABLE=x",)).app.remarks


def test_memory_and_timeout_are_the_most_that_a_function_has(tmp_path: Path) -> None:
    config = load_config(write_project(tmp_path, FILES | {"serverless.yml": SERVERLESS}))
    assert (config.memory_mb, config.timeout_s, config.origins["memory_mb"]) == (2048, 60, "serverless.yml")
    assert config.app.remarks[-1] == "memory 2048 MB and timeout 60 s, the most that a function of serverless.yml has"
    config = load_config(tmp_path, "memory = 512")
    assert (config.memory_mb, config.timeout_s, config.origins["memory_mb"]) == (
        512,
        60,
        "pyproject.toml [tool.lambent] memory",
    )
    write_project(tmp_path, {"serverless.yml": SERVERLESS.replace("2048", "128").replace("60", "3")})
    assert load_config(tmp_path).timeout_s == 30


def test_memory_and_timeout_of_the_only_function_count_within_what_lambda_has(tmp_path: Path) -> None:
    template = """\
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties: {Handler: one.handler, Runtime: python3.13, MemorySize: 20480, Timeout: 60}
"""
    config = load_config(write_project(tmp_path, {"one.py": HANDLER, "template.yaml": template}))
    assert (config.memory_mb, config.timeout_s, config.origins["timeout_s"]) == (1024, 60, "template.yaml")
    assert config.app.remarks[-2:] == (
        "template.yaml has memory 20480 MB, but Lambda has at most 10240 MB: taking 1024 MB",
        "timeout 60 s as in template.yaml",
    )
    assert load_config(tmp_path, "timeout = 5").timeout_s == 5


def test_a_handler_that_a_schedule_and_requests_call_gets_a_url(tmp_path: Path) -> None:
    serverless = """\
functions:
  warm: {handler: one.handler, events: [{schedule: rate(5 minutes)}]}
  one: {handler: one.handler, events: [{http: GET /one}]}
"""
    assert not load_config(write_project(tmp_path, {"one.py": HANDLER, "serverless.yml": serverless})).app.trigger
