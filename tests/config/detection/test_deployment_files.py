"""Apps that the files of other deployment tools name."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from lambent.config.detection.lambda_functions import read_functions
from lambent.config.detection.rest_events import with_payload
from lambent.config.detection.triggers import with_trigger
from lambent.config.detection.yaml_mappings import read_mappings
from lambent.errors import DetectionError
from support.detection import FLASK, detect, write_project

EVENT = "def {}(event, context):\n    return 1\n"
TWO = {"hello/app.py": EVENT.format("greet"), "jobs/app.py": EVENT.format("nightly"), "jobs/other.py": EVENT.format("greet")}
SAM = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Timeout: 3}}
Resources:
  Hello:
    Type: AWS::Serverless::Function # the only one
    Properties:
      CodeUri: {code}
      Handler: {handler}
      Runtime: python3.9
      Environment:
        Variables:
          TABLE: !Ref Table
      Events:
        Hello:
          Type: Api
          Properties: {{Path: /hello, Method: get}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions:
        - AttributeName: id
          AttributeType: S
"""
SECOND = """\
  Nightly:
    Type: AWS::Serverless::Function
    Properties: # in another order
      Handler: app.nightly
      CodeUri: jobs/
"""
OWN_API = "  Api:\n    Type: AWS::ApiGateway::RestApi\n"
SERVERLESS = """\
service: shop
provider:
  name: aws
  runtime: python3.9
functions:
  main:
    handler: {handler}
    events:
      - http: ANY /
      - http: 'ANY /{{proxy+}}'
"""
WSGI = "custom:\n  wsgi:\n    app: web.app\n"
PLUGIN = SERVERLESS.format(handler="wsgi_handler.handler")
VERCEL = '{"builds": [{"src": "web.py", "use": "@vercel/python"}], "routes": [{"src": "/(.*)", "dest": "web.py"}]}'
CHALICE = "from chalice import Chalice\napp = Chalice('x')\n"
ZAPPA = '{"dev": {"app_function": "web.app"}, "prod": {"extends": "dev"}}'
DECLARED = [
    ({"template.yaml": SAM.format(code="hello/", handler="app.greet")}, "app:greet", "hello", "template.yaml"),
    ({"template.yml": SAM.format(code="hello/.", handler="app.greet")}, "app:greet", "hello", "template.yml"),
    ({"template.yml": SAM.format(code="./hello", handler='"app.greet"')}, "app:greet", "hello", "template.yml"),
    (
        {"template.yaml": SAM.format(code="hello/", handler="app.greet"), "hello/__init__.py": ""},
        "hello.app:greet",
        ".",
        "template.yaml",
    ),
    ({"template.yaml": SAM.format(code=".", handler="jobs.app.nightly")}, "jobs.app:nightly", ".", "template.yaml"),
    ({"template.yaml": SAM.format(code="dist", handler="jobs.app.nightly")}, "jobs.app:nightly", ".", "template.yaml"),
    ({"serverless.yml": SERVERLESS.format(handler="hello/app.greet")}, "hello.app:greet", ".", "serverless.yml"),
    ({"serverless.yaml": SERVERLESS.format(handler="jobs.app.nightly")}, "jobs.app:nightly", ".", "serverless.yaml"),
    ({"serverless.yml": WSGI + PLUGIN, "web.py": FLASK}, "web:app", ".", "serverless.yml"),
    ({"zappa_settings.toml": '[dev]\napp_function = "web.app"\n', "web.py": FLASK}, "web:app", ".", "zappa_settings.toml"),
    ({"zappa_settings.yml": "dev:\n  app_function: web.app\n", "web.py": FLASK}, "web:app", ".", "zappa_settings.yml"),
    ({"vercel.json": VERCEL, "web.py": FLASK}, "web:app", ".", "vercel.json"),
    ({"gunicorn.conf.py": "wsgi_app = 'web:app'\n", "web.py": FLASK}, "web:app", ".", "gunicorn.conf.py"),
    ({"uwsgi.ini": "[uwsgi]\nmodule = web\ncallable = app\n", "web.py": FLASK}, "web:app", ".", "uwsgi.ini"),
    ({"uwsgi.ini": "[uwsgi]\nwsgi-file = web.py\n", "web.py": FLASK}, "web:app", ".", "uwsgi.ini"),
    ({".chalice/config.json": "{}", "app.py": CHALICE, "main.py": CHALICE}, "app:app", ".", ".chalice/config.json"),
    ({"zappa_settings.json": ZAPPA, "web.py": FLASK}, "web:app", ".", "zappa_settings.json"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "spec", "root", "source"), DECLARED)
