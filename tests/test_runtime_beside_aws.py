"""Errors side by side with AWS's own runtime client (awslambdaric): the same posted, and the same printed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from lambent import interpreters
from runtime_stand_in import Environment

CASES = {
    "nowhere.app": "",
    "main.nothing": "x = 1",
    "main.import_": "import cowsay_x",
    "main.syntax": "x = 1\ndef x(:\n    pass",
    "main.key": "def f():\n    return {}['no']\n\nf()",
    "main.empty": "raise ValueError",
    "main": "",
    "sys.app": "",
}
# AWS's begins with how its own client came to import the module; ours with the app.
OF_THE_IMPORT = re.compile(
    r'^\W*File "(<frozen importlib\._bootstrap[^"]*|[^"]*/importlib/__init__\.py|[^"]*/awslambdaric/[^"]*)"'
)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An interpreter, and a folder with AWS's client for it."""
    found = interpreters.find("3.13", os.environ)
    if found is None:
        pytest.skip(f"no python3.13 on this machine: {interpreters.how_to_get('3.13')}")
    folder = tmp_path_factory.mktemp("client")
    command = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", found.path, "--only-binary", ":all:"]
    subprocess.run([*command, "awslambdaric"], check=True, timeout=300)
    return found.path, folder


def outcome(env: Environment) -> tuple[str, dict[str, str], dict[str, object], list[str], int]:
    """Where it was posted, the type header, the error, the lines printed (without time), the exit status."""
    posted = env.posted()
    status = env.process.wait(30)
    trace = [line.replace(str(env.task), "/var/task") for line in posted.data["stackTrace"]]
    posted.data["stackTrace"] = [line for line in trace if not OF_THE_IMPORT.match(line)]
    kind = posted.headers["lambda-runtime-function-error-type"]
    printed = re.sub(r"\t\d{4}-\d\d-\d\dT[\d:.]+Z\t", "\t(time)\t", env.log.replace(str(env.task), "/var/task"))
    lines, skipping = [], False
    for line in re.split(r"[\r\n]", printed):
        skipping = bool(OF_THE_IMPORT.match(line)) or (skipping and line.startswith("\u00a0" * 4))
        if not skipping:
            lines.append(line)
    return posted.kind, {"type": kind}, posted.data, lines, status


@pytest.mark.parametrize("handler", CASES)
def test_init_errors_are_as_awslambdaric_has_them(handler: str, client: tuple[Path, Path], tmp_path: Path) -> None:
    interpreter, packages = client
    files = {"main.py": CASES[handler]}
    command = [interpreter, "-c", f"from awslambdaric.__main__ import main; main(['', {handler!r}])"]
    with Environment(tmp_path / "ours", interpreter, handler, files=files) as env:
        ours = outcome(env)
    with Environment(tmp_path / "aws", interpreter, handler, files=files, packages=packages, command=command) as env:
        aws = outcome(env)
    assert ours == aws
