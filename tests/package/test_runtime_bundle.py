"""The runtime in a zip: the target's Python starts it directly, and its modules come from one file."""

from __future__ import annotations

import ast
import asyncio
import os
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent import events
from lambent.config.model import App, Config
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from lambent.package import runtime_bundle
from lambent.package.artifact import Artifact
from lambent.package.build import build
from support.functions import NEWEST, RUNTIMES, interpreter, make_function, running
from support.runtime_api_stub import Environment, make_event

HANDLER = """
    import sys
    early = set(sys.modules)

    def handler(event, context):
        runtime = sys.modules["lambent_runtime"]
        own = {name: module for name, module in sys.modules.items() if name.startswith("lambent_runtime")}
        return {
            "loaded": sorted(name.partition(".")[2] for name in own if name in early),
            "early": sorted(early & {"os", "site", "importlib", "__future__", "re", "enum", "json", "socket", "logging"}),
            "late": sorted(name.partition(".")[2] for name in own),
            "loaders": sorted({type(module.__spec__.loader).__name__ for module in own.values()}),
            "file": runtime.invocation_loop.__file__,
            "argv": len(sys.argv),
            "path": sys.path,
        }
"""
APP = """
    from __future__ import annotations
    import os, sys
    import reply

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/raise":
            raise ValueError("x")
        from lambent_runtime.compat import Mangum
        start_response("200 OK", [("Content-Type", "text/plain")])
        web = sys.modules["lambent_runtime.wsgi"]
        return [repr((reply.mine, annotations.compiler_flag > 0, web.__file__, web.__package__, Mangum.__name__)).encode()]
"""


def packed(folder: Path, source: str, kind: str, runtime: str = NEWEST) -> Artifact:
    folder.mkdir()
    (folder / "main.py").write_text(textwrap.dedent(source))
    (folder / "reply.py").write_text("mine = True\n")
    app = App("main", "handler" if kind == "handler" else "app", kind)  # type: ignore[arg-type]
    config = Config(folder, "small", app, runtime, runtime_client="lambent")  # type: ignore[arg-type]
    return build(config, folder.parent / "cache", os.environ, events.ignore)


def unpacked(artifact: Artifact, task: Path, python: Path) -> list[str | Path]:
    """Unpack the zip, and return the command that the kernel would make of the bootstrap's first line, with another Python."""
    with zipfile.ZipFile(artifact.path) as zipped:
        zipped.extractall(task)
    (task / "lambent_runtime/bootstrap").chmod(0o755)
    first = (task / "lambent_runtime/bootstrap").read_text().splitlines()[0]
    assert first == f"#!/var/lang/bin/{artifact.runtime} -S"
    return [python, "-S", task / "lambent_runtime/bootstrap", python, "/var/runtime/bootstrap.py"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_start_imports_exactly_the_first_modules(runtime: str, tmp_path: Path) -> None:
    artifact = packed(tmp_path / "app", HANDLER, "handler", runtime)
    command = unpacked(artifact, tmp_path / "unpacked", interpreter(runtime))
    env = {"LAMBENT_INTERFACE": "handler", "LAMBDA_TASK_ROOT": str(tmp_path / "unpacked")}
    with Environment(tmp_path, interpreter(runtime), "main.handler", command=command, env=env) as environment:
        response = environment.invoke({}).data
    assert response["loaded"] == sorted({"", *runtime_bundle.FIRST} - {"__init__"})
    assert response["late"] == response["loaded"]
    assert "__future__" not in response["early"]
    assert response["loaders"] == ["Bundle"]
    assert response["file"] == str(tmp_path / "unpacked/lambent_runtime/invocation_loop.py")
    assert response["argv"] == 1
    assert response["path"][0] == str(tmp_path / "unpacked")
    assert not any("lambent_runtime" in entry for entry in response["path"])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_other_modules_are_loaded_on_demand(runtime: str, tmp_path: Path) -> None:
    artifact = packed(tmp_path / "app", APP, "wsgi", runtime)
    command = unpacked(artifact, tmp_path / "unpacked", interpreter(runtime))
    env = {"LAMBDA_TASK_ROOT": str(tmp_path / "unpacked")}
    with Environment(tmp_path, interpreter(runtime), "main.app", command=command, env=env) as environment:
        answer = ast.literal_eval(environment.invoke(make_event()).body.decode())
        assert answer == (True, True, str(tmp_path / "unpacked/lambent_runtime/wsgi.py"), "lambent_runtime", "Mangum")
        environment.invoke(make_event(path="/raise"))
        assert "ValueError: x" in environment.log
        assert "lambent_runtime" not in environment.log, "a trace begins where the app's own code does"


@pytest.mark.parametrize("factory", [lambda: None, ProcessFactory], ids=["best", "process"])
def test_local_lambda_starts_the_bundle(factory: Callable[[], SandboxFactory | None], tmp_path: Path) -> None:
    artifact = packed(tmp_path / "app", HANDLER, "handler")
    function = make_function(tmp_path, "", environment=artifact.environment, handler=artifact.handler)
    unpacked(artifact, function.code, interpreter())

    async def body() -> tuple[dict[str, object], str]:
        async with running(tmp_path, factory=factory()) as aws:
            response, error, _ = await aws.call(function)
            return response, error

    response, error = asyncio.run(body())
    assert error == ""
    assert (response["loaders"], response["argv"]) == (["Bundle"], 1)


def test_bytes_do_not_depend_on_the_cache(tmp_path: Path) -> None:
    artifacts = [packed(tmp_path / name / "app", HANDLER, "handler") for name in ("a", "b") if not (tmp_path / name).mkdir()]
    assert artifacts[0].sha256 == artifacts[1].sha256


def test_without_interpreter_the_bootstrap_is_portable(tmp_path: Path) -> None:
    files = runtime_bundle.bundled("/var/lang/bin/python3.13", None, tmp_path)
    assert "lambent_runtime/bundle" not in files
    assert files["lambent_runtime/bootstrap"].path.read_text().startswith("#!/bin/sh\n")
    assert not runtime_bundle.is_bundled("lambent_runtime/invocation_loop.py", files)