def test_function_that_a_deployment_file_names_is_used(
    tmp_path: Path, files: dict[str, str], spec: str, root: str, source: str
) -> None:
    app = detect(write_project(tmp_path, TWO | {"more.py": FLASK} | files))
    assert (app.spec, app.root, app.source) == (spec, root, source)


@pytest.mark.parametrize(
    "files",
    [
        {"template.yaml": SAM.format(code="hello/", handler="app.greet") + SECOND + OWN_API},
        {"template.yaml": SAM.format(code="build/", handler="app.greet")},
        {"template.yaml": SAM.format(code="hello/", handler="app.greet").replace("python3.9", "nodejs22.x")},
        {"serverless.yml": SERVERLESS.format(handler="src/missing.handler")},
        {"zappa_settings.json": "{"},
    ],
    ids=["several", "no-folder", "node", "no-file", "no-json"],
)
def test_files_that_name_no_one_function_say_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(DetectionError):
        detect(write_project(tmp_path, TWO | files))


def test_deployment_file_decides_between_handlers(tmp_path: Path) -> None:
    handlers = {"handler.py": EVENT.format("handler"), "main.py": EVENT.format("handler")}
    with pytest.raises(DetectionError, match="found 2 apps"):
        detect(write_project(tmp_path, handlers))
    detected = detect(write_project(tmp_path, {"serverless.yml": SERVERLESS.format(handler="main.handler")}))
    assert (detected.spec, detected.kind) == ("main:handler", "handler")


def test_yaml_is_read_as_nested_mappings() -> None:
    text = "a: 1\n\"b\":\n  c: 'two'  # a note\n  list:\n    - d: 3\n    - 4\n  e:\n      f: !Ref G\n# x: y\nh:\n"
    assert read_mappings(text) == {"a": "1", "b": {"c": "two", "list": {"d": "3"}, "e": {"f": "!Ref G"}}, "h": {}}


WORKERS = """\
service: shop
provider:
  environment: {shared: no}
  # a comment
functions:
  fetch:
    handler: jobs/app.nightly
    environment:
      LEVEL: debug
      COUNT: 3
      TABLE: ${self:custom.table}
    events:
      - schedule: rate(1 day)
  greet:
    handler: hello/app.greet
    events:
      - sqs:
          arn: !GetAtt Queue.Arn
"""


def test_several_functions_are_listed_with_commands_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = TWO | {"template.yaml": SAM.format(code="hello/", handler="app.greet").replace("Type: Api", "Type: SQS") + SECOND}
    with pytest.raises(DetectionError) as refusal:
        detect(write_project(tmp_path, files))
    assert refusal.value.what == "template.yaml has 2 functions, and nothing says which one to deploy: Hello, Nightly"
    commands = [shlex.split(line) for line in refusal.value.hint.splitlines()]
    assert [(command[2], command[4]) for command in commands] == [("hello", "app:greet"), ("jobs", "app:nightly")]
    assert all(command[6].endswith(end) for command, end in zip(commands, ("-hello", "-nightly"), strict=True))
    for command in commands:
        assert detect(tmp_path / command[2], command[4]).spec == command[4]


def test_only_function_that_requests_call_is_the_app_and_the_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    second = SECOND + "      Events:\n        Daily:\n          Type: Schedule\n"
    app = detect(write_project(tmp_path, TWO | {"template.yaml": SAM.format(code="hello/", handler="app.greet") + second}))
    assert (app.spec, app.root) == ("app:greet", "hello")
    [remark] = app.remarks
    assert remark.startswith("template.yaml also has Nightly, which this doesn't deploy; for Nightly: lambent deploy jobs")


def test_functions_are_read_with_their_triggers_and_plain_variables(tmp_path: Path) -> None:
    write_project(tmp_path, TWO | {"serverless.yml": WORKERS})
    fetch, greet = read_functions(tmp_path)
    assert (fetch.triggers, fetch.is_other, dict(fetch.variables)) == (
        ("schedule",),
        True,
        {"shared": "no", "LEVEL": "debug", "COUNT": "3"},
    )
    assert (greet.triggers, greet.is_http) == (("sqs",), False)


