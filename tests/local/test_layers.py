"""Layers on the local Lambda, created with the real aws CLI, and what a function finds in /opt in either sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.config.model import App, Config, Hosting
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.local.code_store import merge
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from support.deploy_cases import artifact
from support.deploy_cases import config as deploy_config
from support.functions import CACHE, NEWEST, make_function, running
from support.lambda_api import zip_bytes
from support.local_service import RUNTIME, Service, serving
from support.runtime_api_stub import RUNTIME as OURS
from support.runtime_api_stub import make_event

AWS = Path(sys.executable).with_name("aws")
CODE = "import cowsay\ndef app(event, context):\n    return cowsay.get_output_string('cow', 'moo')\n"
SOURCE = """
    import os, subprocess, sys
    import first, second, both, boto3

    def handler(event, context):
        tool = subprocess.run(["tool"], capture_output=True, text=True).stdout
        return [first.NAME, second.NAME, both.NAME, boto3.NAME, tool]
"""


WRAPPER = (("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/lambent_runtime/bootstrap"), ("LAMBENT_INTERFACE", "handler"))


def layer(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755 if "bin/" in name else 0o644)
    return folder


@pytest.mark.parametrize("client", ["lambent", "aws"])
@pytest.mark.parametrize("factory", [lambda: None, ProcessFactory], ids=["best", "process"])
def test_function_finds_the_content_of_its_layers(
    factory: Callable[[], SandboxFactory | None], client: str, tmp_path: Path
) -> None:
    site = f"python/lib/{NEWEST}/site-packages"
    lower = layer(tmp_path / "a", {"python/first.py": "NAME = 'first'", f"{site}/both.py": "NAME = 'lower'"})
    upper = layer(
        tmp_path / "b",
        {
            f"{site}/second.py": "NAME = 'second'",
            f"{site}/both.py": "NAME = 'upper'",
            "python/boto3.py": "NAME = 'the layer, not the runtime'",
            "bin/tool": "#!/bin/sh\necho tool",
        },
    )
    merge([lower, upper], tmp_path / "opt")
    function = make_function(tmp_path, SOURCE, opt=tmp_path / "opt", timeout_s=20)
    if client == "lambent":
        layer(function.code / "lambent_runtime", {path.name: path.read_text() for path in OURS.iterdir() if path.is_file()})
        (function.code / "lambent_runtime/bootstrap").chmod(0o755)
        function = replace(function, environment=WRAPPER)

    async def call() -> tuple[object, str]:
        async with running(tmp_path, factory=factory()) as aws:
            payload, error, _ = await aws.call(function)
            return payload, error

    assert asyncio.run(call()) == (["first", "second", "upper", "the layer, not the runtime", "tool\n"], "")


def test_a_layers_exec_wrapper_and_its_handler_run_a_web_app(tmp_path: Path) -> None:
    """As /opt/otel-instrument and /opt/datadog_wrapper do. lambent's own wrapper is in AWS_LAMBDA_EXEC_WRAPPER."""
    wrapper = 'export ORIGINAL=$_HANDLER\nexport _HANDLER=wrapping.handler\nexec "$@"\n'
    wrapping = """
        import importlib, os
        module, _, name = os.environ["ORIGINAL"].rpartition(".")
        original = getattr(importlib.import_module(module), name)
        def handler(event, context):
            return {**original(event, context), "cookies": ["by=layer"]}
    """
    files = {"bin/own-wrapper": f"#!/bin/bash\n{wrapper}", "python/wrapping.py": textwrap.dedent(wrapping)}
    app = """
        def handler(environ, start_response):
            start_response("200 OK", [])
            return [environ["PATH_INFO"].encode()]
    """
    environment = (WRAPPER[0], ("LAMBENT_EXEC_WRAPPER", "/opt/bin/own-wrapper"))
    function = make_function(tmp_path, app, opt=layer(tmp_path / "opt", files), timeout_s=20, environment=environment)
    layer(function.code / "lambent_runtime", {path.name: path.read_text() for path in OURS.iterdir() if path.is_file()})
    (function.code / "lambent_runtime/bootstrap").chmod(0o755)

    async def call() -> Any:
        async with running(tmp_path) as aws:
            return (await aws.call(function, make_event(path="/lamp")))[0]

    answer = asyncio.run(call())
    assert (answer["statusCode"], answer["cookies"], answer["body"]) == (200, ["by=layer"], "L2xhbXA=")


