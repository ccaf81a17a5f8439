"""The reason of a failed deploy, with real frameworks in the local Lambda: the app's own exception, file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from msgspec import Struct
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.load import Flags, load
from lambent.config.model import App, Config
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.errors import DeployError, FunctionFailedError
from lambent.library.failure_explanation import explain
from lambent.package.build import build
from support.functions import CACHE, NEWEST
from support.local_service import Service, serving


class Case(Struct, frozen=True):
    name: str
    kind: Literal["asgi", "wsgi"]
    requires: str
    source: str
    says: str
    detail: str = 'main.py", line 5'


CASES = (
    Case(
        "starlette",
        "asgi",
        "starlette",
        """
from starlette.applications import Starlette
from starlette.routing import Route

def home(request): raise RuntimeError("the reason")

app = Starlette(routes=[Route("/", home)])
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "fastapi, with middleware",
        "asgi",
        "fastapi",
        """
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def home(): raise RuntimeError("the reason")
@app.middleware("http")
async def pass_on(request, call_next): return await call_next(request)
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "litestar, which logs nothing",
        "asgi",
        "litestar",
        """
from litestar import Litestar, get

@get("/")
async def home() -> str: raise RuntimeError("the reason")
app = Litestar([home])
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "flask",
        "wsgi",
        "flask",
        """
from flask import Flask
app = Flask(__name__)
@app.get("/")
def home(): raise RuntimeError("the reason")
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "bottle",
        "wsgi",
        "bottle",
        """
import bottle
app = bottle.Bottle()
@app.get("/")
def home(): raise RuntimeError("the reason")
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "django, with its debug page",
        "wsgi",
        "django",
        """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path
def home(request): raise RuntimeError("the reason")
settings.configure(DEBUG=True, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
urlpatterns = [path("", home)]
app = get_wsgi_application()
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "lifespan",
        "asgi",
        "starlette",
        """
from contextlib import asynccontextmanager
from starlette.applications import Starlette

def connect(): raise RuntimeError("the reason")
@asynccontextmanager
async def lifespan(app):
    connect()
    yield
app = Starlette(lifespan=lifespan)
""",
        "RuntimeError: the reason",
    ),
    Case(
        "flask, whose own handler tells nobody",
        "wsgi",
        "flask",
        """
from flask import Flask
app = Flask(__name__)
@app.get("/")
def home(): raise RuntimeError("the reason")
@app.errorhandler(Exception)
def sorry(error): return "sorry", 500
""",
        "RuntimeError: the reason (main.py, line 5)",
    ),
    Case(
        "a crash of the process",
        "wsgi",
        "bottle",
        """
import bottle
import ctypes
app = bottle.Bottle()
app.get("/")(lambda: ctypes.string_at(0))
""",
        "ended by a signal: segmentation fault (main.py, line 5)",
    ),
    Case(
        "shared memory",
        "wsgi",
        "bottle",
        """
import multiprocessing
import bottle

lock = multiprocessing.Lock()
app = bottle.Bottle()
""",
        "Lambda has no shared memory (/dev/shm)",
    ),
    Case(
        "a command",
        "wsgi",
        "bottle",
        """
import subprocess
import bottle

version = subprocess.check_output(["git", "rev-parse", "HEAD"])
app = bottle.Bottle()
""",
        "Lambda has no command git (main.py, line 5)",
    ),
    Case(
        "a missing file",
        "wsgi",
        "bottle",
        """
from pathlib import Path
import bottle

index = Path("dist/index.html").read_text()
app = bottle.Bottle()
""",
        "the file dist/index.html isn't in the zip (main.py, line 5)",
    ),
    Case(
        "a module that resembles Python's",
        "wsgi",
        "bottle",
        """
import bottle