def test_handler_that_a_template_names_is_called_with_events_whatever_object_it_is(tmp_path: Path) -> None:
    text = "functions:\n  hello:\n    handler: shop.entry\n"
    files = {"serverless.yml": text, "shop.py": "from own_tools import Service\nentry = Service()\n"}
    assert detect(write_project(tmp_path, files)).kind == "handler"


def test_authorizer_of_serverless_is_not_taken_for_the_app(tmp_path: Path) -> None:
    text = "functions:\n  auth:\n    handler: auth.handler\n  hello:\n    handler: hello.handler\n"
    text += "    events:\n      - http: GET /\n"
    code = "def handler(event, context):\n    return {}\n"
    app = detect(write_project(tmp_path, {"serverless.yml": text, "auth.py": code, "hello.py": code}))
    assert app.spec == "hello:handler" and "auth" in app.remarks[-1]


OWN_VALUES = """\
custom:
  stage: ${opt:stage, self:provider.stage}
  table: notes-${self:custom.stage}
  code: src/notes
provider:
  stage: dev
  environment:
    TABLE: ${self:custom.table}
    STAGE: ${sls:stage}
    REGION: ${env:MY_REGION, 'eu-west-1'}
    KEY: ${env:API_KEY}
    OTHER: ${self:custom.missing}
    SECRET: ${env:SECRET, ssm:/notes/secret}
functions:
  list:
    handler: ${self:custom.code}.handler
"""


def test_values_of_serverless_that_stand_in_the_file_itself(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return {}\n"
    (function,) = read_functions(write_project(tmp_path, {"serverless.yml": OWN_VALUES, "src/notes.py": code}))
    assert function.command.targets == ("src/notes:handler",)
    variables = {"TABLE": "notes-dev", "STAGE": "dev", "REGION": "eu-west-1"}
    assert dict(function.variables) == variables
    write_project(tmp_path, {"serverless.yml": OWN_VALUES.replace("  stage: dev\n", "")})
    (function,) = read_functions(tmp_path)
    assert dict(function.variables) == variables  # "dev" is the stage of a provider that names none


API = """\
Resources:
  List:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {first}
      Handler: app.greet
      Events:
        List: {{Type: Api, Properties: {{Path: /items, Method: get}}}}
        Get: {{Type: Api, Properties: {{Path: "/items/{{id}}", Method: get}}}}
  Make:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {second}
      Handler: other.greet
      Events:
        Make:
          Type: HttpApi
          Properties:
            Path: /items
            Method: {method}
  Nightly:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: jobs/
      Handler: app.nightly
      Events:
        Daily: {{Type: Schedule, Properties: {{Schedule: rate(1 day)}}}}
"""


def api(first: str = "hello/", second: str = "jobs/", method: str = "post") -> dict[str, str]:
    return TWO | {"template.yaml": API.format(first=first, second=second, method=method)}


def test_functions_of_an_api_are_one_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # commands name the folder as seen from here
    app = detect(write_project(tmp_path, api()))
    assert (app.spec, app.kind, app.root, app.code_folders) == ("template.yaml", "handler", ".", ("hello", "jobs"))
    assert [(str(route), route.handler, route.folder, route.payload) for route in app.routes] == [
        ("GET /items", "app.greet", "hello", "1.0"),
        ("GET /items/{id}", "app.greet", "hello", "1.0"),
        ("POST /items", "other.greet", "jobs", "2.0"),
    ]
    assert app.modules == ("hello.app", "jobs.other") and app.gettable_paths == ("/items",)
    assert "2 functions of template.yaml become one" in app.remarks[0] and "GET /items, GET /items/{id}" in app.remarks[0]
    command = shlex.split(app.remarks[1].rpartition("; for Nightly: ")[2])
    assert "Nightly, which this doesn't deploy" in app.remarks[1]
    assert detect(tmp_path, "template.yaml") == app
    assert detect(tmp_path / command[2], command[command.index("--app") + 1]).spec == "app:nightly"


def test_functions_of_an_api_get_the_events_of_their_routes_only(tmp_path: Path) -> None:
    write_project(
        tmp_path, {**api(), "hello/app.py": "def greet(event, context): return event['httpMethod'], 'IntentRequest'\n"}
    )
    app = detect(tmp_path)
    assert with_trigger(tmp_path, with_payload(tmp_path, app)) == app


def test_functions_with_code_in_one_folder_have_it_as_their_root(tmp_path: Path) -> None:
    files = {"jobs/app.py": EVENT.format("greet"), "template.yaml": API.format(first="jobs/", second="jobs", method="post")}
    app = detect(write_project(tmp_path, TWO | files))
    assert (app.root, app.code_folders, app.modules) == ("jobs", (), ("app", "other"))


def test_functions_whose_folders_are_in_the_root_are_one_app_too(tmp_path: Path) -> None:
    """A function that a usual name finds as hello.app in src/ is app in src/hello/ for the template."""
    text = API.format(first="src/hello/", second="src/jobs/", method="post").replace("app.greet", "app.lambda_handler")
    hello = {"src/hello/app.py": EVENT.format("lambda_handler"), "src/jobs/other.py": EVENT.format("greet")}
    assert detect(write_project(tmp_path, {**hello, "template.yaml": text})).code_folders == ("src/hello", "src/jobs")


def test_functions_whose_code_is_missing_are_named(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, api() | {"template.yaml": api()["template.yaml"].replace("app.nightly", "gone.run")}))
    assert app.remarks[-1] == "template.yaml also has Nightly (gone.run), whose code isn't here"
    text = """\
    provider: {runtime: python3.13}
    functions:
      greet: {handler: hello/app.greet, events: [{http: GET /greet}]}
      gone: {handler: hello/gone.greet, events: [{http: GET /gone}]}
      jobs: {handler: app.nightly, module: jobs, events: [{http: GET /jobs}]}
      other: {handler: index.handler, runtime: nodejs22.x, events: [{http: GET /other}]}
      web: {handler: wsgi_handler.handler, events: [{http: ANY /}]}
    """
    app = detect(write_project(tmp_path / "one", TWO | {"serverless.yml": text}))
    assert app.remarks[-1] == "serverless.yml also has gone (hello/gone.greet), whose code isn't here"
    assert [str(route) for route in app.routes] == ["GET /greet", "GET /jobs"]


