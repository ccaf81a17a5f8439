"""Loading the configuration: precedence, origins and refusals."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from lambent.config.load import Flags, load
from lambent.config.model import Config
from lambent.config.settings import HOSTING, KEYS, PACKAGING, STAGES
from lambent.errors import LambentError, LocalError, UsageError
from lambent.names import to_app_name

TODAY = date(2026, 11, 23)
HANDLER = "def lambda_handler(event, context): return 1\n"


def environ(home: Path, *pythons: str, **more: str) -> dict[str, str]:
    """Return the environment of a machine with only these Pythons, installed by pyenv."""
    for python in pythons:
        path = home / f".pyenv/versions/{python}.1/bin/python{python}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF")
        path.chmod(0o755)
    return {"HOME": str(home), "PATH": ""} | more


@pytest.fixture(autouse=True)
def no_system_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.interpreters._SYSTEM_FOLDERS", ())


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "lambda_function.py").write_text(HANDLER)
    return folder


def load_config(app: Path, flags: Flags | None = None, on: date = TODAY, **more: str) -> Config:
    return load(app, flags or Flags(runtime="python3.13"), environ(app.parent / "home", **more), on)


def test_defaults_have_origins(app: Path) -> None:
    config = load_config(app)
    assert (config.name, config.memory_mb, config.timeout_s, config.tmp_mb) == ("my-shop", 1024, 30, 512)
    assert config.app.spec == "lambda_function:lambda_handler"
    assert config.origins["name"] == "the folder My Shop"
    assert config.origins["memory_mb"] == "default"
    fields = set(Config.__struct_fields__) - {"path", "origins", "hosting", "packaging", "secrets"}
    assert set(config.origins) == fields | set(HOSTING) | set(PACKAGING)


def test_flag_beats_environment_beats_pyproject(app: Path) -> None:
    (app / "pyproject.toml").write_text('[tool.lambent]\nmemory = 256\ntimeout = 5\nname = "one"\nenv = { AA = "1", BB = 2 }\n')
    flags = Flags(runtime="3.13", memory="512", env=("CC=x=y", "BB=3"))
    config = load_config(app, flags, LAMBENT_MEMORY="300", LAMBENT_TIMEOUT="7")
    assert (config.memory_mb, config.timeout_s, config.name) == (512, 7, "one")
    assert config.environment == (("AA", "1"), ("BB", "3"), ("CC", "x=y"))
    assert config.origins["memory_mb"] == "--memory"
    assert config.origins["timeout_s"] == "LAMBENT_TIMEOUT"
    assert config.origins["name"] == "pyproject.toml [tool.lambent] name"


@pytest.mark.parametrize(
    ("toml", "message", "where", "hint"),
    [
        ("memory = 100", "memory must be between 128 and 10240 MB, got 100", "memory", "memory = 128"),
        ("memory = 20000", "memory must be between 128 and 10240 MB, got 20000", "memory", "memory = 10240"),
        ("memory = true", "memory must be a whole number of MB, got True", "memory", "memory = 128"),
        ('timeout = "long"', "timeout must be a whole number of seconds, got 'long'", "timeout", "timeout = 1"),
        ("memroy = 1", "unknown setting: memroy", "memroy", "did you mean memory?"),
        ('architecture = "mips"', "architecture must be x86_64 or arm64, got mips", "architecture", 'architecture = "x86_64"'),
        ('name = "a b"', "name must be 1 to 56 letters, digits, - or _, got a b", "name", 'name = "a-b"'),
        ("env = { AWS_REGION = 'x' }", "Lambda reserves the environment variable AWS_REGION", "env", "use MY_AWS_REGION"),
        ("env = { A = [1] }", "env.A must be text, got [1]", "env.A", 'A = "value"'),
        ('exclude = "x"', "exclude must be a list of patterns, got 'x'", "exclude", 'exclude = ["*.psd", "raw/"]'),
    ],
)
def test_refusal_names_the_origin_and_the_line_to_write(app: Path, toml: str, message: str, where: str, hint: str) -> None:
    (app / "pyproject.toml").write_text(f"[tool.lambent]\n{toml}\n")
    with pytest.raises(UsageError) as error:
        load_config(app)
    assert error.value.what == message
    assert error.value.where == f"pyproject.toml [tool.lambent] {where}"
    assert error.value.hint == hint


@pytest.mark.parametrize(
    ("folder", "name"), (("Café Ünï", "cafe-uni"), ("a.b__c", "a-b__c"), ("-x-", "x"), ("日本", ""), ("x" * 80, "x" * 56))
)
def test_app_name_is_derived_from_a_folder(folder: str, name: str) -> None:
    assert to_app_name(folder) == name


@pytest.mark.parametrize(
    ("flags", "where", "hint"),
    [
        (Flags(memory=64), "--memory", "--memory 128"),
        (Flags(timeout="x"), "--timeout", "--timeout 1"),
        (Flags(env=("NOVALUE",)), "--env", "--env NOVALUE=value"),
        (Flags(env=("a-secret.without-name",)), "--env", "--env KEY=value"),
        (Flags(env=("AB=\udcff",)), "--env", "environment variables must be UTF-8 text"),
        (Flags(env=("1A=x",)), "--env", "use at least two letters, digits or underscores, and start with a letter"),
        (Flags(env=(f"BIG={'x' * 5000}",)), "--env", "move BIG (5000 bytes) into a file of the project"),
        (Flags(runtime="python3.9"), "--runtime", "--runtime python3.14"),
        (Flags(runtime="ruby"), "--runtime", "--runtime python3.14"),
    ],
)
def test_invalid_flag_is_refused(app: Path, flags: Flags, where: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load(app, flags, environ(app.parent / "home", "3.13"), TODAY)
    assert (error.value.where, error.value.hint) == (where, hint)


def test_refusal_names_the_environment_variable(app: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_config(app, LAMBENT_MEMORY="1")
    assert (error.value.where, error.value.hint) == ("LAMBENT_MEMORY", "export LAMBENT_MEMORY=128")


@pytest.mark.parametrize(
    ("pyproject", "pinned", "pythons", "runtime"),
    [
        ("", "", ("3.11", "3.13", "3.9"), "python3.13"),
        ('requires-python = "<3.13"', "", ("3.11", "3.12", "3.13"), "python3.12"),
        ('requires-python = ">=3.12.4"', "", ("3.12",), "python3.12"),
        ('requires-python = "~=3.11.2"', "", ("3.11", "3.13"), "python3.11"),
        ("", "3.11.4", ("3.11", "3.13"), "python3.11"),
        ("", "cpython-3.12", ("3.12", "3.13"), "python3.12"),
    ],
)
def test_default_runtime_is_the_newest_that_fits(
    app: Path, pyproject: str, pinned: str, pythons: tuple[str, ...], runtime: str
) -> None:
    if pyproject:
        (app / "pyproject.toml").write_text(f'[project]\nname = "x"\n{pyproject}\n')
    if pinned:
        (app / ".python-version").write_text(f"{pinned}\n")
    config = load(app, Flags(), environ(app.parent / "home", *pythons), TODAY)
    assert config.runtime == runtime
    assert "this machine has" in config.origins["runtime"]
    assert not pyproject or "requires-python allows" in config.origins["runtime"]


def test_missing_interpreter_gets_an_install_command(app: Path) -> None:
    with pytest.raises(LocalError) as error:
        load(app, Flags(), environ(app.parent / "home", "3.9"), TODAY)
    assert error.value.hint == "uv python install 3.14"


def test_project_that_no_runtime_fits_is_refused(app: Path) -> None:
    (app / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = "<3.9"\n')
    with pytest.raises(UsageError, match=r"requires-python is <3[.]9"):
        load(app, Flags(), environ(app.parent / "home", "3.8", "3.13"), TODAY)


def test_runtimes_depend_on_the_day(app: Path) -> None:
    assert load_config(app, Flags(runtime="python3.9"), date(2024, 7, 7)).runtime == "python3.9"
    (app / "lambda_function.py").write_text("async def app(scope, receive, send): pass\n")
    with pytest.raises(UsageError, match=r"web apps need python3[.]10"):
        load_config(app, Flags(runtime="python3.9"), date(2024, 7, 7))


def test_script_metadata_is_read(tmp_path: Path) -> None:
    script = tmp_path / "hello_page.py"
    script.write_text(
        '# /// script\n# requires-python = ">=3.12"\n# dependencies = ["flask"]\n# [tool.lambent]\n# memory = 256\n# ///\n'
        "from flask import Flask\napp = Flask(__name__)\n"
    )
    config = load(script, Flags(), environ(tmp_path / "home", "3.11", "3.12"), TODAY)
    assert (config.path, config.name, config.runtime, config.memory_mb) == (script, "hello_page", "python3.12", 256)
    assert config.origins["memory_mb"] == "hello_page.py [tool.lambent] memory"


def test_name_comes_from_the_project_table(app: Path) -> None:
    (app / "pyproject.toml").write_text('[project]\nname = "Corner.Shop"\n')
    assert load_config(app).name == "corner-shop"
    assert load_config(app, Flags(runtime="3.13", name="Other_1")).name == "Other_1"


@pytest.mark.parametrize(
    ("files_", "message"),
    [
        ({"pyproject.toml": "[tool"}, "not valid TOML"),
        ({"pyproject.toml": "tool = 3"}, "tool must be a table"),
        ({"pyproject.toml": "[tool]\nlambent = 3"}, "tool.lambent must be a table"),
    ],
)
def test_invalid_pyproject_is_refused(app: Path, files_: dict[str, str], message: str) -> None:
    for name, text in files_.items():
        (app / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        load_config(app)


def test_stream_can_be_set_in_every_layer(app: Path) -> None:
    (app / "main.py").write_text("async def app(scope, receive, send): pass\n")
    (app / "lambda_function.py").unlink()
    assert load_config(app).stream is False
    assert load_config(app, LAMBENT_STREAM="1").stream is True
    (app / "pyproject.toml").write_text("[tool.lambent]\nstream = true\n")
    config = load_config(app)
    assert config.stream is True and config.origins["stream"].endswith("pyproject.toml [tool.lambent] stream")
    assert load_config(app, Flags(runtime="python3.13", stream=False)).stream is False
    (app / "pyproject.toml").write_text('[tool.lambent]\nstream = "sometimes"\n')
    with pytest.raises(UsageError, match="stream must be true or false, got 'sometimes'") as error:
        load_config(app)
    assert error.value.hint == "stream = true"


def test_bare_handler_cannot_stream(app: Path) -> None:
    with pytest.raises(
        UsageError, match="lambda_function:lambda_handler is a bare handler, and lambent can't stream what a handler returns"
    ) as error:
        load_config(app, Flags(runtime="python3.13", stream=True))
    assert error.value.where == "--stream"
    assert load_config(app, Flags(runtime="python3.13", stream=False)).stream is False


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LambentError, match="no such file or folder"):
        load(tmp_path / "nope", Flags(), dict(os.environ), TODAY)


def test_settings_reference_is_complete_and_loads(app: Path) -> None:
    text = (files("lambent") / "config/reference.toml").read_text("utf-8")
    assert set(tomllib.loads(text)["tool"]["lambent"]) == {*KEYS, STAGES} - {"role"}
    assert "\n# role = " in text, "role excludes permissions and policies"
    (app / "main.py").write_text("async def app(scope, receive, send): pass\n")
    (app / "pyproject.toml").write_text(text)
    (app / ".env.production").write_text("EXTRA=1\n")
    config = load_config(app, Flags())
    assert (config.name, config.app.spec, config.runtime, config.architecture) == ("my-app", "main:app", "python3.13", "x86_64")
    assert (config.memory_mb, config.timeout_s, config.tmp_mb) == (1024, 30, 512)


@pytest.fixture
def web_app(app: Path) -> Path:
    (app / "main.py").write_text("async def app(scope, receive, send): pass\n")
    (app / "lambda_function.py").unlink()
    return app


def test_events_and_base_path_are_read(web_app: Path) -> None:
    assert (load_config(web_app).events, load_config(web_app).base_path) == ("", "")
    (web_app / "pyproject.toml").write_text('[tool.lambent]\nevents = "jobs.night:on_event"\nbase_path = "shop/"\n')
    config = load_config(web_app)
    assert (config.events, config.base_path) == ("jobs.night:on_event", "/shop")
    assert config.origins["events"] == "pyproject.toml [tool.lambent] events"
    assert load_config(web_app, LAMBENT_BASE_PATH="/a/b").base_path == "/a/b"
    assert load_config(web_app, LAMBENT_BASE_PATH="/").base_path == ""


@pytest.mark.parametrize(
    ("toml", "message", "hint"),
    [
        ('events = "jobs.on_event"', "events must be module:function, got jobs.on_event", 'events = "main:on_event"'),
        ('events = "jobs:on_event()"', "events must be module:function, got jobs:on_event()", 'events = "main:on_event"'),
        ("events = 3", "events must be text, got 3", 'events = "main:on_event"'),
        ('base_path = "/a?b"', "base_path must be a plain path, got /a?b", 'base_path = "/shop"'),
        ('base_path = "/a//b"', "base_path must be a plain path, got /a//b", 'base_path = "/shop"'),
        ('base_path = "/a/../b"', "base_path must be a plain path, got /a/../b", 'base_path = "/shop"'),
    ],
)
def test_invalid_events_and_base_path_are_refused(web_app: Path, toml: str, message: str, hint: str) -> None:
    (web_app / "pyproject.toml").write_text(f"[tool.lambent]\n{toml}\n")
    with pytest.raises(UsageError) as error:
        load_config(web_app)
    assert (error.value.what, error.value.hint) == (message, hint)


@pytest.mark.parametrize("toml", ['events = "jobs:on_event"', 'base_path = "/shop"'])
def test_bare_handler_has_no_events_or_base_path(app: Path, toml: str) -> None:
    (app / "pyproject.toml").write_text(f"[tool.lambent]\n{toml}\n")
    with pytest.raises(UsageError, match="lambda_function:lambda_handler is a bare handler"):
        load_config(app)
