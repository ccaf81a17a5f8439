"""The same app behind a real server and, deployed by lambent, behind Function URLs of a real local Lambda."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from lambent import events
from lambent.aws.boto import connect
from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.package.artifact import Artifact
from lambent.package.build import build
from support.functions import CACHE
from support.local_service import RUNTIME, Service, serving
from support.raw_http import Client

APPS = Path(__file__).parent / "differential_apps"

SERVER_ID = "s" * 32
"""Replaces a Function URL's id in the server's host name. It is as long as an id, so that responses have the same length."""

STREAMED = "own client, streamed"
VARIANTS = {"own client": {}, "AWS's client": {"LAMBENT_RUNTIME_CLIENT": "aws"}, STREAMED: {"LAMBENT_STREAM": "true"}}
"""The variables for each way in which an app may run on Lambda. Their zips are the same."""

# Not `uvicorn --fd`, which treats the listener as a Unix socket and so leaves Nagle's algorithm on (40 ms for two writes).
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


class Sites(Struct, frozen=True):
    """One app: its real server, and its Function URLs by variant."""

    server: Client
    urls: dict[str, Client]


SERVERS = {"asgi": (UVICORN, "uvicorn", "httptools"), "wsgi": (WAITRESS, "waitress")}
"""How an app is served, and the packages for that. They are in the zip too, so that both sides run the same files."""


class Project(Struct, frozen=True):
    """A module with an `app`, its kind in `SERVERS`, and the packages that it needs."""

    module: str
    kind: str
    requirements: tuple[str, ...] = ()


class SiteBuilder:
    """Serves and deploys projects. `apps` is the folder with their modules."""

    def __init__(self, service: Service, apps: Path, folder: Path) -> None:
        self._service = service
        self._apps = apps
        self._folder = folder

    @contextmanager
    def sites(self, project: Project) -> Iterator[Sites]:
        with ExitStack() as stack:
            urls = {variant: self._deploy(project, variant) for variant in VARIANTS}
            code = self._folder / project.module / "code"
            with zipfile.ZipFile(self._build(project, next(iter(VARIANTS))).path) as archive:
                archive.extractall(code)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            stack.enter_context(_served(project, listener, code))
            host = f"{SERVER_ID}.lambda-url.us-east-1.localhost:{self._service.port}"
            clients = [Client(listener.getsockname()[1], host), *urls.values()]
            for client in clients:
                stack.callback(client.close)
            yield Sites(clients[0], urls)

    def _config(self, project: Project, variant: str) -> Config:
        folder = self._folder / project.module / "project"
        if not folder.exists():
            shutil.copytree(self._apps, folder, ignore=shutil.ignore_patterns("__pycache__"))
            requirements = (*project.requirements, *SERVERS[project.kind][1:])
            (folder / "requirements.txt").write_text("\n".join(requirements))
        name = f"{project.module.replace('_', '-')}-{list(VARIANTS).index(variant)}"
        flags = Flags(app=f"{project.module}:app", name=name, runtime=RUNTIME)
        return load(folder, flags, {**os.environ, **VARIANTS[variant]}, date.today())

    def _build(self, project: Project, variant: str) -> Artifact:
        return build(self._config(project, variant), CACHE, os.environ, events.ignore)

    def _deploy(self, project: Project, variant: str) -> Client:
        aws = connect("us-east-1", endpoint_url=self._service.url, keys=("lambent", "lambent"))
        context = DeployContext(aws, events.ignore)
        deployed = deploy(self._config(project, variant), self._build(project, variant), context)
        return Client(self._service.port, urlsplit(deployed.url).netloc)


@contextmanager
def site_builder(apps: str, folder: Path) -> Iterator[SiteBuilder]:
    """Start a local Lambda for the apps in one folder of differential_apps."""
    with serving(folder / "state") as service:
        yield SiteBuilder(service, APPS / apps, folder)


@contextmanager
def _served(project: Project, listener: socket.socket, code: Path) -> Iterator[None]:
    """Serve a project from `code` only: a package in the tests' environment could change what an app does."""
    command = [sys._base_executable, "-S", "-c", SERVERS[project.kind][0], project.module, str(listener.fileno())]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    process = subprocess.Popen(command, cwd=code, env=environment, pass_fds=[listener.fileno()], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()
