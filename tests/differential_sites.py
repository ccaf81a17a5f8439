"""The same app behind a real server and behind Function URLs of a real local Lambda, made by the deployer's own code."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from lambent import events
from lambent.aws.boto import connect
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.deploy.deploy import deploy
from lambent.package.artifact import Artifact
from lambent.package.build import build
from local_service import RUNTIME, Service, serving
from wire import Wire

APPS = Path(__file__).parent / "differential_apps"
CACHE = Path(tempfile.gettempdir()) / "lambent-tests-cache"

SERVER_ID = "s" * 32
"""Stands for a Function URL's id in the host the server is asked for: as long, for the lengths of answers to agree."""

VARIANTS = {"own client, buffered": "", "AWS's client, buffered": 'runtime_client = "aws"'}
"""What the project's [tool.lambent] says for each way an app may run on Lambda."""

# Not `uvicorn --fd`: it takes the listener for a Unix socket, and so leaves Nagle's algorithm on (40 ms for two writes).
UVICORN = """
import socket, sys, uvicorn
config = uvicorn.Config(f"{sys.argv[1]}:app", lifespan="on", log_level="critical", proxy_headers=False)
uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[2]))])
"""
WAITRESS = """
import importlib, socket, sys
from waitress.server import create_server
app = importlib.import_module(sys.argv[1]).app
listener = socket.socket(fileno=int(sys.argv[2]))
create_server(app, sockets=[listener], threads=1, max_request_body_size=1 << 30).run()
"""


@dataclass(frozen=True)
class Sites:
    """One app: its real server, and its Function URLs by variant."""

    server: Wire
    urls: dict[str, Wire]


class Lab:
    """A local Lambda with a place for the projects to be deployed. `apps` is a folder of apps with their requirements."""

    def __init__(self, service: Service, apps: Path, folder: Path) -> None:
        self._service = service
        self._apps = apps
        self._folder = folder

    @contextmanager
    def sites(self, module: str, kind: str) -> Iterator[Sites]:
        """`kind` is "asgi" or "wsgi"."""
        with ExitStack() as stack:
            urls = {variant: self._deploy(module, variant) for variant in VARIANTS}
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            stack.enter_context(_served(module, kind, listener, self._code(module)))
            host = f"{SERVER_ID}.lambda-url.us-east-1.localhost:{self._service.port}"
            wires = [Wire(listener.getsockname()[1], host), *urls.values()]
            for wire in wires:
                stack.callback(wire.close)
            yield Sites(wires[0], urls)

    def _code(self, module: str) -> Path:
        """What the function's /var/task holds, for the real server to run on."""
        target = self._folder / "code"
        if not target.exists():
            with zipfile.ZipFile(self._build(module, next(iter(VARIANTS))).path) as archive:
                archive.extractall(target)
        return target

    def _config(self, module: str, variant: str) -> Config:
        number = list(VARIANTS).index(variant)
        folder = self._folder / f"project{number}"
        if not folder.exists():
            shutil.copytree(self._apps, folder, ignore=shutil.ignore_patterns("__pycache__"))
            (folder / "pyproject.toml").write_text(f"[tool.lambent]\n{VARIANTS[variant]}\n")
        flags = Flags(app=f"{module}:app", name=f"{module.replace('_', '-')}-{number}", runtime=RUNTIME)
        return load(folder, flags, os.environ, date.today())

    def _build(self, module: str, variant: str) -> Artifact:
        return build(self._config(module, variant), CACHE, os.environ, events.ignore)

    def _deploy(self, module: str, variant: str) -> Wire:
        aws = connect("us-east-1", endpoint_url=self._service.url, keys=("lambent", "lambent"))
        deployed = deploy(self._config(module, variant), self._build(module, variant), aws, events.ignore)
        return Wire(self._service.port, urlsplit(deployed.url).netloc)


@contextmanager
def lab(apps: str, folder: Path) -> Iterator[Lab]:
    """`apps` is the name of a folder of apps."""
    with serving(folder / "state") as service:
        yield Lab(service, APPS / apps, folder)


@contextmanager
def _served(module: str, kind: str, listener: socket.socket, code: Path) -> Iterator[None]:
    command = [sys.executable, "-c", UVICORN if kind == "asgi" else WAITRESS, module, str(listener.fileno())]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    process = subprocess.Popen(command, cwd=code, env=environment, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()
