"""The names and parts of files that describe functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.lambda_functions import choose_function, read_functions
from support.detection import detect, write_project

CODE = "def handler(event, context):\n    return 1\n"
FILES = {"src/one.py": CODE, "src/two.py": CODE}
SAM = """\
Resources:
  One: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {code}, Handler: one.handler, Runtime: python3.13,
    Events: {{Get: {{Type: Api, Properties: {{Path: /, Method: get}}}}}}}}}}
  Two: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {code}, Handler: two.handler, Runtime: python3.13}}}}
"""
JSON = (
    SAM.replace("AWS::Serverless::Function", '"AWS::Serverless::Function"')
    .replace("Resources:\n", "{{Resources: {{\n")
    .replace("}}}}\n  Two", "}}}},\n  Two")
    + "}}}}"
)
ONE = "one: {handler: src/one.handler, events: [{http: GET /one}]}\n"
TWO = "two: {handler: src/two.handler, events: [{http: GET /two}]}\n"


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"sam.yaml": SAM.format(code="src")}, "sam.yaml"),
        ({"sam-template.yml": SAM.format(code="src")}, "sam-template.yml"),
        ({"samTemplate.yaml": SAM.format(code="src/one.py")}, "samTemplate.yaml"),
        ({"template.json": JSON.format(code="src")}, "template.json"),
        ({"infra/template.yaml": SAM.format(code="../src")}, "infra/template.yaml"),
        (
            {"deploy/api.yaml": SAM.format(code="../src/"), "samconfig.toml": 'template_file = "deploy/api.yaml"\n'},
            "deploy/api.yaml",
        ),
    ],
)
def test_template_is_found_by_its_name_and_one_api_function_is_the_app(
    tmp_path: Path, files: dict[str, str], source: str
) -> None:
    app = detect(write_project(tmp_path, FILES | files))
    assert (app.spec, app.root, app.source) == ("one:handler", "src", source)
    assert app.remarks[-1].startswith(f"{source} also has Two, which this doesn't deploy; for Two: lambent deploy")


def test_handler_may_be_in_a_package_itself(tmp_path: Path) -> None:
    write_project(tmp_path, {"serverless.yml": "functions: {one: {handler: shop.handler}}\n", "shop/__init__.py": CODE})
    assert detect(tmp_path).spec == "shop:handler"


def test_function_that_an_api_of_its_own_may_call_is_not_chosen_for_its_event(tmp_path: Path) -> None:
    text = SAM.format(code="src") + "  Api: {Type: AWS::ApiGateway::RestApi}\n"
    assert choose_function(read_functions(write_project(tmp_path, FILES | {"template.yaml": text}))) is None


def test_template_below_with_code_of_its_own_is_a_project_of_its_own(tmp_path: Path) -> None:
    write_project(tmp_path, FILES | {"src/template.yaml": SAM.format(code="."), "infra/template.yaml": SAM.format(code="code")})
    assert read_functions(tmp_path) == []


def test_code_may_have_an_absolute_path(tmp_path: Path) -> None:
    write_project(tmp_path, FILES | {"infra/template.yaml": SAM.format(code="/src")})
    assert [function.name for function in read_functions(tmp_path)] == ["One", "Two"]


@pytest.mark.parametrize(
    "files",
    [
        {"serverless.yml": "functions: ${file(parts/all.yml)}\n", "parts/all.yml": ONE + TWO},
        {"serverless.yml": "functions:\n  - ${file(one.yml)}\n  - ${file(two.yml)}\n", "one.yml": ONE, "two.yml": TWO},
        {"serverless.yml": "functions:\n  - ${file(all.yml):parts.one}\n  - " + TWO, "all.yml": f"parts:\n  one:\n    {ONE}"},
        {"serverless.yml": "functions:\n  one: ${file(all.yml):one}\n  " + TWO, "all.yml": ONE},
        {"serverless.json": f"{{functions: {{{ONE.strip()}, {TWO.strip()}}}}}"},
    ],
)
def test_functions_of_serverless_may_be_in_other_files_and_in_lists(tmp_path: Path, files: dict[str, str]) -> None:
    functions = read_functions(write_project(tmp_path, FILES | files))
    assert sorted((each.name, each.requests[0].path) for each in functions) == [("one", "/one"), ("two", "/two")]


def test_files_outside_the_project_are_not_read(tmp_path: Path) -> None:
    write_project(tmp_path, {"all.yml": ONE, "app/serverless.yml": "functions: ${file(../all.yml)}\n", "app/src/one.py": CODE})
    assert read_functions(tmp_path / "app") == []


@pytest.mark.parametrize("path", ["gone/a.yml", "loop/a.yml", "x\0y"])
def test_parts_that_cannot_be_read_are_left_out(tmp_path: Path, path: str) -> None:
    write_project(tmp_path, {"serverless.yml": f"functions:\n  - ${{file({path})}}\n  - {ONE}", "src/one.py": CODE})
    (tmp_path / "loop").symlink_to("loop")
    assert [function.name for function in read_functions(tmp_path)] == ["one"]
    assert detect(tmp_path).spec == "one:handler"
