"""Loading the configuration: precedence, origins and refusals."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lambent.config.model import Config
from lambent.config.settings import HOSTING, KEYS, PACKAGING, STAGES
from lambent.errors import UsageError
from support.configs import load_config


def test_defaults_have_origins(handler_app: Path) -> None:
    config = load_config(handler_app)
    assert (config.name, config.memory_mb, config.timeout_s, config.tmp_mb) == ("my-shop", 1024, 30, 512)
    assert config.app.spec == "lambda_function:lambda_handler"
    assert config.origins["name"] == "the folder My Shop"
    assert config.origins["memory_mb"] == "default"
    not_settings = {
        "path",
        "identities",
        "origins",
        "candidates",
        "hosting",
        "packaging",
        "flag_variables",
        "unset_variables",
        "uncompiled",
        "former_name",
        "allowed_hosts",
        "macos",
        "description",
        "corrections",
        "released_until",
        "missing_table",
    }
    fields = set(Config.__struct_fields__) - not_settings - {"secrets"}
    assert set(config.origins) == fields | set(HOSTING) | set(PACKAGING)


def test_flag_beats_environment_beats_pyproject(handler_app: Path) -> None:
    settings = 'memory = 256\ntimeout = 5\nname = "one"\nenv = { AA = "1", BB = 2 }'
    environ = {"LAMBENT_MEMORY": "300", "LAMBENT_TIMEOUT": "7"}
    config = load_config(handler_app, settings, environ=environ, memory="512", env=("CC=x=y", "BB=3"))
    assert (config.memory_mb, config.timeout_s, config.name) == (512, 7, "one")
    assert config.environment == (("AA", "1"), ("BB", "3"), ("CC", "x=y"))
    assert config.origins["memory_mb"] == "--memory"
    assert config.origins["timeout_s"] == "LAMBENT_TIMEOUT"
    assert config.origins["name"] == "pyproject.toml [tool.lambent] name"


@pytest.mark.parametrize(
    ("settings", "message", "where", "hint"),
    [
        ("memory = 100", "memory must be between 128 and 10240 MB, got 100", "memory", "memory = 128"),
        ("memory = 20000", "memory must be between 128 and 10240 MB, got 20000", "memory", "memory = 10240"),
        ("memory = true", "memory must be a size such as 512MB or 1GB, got True", "memory", "memory = 128"),
        ('timeout = "long"', "timeout must be a time such as 30s or 5m, got 'long'", "timeout", "timeout = 1"),
        ("memroy = 1", "unknown setting: memroy", "memroy", "did you mean memory?"),
        ('architecture = "mips"', "architecture must be x86_64 or arm64, got mips", "architecture", 'architecture = "x86_64"'),
        ('name = "a b"', "name must be 1 to 56 letters, digits, - or _, got a b", "name", 'name = "a-b"'),
        ("env = { AWS_REGION = 'x' }", "Lambda reserves the environment variable AWS_REGION", "env", "use MY_AWS_REGION"),
        ("env = { A = [1] }", "env.A must be text, got [1]", "env.A", 'A = "value"'),
        ('exclude = "x"', "exclude must be a list of patterns, got 'x'", "exclude", 'exclude = ["*.psd", "raw/"]'),
    ],
)
def test_refusal_names_the_origin_and_the_line_to_write(
    handler_app: Path, settings: str, message: str, where: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        load_config(handler_app, settings)
    assert error.value.what == message
    assert error.value.where == f"pyproject.toml [tool.lambent] {where}"
    assert error.value.hint == hint


@pytest.mark.parametrize(
    ("flags", "where", "hint"),
    [
        ({"memory": 64}, "--memory", "--memory 128"),
        ({"timeout": "x"}, "--timeout", "--timeout 1"),
        ({"env": ("NOVALUE",)}, "--env", "--env NOVALUE=value"),
        ({"env": ("a-secret.without-name",)}, "--env", "--env KEY=value"),
        ({"env": ("AB=\udcff",)}, "--env", "environment variables must be UTF-8 text"),
        ({"env": ("1A=x",)}, "--env", "use at least two letters, digits or underscores, and start with a letter"),
        ({"env": (f"BIG={'x' * 5000}",)}, "--env", "move BIG (5000 bytes) into a file of the project"),
        ({"runtime": "python3.6"}, "--runtime", "--runtime python3.14"),
        ({"runtime": "ruby"}, "--runtime", "--runtime python3.14"),
    ],
)
def test_invalid_flag_is_refused(handler_app: Path, flags: dict[str, Any], where: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(handler_app, **flags)
    assert (error.value.where, error.value.hint) == (where, hint)


def test_refusal_names_the_environment_variable(handler_app: Path) -> None:
    with pytest.raises(UsageError) as error:
        load_config(handler_app, environ={"LAMBENT_MEMORY": "1"})
    assert (error.value.where, error.value.hint) == ("LAMBENT_MEMORY", "export LAMBENT_MEMORY=128")


def test_name_comes_from_the_project_table(handler_app: Path) -> None:
    (handler_app / "pyproject.toml").write_text('[project]\nname = "Corner.Shop"\n')
    assert load_config(handler_app).name == "corner-shop"
    assert load_config(handler_app, name="Other_1").name == "Other_1"


def test_stream_can_be_set_in_every_layer(web_app: Path) -> None:
    assert load_config(web_app).stream is False
    assert load_config(web_app, environ={"LAMBENT_STREAM": "1"}).stream is True
    config = load_config(web_app, "stream = true")
    assert config.stream is True and config.origins["stream"] == "pyproject.toml [tool.lambent] stream"
    assert load_config(web_app, "stream = true", stream=False).stream is False
    with pytest.raises(UsageError, match="stream must be true or false, got 'sometimes'") as error:
        load_config(web_app, 'stream = "sometimes"')
    assert error.value.hint == "stream = true"


def test_events_and_base_path_are_read(web_app: Path) -> None:
    assert (load_config(web_app).events, load_config(web_app).base_path) == ("", "")
    config = load_config(web_app, 'events = "jobs.night:on_event"\nbase_path = "shop/"')
    assert (config.events, config.base_path) == ("jobs.night:on_event", "/shop")
    assert config.origins["events"] == "pyproject.toml [tool.lambent] events"
    assert load_config(web_app, environ={"LAMBENT_BASE_PATH": "/a/b"}).base_path == "/a/b"
    assert load_config(web_app, environ={"LAMBENT_BASE_PATH": "/"}).base_path == ""


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ('events = "jobs.on_event"', "events must be module:function, got jobs.on_event", 'events = "main:on_event"'),
        ('events = "jobs:on_event()"', "events must be module:function, got jobs:on_event()", 'events = "main:on_event"'),
        ("events = 3", "events must be text, got 3", 'events = "main:on_event"'),
        ('base_path = "/a?b"', "base_path must be a plain path, got /a?b", 'base_path = "/shop"'),
        ('base_path = "/a//b"', "base_path must be a plain path, got /a//b", 'base_path = "/shop"'),
        ('base_path = "/a/../b"', "base_path must be a plain path, got /a/../b", 'base_path = "/shop"'),
    ],
)
def test_invalid_events_and_base_path_are_refused(web_app: Path, settings: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        load_config(web_app, settings)
    assert (error.value.what, error.value.hint) == (message, hint)


def test_settings_reference_is_complete_and_loads(web_app: Path) -> None:
    text = (files("lambent") / "config/reference.toml").read_text("utf-8")
    assert set(tomllib.loads(text)["tool"]["lambent"]) == {*KEYS, STAGES} - {"role"}
    assert "\n# role = " in text, "role excludes permissions and policies"
    (web_app / "pyproject.toml").write_text(text)
    (web_app / ".env.production").write_text("EXTRA=1\n")
    config = load_config(web_app)
    assert (config.name, config.app.spec, config.runtime, config.architecture) == ("my-app", "main:app", "python3.13", "x86_64")
    assert (config.memory_mb, config.timeout_s, config.tmp_mb) == (1024, 30, 512)
