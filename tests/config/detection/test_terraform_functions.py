"""The functions that Terraform's code describes, with what calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.lambda_functions import read_functions
from lambent.config.model import Cors
from lambent.errors import DetectionError
from support.configs import load_config
from support.detection import FLASK, detect, write_project

HANDLER = "def run(event, context):\n    return {'statusCode': 200}\n"
CODE = {"fn/get/work.py": HANDLER, "fn/put/work.py": HANDLER, "fn/nightly.py": HANDLER}
FUNCTION = """\
data "archive_file" "{name}" {{
  type       = "zip"
  source_{source}
}}

resource "aws_lambda_function" "{name}" {{
  handler  = "{handler}" # in the zip
  filename = data.archive_file.{name}.output_path
  timeout  = 45
  environment {{
    variables = {{
      TABLE  = aws_dynamodb_table.items.name
      STAGE  = var.stage
      SECRET = var.secret
      QUEUE  = aws_sqs_queue.main.url
    }}
  }}
}}
"""
SHARED = """\
variable "stage" { default = "prod" }
variable "secret" {
  sensitive = true
  default   = "abc"
}
resource "aws_dynamodb_table" "items" {
  name = "items-${var.stage}"
}
"""
FUNCTIONS = (
    FUNCTION.format(name="get", source='dir = "${path.module}/../fn/get"', handler="work.run")
    + FUNCTION.format(name="put", source='file = "../fn/put/work.py"', handler="work.run")
    + FUNCTION.format(name="nightly", source='file = "../fn/nightly.py"', handler="nightly.run")
)
HTTP_API = """\
resource "aws_apigatewayv2_api" "shop" {
  protocol_type = "HTTP"
  cors_configuration {
    allow_origins = ["*"]
  }
}
resource "aws_apigatewayv2_integration" "get" {
  integration_uri        = aws_lambda_function.get.invoke_arn
  payload_format_version = "2.0"
}
resource "aws_apigatewayv2_integration" "put" { integration_uri = aws_lambda_function.put.invoke_arn }
resource "aws_apigatewayv2_route" "get" {
  api_id    = aws_apigatewayv2_api.shop.id
  route_key = "GET /items/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.get.id}"
}
resource "aws_apigatewayv2_route" "put" {
  api_id    = aws_apigatewayv2_api.shop.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.put.id}"
}
resource "aws_cloudwatch_event_target" "nightly" {
  arn = aws_lambda_function.nightly.arn
}
"""
REST_API = """\
resource "aws_api_gateway_resource" "items" {
  parent_id = aws_api_gateway_rest_api.shop.root_resource_id
  path_part = "items"
}
resource "aws_api_gateway_resource" "item" {
  parent_id = aws_api_gateway_resource.items.id
  path_part = "{id}"
}
resource "aws_api_gateway_method" "get" {
  resource_id = aws_api_gateway_resource.item.id
  http_method = "GET"
}
resource "aws_api_gateway_integration" "get" {
  resource_id = aws_api_gateway_method.get.resource_id
  http_method = aws_api_gateway_method.get.http_method
  uri         = aws_lambda_function.get.invoke_arn
}
resource "aws_api_gateway_integration" "put" {
  resource_id             = aws_api_gateway_rest_api.shop.root_resource_id
  http_method             = "POST"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.put.invoke_arn
}
"""


def test_functions_of_an_http_api_are_one_app(tmp_path: Path) -> None:
    files = {"infra/main.tf": FUNCTIONS, "infra/api.tf": HTTP_API, "infra/shared.tf": SHARED}
    config = load_config(write_project(tmp_path, CODE | files))
    routes = [(str(route), route.folder, route.payload) for route in config.app.routes]
    assert routes == [("all other requests", "fn/put", "1.0"), ("GET /items/{id}", "fn/get", "2.0")]
    assert config.app.spec == "infra/main.tf" and config.timeout_s == 45 and config.hosting.cors == Cors(("*",))
    assert "infra/main.tf also has nightly" in " ".join(config.app.remarks)
    assert detect(tmp_path, "infra/main.tf").routes == config.app.routes


def test_functions_of_a_rest_api_are_one_app(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, CODE | {"infra/main.tf": FUNCTIONS + REST_API}))
    assert [(str(route), route.folder) for route in app.routes] == [("GET /items/{id}", "fn/get"), ("POST /", "fn/put")]


def test_functions_have_their_variables_and_triggers(tmp_path: Path) -> None:
    functions = read_functions(write_project(tmp_path, CODE | {"infra/main.tf": FUNCTIONS + HTTP_API + SHARED}))
    assert [(function.name, function.triggers) for function in functions] == [
        *(("get", ("api",)), ("put", ("api",)), ("nightly", ("schedule",))),
    ]
    assert dict(functions[0].variables) == {"TABLE": "items-prod", "STAGE": "prod"}
    assert dict(functions[0].computed) == {"SECRET": "var.secret", "QUEUE": "aws_sqs_queue.main.url"}


def test_a_function_whose_zip_is_built_elsewhere_has_its_code_next_to_it(tmp_path: Path) -> None:
    text = 'resource "aws_lambda_function" "get" {\n  handler  = "work.run"\n  filename = "fn/get/out.zip"\n}\n'
    (function,) = read_functions(write_project(tmp_path, CODE | {"main.tf": text}))
    assert function.command.folder == "fn/get" and not function.triggers


def test_functions_without_an_api_are_named_with_commands(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, CODE | {"infra/main.tf": FUNCTIONS}))
    assert "also has get and put, which this doesn't deploy" in app.remarks[-1] and app.spec == "fn.nightly:run"
    with pytest.raises(DetectionError, match="2 functions, and nothing says which one"):
        detect(write_project(tmp_path / "two", dict(list(CODE.items())[:2]) | {"infra/main.tf": FUNCTIONS}))


def test_a_web_app_comes_before_the_functions_next_to_it(tmp_path: Path) -> None:
    only = FUNCTION.format(name="nightly", source='file = "fn/nightly.py"', handler="nightly.run")
    assert detect(write_project(tmp_path, CODE | {"main.tf": only, "app.py": FLASK})).spec == "app:app"
    files = {"main.tf": (FUNCTIONS + HTTP_API).replace("../", ""), "app.py": FLASK}
    assert detect(write_project(tmp_path, CODE | files)).spec == "app:app"


def test_blocks_that_do_not_end_are_read_at_once(tmp_path: Path) -> None:
    """Each block ends where the next one starts: reading to the end of the file from each would take minutes."""
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    block = 'resource "aws_lambda_function" "f" {\n  handler = "app.handler"\n  }\n'
    (tmp_path / "main.tf").write_text(block * 10_000 + "\n" * 20_000)
    assert read_functions(tmp_path) == []
