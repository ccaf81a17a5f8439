"""Functions that the code of CDK and Terraform describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import detect, write_project

HANDLER = "def run(event, context):\n    return 1\n"
CODE = {"fn/api/work.py": HANDLER, "fn/api/requirements.txt": "", "fn/job/other.py": HANDLER, "fn/job/requirements.txt": ""}
ARCHIVE = 'data "archive_file" "code" {\n  type = "zip"\n  source_dir = "${path.module}/../fn/api"\n}\n'
FUNCTION = (
    'resource "aws_lambda_function" "api" {\n  handler = "work.run"\n  filename = data.archive_file.code.output_path\n}\n'
)


@pytest.mark.parametrize(
    "files",
    [
        {"stack.py": 'lambda_.Function(self, "A", code=lambda_.Code.from_asset("fn/api"), handler="work.run")\n'},
        {"infra/cdk.json": "{}", "infra/lib/a.py": 'Function(handler="work.run", code=Code.from_asset("../fn/api"))\n'},
        {"infra/a.ts": "new Function({ handler: 'work.run',\n code: Code.fromAsset(path.join(__dirname, '../fn/api')) })\n"},
        {"infra/main.tf": FUNCTION, "infra/code.tf": ARCHIVE},
        {"infra/main.tf": FUNCTION + ARCHIVE.replace("source_dir", "source_file").replace("fn/api", "fn/api/work.py")},
    ],
    ids=["cdk", "cdk-in-folder", "typescript", "terraform", "terraform-file"],
)
def test_function_that_infrastructure_code_describes_is_the_app(tmp_path: Path, files: dict[str, str]) -> None:
    app = detect(write_project(tmp_path, {**CODE, **files}))
    assert (app.spec, app.root, app.kind) == ("work:run", "fn/api", "handler")


def test_several_described_functions_decide_nothing(tmp_path: Path) -> None:
    stack = 'Function(handler="work.run", code=Code.from_asset("fn/api"))\n' + "#" * 800
    stack += '\nFunction(handler="other.run", code=Code.from_asset("fn/job"))\n'
    with pytest.raises(DetectionError, match="2 folders have one each"):
        detect(write_project(tmp_path, {**CODE, "stack.py": stack}))


def test_app_that_is_plain_to_see_comes_first(tmp_path: Path) -> None:
    files = {"stack.py": 'Function(handler="work.run", code=Code.from_asset("fn/api"))\n', "main.py": HANDLER}
    assert detect(write_project(tmp_path, {**CODE, **files})).spec == "main:run"