def test_serverless_functions_become_one_app_with_all_their_events(tmp_path: Path) -> None:
    text = """\
    service: shop
    functions:
      greet:
        handler: hello/app.greet
        events:
          - http:
              path: items
              method: get
          - http: POST /items
          - httpApi: '*'
      nightly:
        handler: jobs/app.nightly
        events:
          - http: {path: 'items/{id}', method: any}
    """
    app = detect(write_project(tmp_path, TWO | {"serverless.yml": text}))
    routes = ["GET /items", "all other requests", "POST /items", "ANY /items/{id}"]
    assert [str(route) for route in app.routes] == routes
    assert app.modules == ("hello.app", "jobs.app") and app.gettable_paths == ("/items", "/")


def test_functions_that_take_the_same_requests_are_listed(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="3 functions, and nothing says which one"):
        detect(write_project(tmp_path, api(method="get")))
    with pytest.raises(DetectionError, match="3 functions, and nothing says which one"):
        detect(tmp_path, "template.yaml")
    with pytest.raises(DetectionError, match=r"serverless\.yml has no two functions"):
        detect(write_project(tmp_path / "none", {"app.py": FLASK}), "serverless.yml")


def test_an_app_that_the_template_does_not_name_stays_the_app(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, api() | {"lambda_function.py": EVENT.format("lambda_handler")}))
    assert app.spec == "lambda_function:lambda_handler"


VALUES = """\
Parameters:
  Stage: {Type: String, Default: prod}
  Name: {Type: String}
  Pin: {Type: String, NoEcho: true, Default: abcd1234}
Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "${Stage}-notes"
  Files:
    Type: AWS::S3::Bucket
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: app.greet
      Environment:
        Variables:
          STAGE: !Ref Stage
          PIN: !Ref Pin
          TABLE: {Ref: Notes}
          TITLE: !Sub '${Stage} of ${AWS::StackName}'
          BUCKET: !Ref Files
          NAME:
            Ref: Name
          PATH_PREFIX:
            Fn::Sub: /${Stage}/notes
"""


def test_variables_that_refer_to_the_template_itself_have_its_values(tmp_path: Path) -> None:
    (function,) = read_functions(write_project(tmp_path, TWO | {"template.yaml": VALUES}))
    assert dict(function.variables) == {"STAGE": "prod", "TABLE": "prod-notes", "PATH_PREFIX": "/prod/notes"}