def test_last_layer_is_on_top(tmp_path: Path) -> None:
    lower = layer(tmp_path / "lower", {"a": "lower", "b/c": "lower", "d/e": "lower", "f": "lower"})
    upper = layer(tmp_path / "upper", {"a": "upper", "b/g": "upper", "d": "upper", "f/h": "upper"})
    (upper / "link").symlink_to("b/c")
    merge([lower, upper], tmp_path / "opt")
    contents = {
        str(path.relative_to(tmp_path / "opt")): path.read_text() for path in (tmp_path / "opt").rglob("*") if path.is_file()
    }
    assert contents == {"a": "upper", "b/c": "lower", "b/g": "upper", "d": "upper", "f/h": "upper", "link": "lower"}
    assert (tmp_path / "opt/link").is_symlink()
    assert (lower / "a").read_text() == "lower", "a layer is linked, not changed"


def aws(service: Service, *arguments: str) -> dict[str, object]:
    process = subprocess.run(
        [AWS, "--region", "us-east-1", "lambda", *arguments], env=service.environ(), capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 0, process.stderr
    output: dict[str, object] = json.loads(process.stdout or "{}")
    return output


def test_layer_survives_its_deletion_and_a_restart_with_the_aws_cli(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.py").write_text(CODE)
    (folder / "requirements.txt").write_text("cowsay==6.1\n")
    config = Config(folder, "cow", App("main", "app", "handler"), RUNTIME)
    layer_zip, app_zip = (
        build(config, CACHE, os.environ, events.ignore, BuildOptions(scope=scope))  # type: ignore[arg-type]
        for scope in ("layer", "app")
    )
    function = ("--function-name", "cow")
    with serving(tmp_path / "state") as service:
        version = aws(
            service,
            "publish-layer-version",
            "--layer-name",
            "cows",
            "--zip-file",
            f"fileb://{layer_zip.path}",
            "--compatible-runtimes",
            RUNTIME,
        )
        arn = str(version["LayerVersionArn"])
        assert arn.endswith(":layer:cows:1")
        code = (
            "--zip-file",
            f"fileb://{app_zip.path}",
            "--runtime",
            RUNTIME,
            "--handler",
            app_zip.handler,
            "--role",
            service.role(),
        )
        aws(service, "create-function", *function, *code, "--layers", arn)
        aws(service, "wait", "function-active-v2", *function)
        aws(service, "invoke", *function, str(tmp_path / "out"))
        assert "moo" in (tmp_path / "out").read_text()
        aws(service, "delete-layer-version", "--layer-name", "cows", "--version-number", "1")
    with serving(tmp_path / "state") as service:  # the function still has its layer
        (tmp_path / "out").unlink()
        aws(service, "invoke", *function, str(tmp_path / "out"))
        assert "moo" in (tmp_path / "out").read_text()
        assert aws(service, "list-layers") == {"Layers": []}
        response = aws(service, "get-function", *function)
        assert response["Configuration"]["Layers"][0]["Arn"] == arn  # type: ignore[index]
        aws(service, "update-function-configuration", *function, "--layers", "[]")
        aws(service, "wait", "function-updated-v2", *function)
        response = aws(service, "invoke", *function, str(tmp_path / "out"))
        assert response["FunctionError"] == "Unhandled" and "No module named 'cowsay'" in (tmp_path / "out").read_text()


def test_second_deploy_with_the_same_layers_changes_nothing(tmp_path: Path) -> None:
    zipped = artifact(tmp_path, "import lib\ndef lambda_handler(event, context):\n    return lib.NAME\n", runtime=RUNTIME)
    with serving(tmp_path / "state") as service:
        client = service.client("lambda", region_name="eu-west-1")
        content = {"ZipFile": zip_bytes({"python/lib.py": "NAME = 'of the layer'\n"})}
        arn = client.publish_layer_version(LayerName="lib", Content=content)["LayerVersionArn"]
        account = connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
        config = deploy_config(tmp_path, "layered", runtime=RUNTIME, hosting=Hosting(layers=(arn,)))
        first, second = (deploy(config, zipped, DeployContext(account, events.ignore)) for _ in range(2))
        assert (first.version, second.version, second.changed) == ("1", "1", False)
        response = client.invoke(FunctionName="layered", Qualifier="live")
        assert json.loads(response["Payload"].read()) == "of the layer"