import secrets
token = secrets.token_hex()
app = bottle.Bottle()
""",
        "the app's own secrets.py hides Python's module secrets",
    ),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as service:
        yield service


@pytest.fixture
def aws(service: Service) -> Aws:
    return connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))


def make_config(folder: Path, case: Case) -> Config:
    (folder / "main.py").write_text(case.source)
    (folder / "requirements.txt").write_text(case.requires)
    if "import secrets" in case.source:
        (folder / "secrets.py").write_text("KEY = 1\n")
    return Config(path=folder, name=re.sub(r"\W+", "-", case.name), app=App("main", "app", case.kind), runtime=NEWEST)


def deploy_app(aws: Aws, config: Config) -> events.Deployed:
    artifact = build(config, CACHE, os.environ, events.ignore)
    return deploy(config, artifact, DeployContext(aws, events.ignore))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reason(aws: Aws, tmp_path: Path, case: Case) -> None:
    with pytest.raises(DeployError) as failed:
        deploy_app(aws, make_config(tmp_path, case))
    assert case.says in failed.value.what
    assert case.detail in failed.value.detail
    assert "<html" not in failed.value.detail


def test_following_the_hint_about_a_hidden_module(aws: Aws, tmp_path: Path) -> None:
    case = next(case for case in CASES if "secrets" in case.says)
    with pytest.raises(DeployError) as failed:
        deploy_app(aws, make_config(tmp_path, replace(case, name="renamed")))
    assert failed.value.hint.startswith("rename secrets.py ")
    config = make_config(tmp_path, replace(case, name="renamed"))
    (tmp_path / "secrets.py").unlink()
    assert deploy_app(aws, config).url


def test_following_the_hint_about_shared_memory(aws: Aws, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "shared memory")
    config = make_config(tmp_path, replace(case, name="locked"))
    with pytest.raises(DeployError) as failed:
        deploy_app(aws, config)
    assert "threading.Lock" in failed.value.hint
    (tmp_path / "main.py").write_text(case.source.replace("multiprocessing", "threading"))
    assert deploy_app(aws, config).url


def test_following_the_hint_about_a_file_that_git_ignores(aws: Aws, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "a missing file")
    make_config(tmp_path, case)
    (tmp_path / ".gitignore").write_text("dist/\n")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/index.html").write_text("home")
    flags = Flags(app="main:app", name="ignored", runtime=NEWEST)
    config = load(tmp_path, flags, {}, date.today())
    artifact = build(config, CACHE, os.environ, events.ignore)
    with pytest.raises(FunctionFailedError) as failed:
        deploy(config, artifact, DeployContext(aws, events.ignore))
    explain(failed.value, config, artifact)
    line, _, place = failed.value.hint.partition(" under ")
    assert place.startswith("[tool.lambent] in pyproject.toml")
    (tmp_path / "pyproject.toml").write_text(f"[tool.lambent]\n{line}\n")
    assert deploy_app(aws, load(tmp_path, flags, {}, date.today())).url


SLOW = """
import time
time.sleep(11)
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"at last"]
"""


def test_following_the_hint_about_a_slow_start(aws: Aws, tmp_path: Path) -> None:
    config = replace(make_config(tmp_path, Case("slow", "wsgi", "", SLOW, "")), timeout_s=3)
    with pytest.raises(DeployError, match="needs more than 10 s to start") as failed:
        deploy_app(aws, config)
    timeout = re.search(r"--timeout (\d+)", failed.value.hint)
    assert timeout
    emitted: list[events.Event] = []
    artifact = build(config, CACHE, os.environ, events.ignore)
    deploy(replace(config, timeout_s=int(timeout[1])), artifact, DeployContext(aws, emitted.append))
    warnings = [event.text for event in emitted if isinstance(event, events.Warned)]
    assert any("every cold start will take this long" in text for text in warnings)


LAZY = """
def app(environ, start_response):
    module = __import__("importlib").import_module("iniconfig")
    start_response("200 OK", [("content-type", "text/plain")])
    return [module.__name__.encode()]
"""


@pytest.mark.parametrize(
    ("file", "start"), [("requirements.txt", "add iniconfig to requirements.txt "), ("Pipfile", "pipenv ")]
)
def test_missing_package_is_added_where_the_project_keeps_its_requirements(
    aws: Aws, tmp_path: Path, file: str, start: str
) -> None:
    config = make_config(tmp_path, Case(f"lazy-{file}", "wsgi", "", LAZY, ""))
    (tmp_path / "requirements.txt").unlink()
    (tmp_path / file).write_text("click\n" if file == "requirements.txt" else '[packages]\nclick = "*"\n')
    with pytest.raises(DeployError) as failed:
        deploy_app(aws, config)
    assert failed.value.what == "the module iniconfig is missing" and failed.value.hint.startswith(start)
    assert file == "requirements.txt" or failed.value.hint.startswith("pipenv install iniconfig ")
