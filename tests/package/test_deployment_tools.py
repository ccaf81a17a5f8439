"""Packages that only describe a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.model import App, Config, Route
from lambent.package.deployment_tools import without_deployment_tools
from support.locking import write


@pytest.mark.parametrize(
    ("requirements", "handler", "without"),
    [
        ("aws-cdk-lib==2.1\nconstructs>=10,<11\nboto3\n", "import boto3\n", ("aws-cdk-lib", "constructs")),
        ("aws-cdk.core\naws_cdk.aws_lambda==1.2\n", "", ("aws-cdk.core", "aws_cdk.aws_lambda")),
        ("aws-cdk-lib\n", "import stack\n", ()),
        ("flask\nmy-constructs\nconstructs\n", "", ()),
        ("aws-cdk-lib @ https://host/aws_cdk_lib-2.1-py3-none-any.whl  # aws-cdk.core\n", "", ("aws-cdk-lib",)),
        (
            'files = ["aws-cdk.aws-s3-1.76.0.tar.gz", "aws_cdk.core-1.7-py3-none-any.whl"]\naws-cdk.core\n',
            "",
            ("aws-cdk.core",),
        ),
    ],
    ids=["cdk", "cdk-1", "imported", "others", "url", "files"],
)
def test_deployment_tools_that_the_app_does_not_import_are_left_out(
    tmp_path: Path, requirements: str, handler: str, without: tuple[str, ...]
) -> None:
    files = {"requirements.txt": requirements, "lambda/index.py": f"{handler}def handler(event, context): ...\n"}
    write(tmp_path, {**files, "app.py": "import aws_cdk\n", "stack.py": "from aws_cdk import Stack\n"})
    config = Config(tmp_path, "small", App("lambda.index", "handler", "handler"), "python3.13", "x86_64")
    assert without_deployment_tools(config).packaging.without == without


def test_deployment_tools_that_any_of_several_functions_imports_stay(tmp_path: Path) -> None:
    files = {"requirements.txt": "aws-cdk-lib\n", "a.py": "", "b.py": "import aws_cdk\n"}
    write(tmp_path, files)
    routes = tuple(Route("GET", f"/{name}", name, "run") for name in "ab")
    app = App("", "", "handler", source="template.yaml", routes=routes)
    config = Config(tmp_path, "small", app, "python3.13", "x86_64")
    assert without_deployment_tools(config) == config
