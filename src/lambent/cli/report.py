"""`lambent report`: what an issue should say about this machine and the app, without anything private."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from lambent import interpreters
from lambent.calendar import RUNTIMES
from lambent.cli.app_options import pass_app
from lambent.cli.options import app_option, path_argument, stage_option, state_option
from lambent.config.display import describe
from lambent.config.model import Config
from lambent.config.sourced import DEFAULT
from lambent.errors import LambentError
from lambent.events import ignore
from lambent.library.app_source import AppSource
from lambent.library.default_folders import default_cache
from lambent.local import daemon
from lambent.package.dependencies import requirement_sources
from lambent.package.target import Target
from lambent.ui.sanitize import sanitize
from lambent.ui.software import software

_PACKAGES = ("uv", "botocore", "moto", "click")
_PUBLIC_SETTINGS = (
    *("memory", "timeout", "tmp", "stream", "writable", "run", "base_path", "runtime_client", "url", "check_path", "auth"),
    *("log_retention", "log_format", "keep_versions", "snapstart", "tracing", "canary"),
    *("keep_all", "keep", "drop", "strip", "overflow", "without", "groups", "extras"),
)
"""Settings whose values can be shown to anyone. Names, accounts, regions, hosts and variables can't."""


@click.command("report")
@pass_app
@path_argument
@app_option
@stage_option
@state_option
def command(app: AppSource, state: Path) -> None:
    """Print what an issue should say: versions, platform, and what was detected in the app.

    PATH is a folder or a Python file. Default: the current folder.

    There are no secrets in it: of environment variables it has the number only, and nothing of your AWS account.
    """
    rows = (*_machine(state), *_app(app))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(sanitize(f"{name:{width}}  {value}"))


def _machine(state: Path) -> Iterator[tuple[str, str]]:
    yield "versions", software()
    yield "packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    versions = (runtime.python for runtime in RUNTIMES)
    yield "interpreters", ", ".join(name for name in versions if interpreters.find(name, os.environ)) or "none"
    try:
        running = daemon.status(state)
    except LambentError as error:
        yield "local Lambda", _without_private(error)
    else:
        yield "local Lambda", f"sandbox: {running['engine']['sandbox']}" if running else "not running"


def _app(source: AppSource) -> Iterator[tuple[str, str]]:
    try:
        config = source.load(default_cache(), ignore)
        requirements = [source.name for source in requirement_sources(config, Target.of(config)) if source.name]
    except LambentError as error:
        yield "app", f"{type(error).__name__}: {_without_private(error)}"
        return
    yield "app", f"{config.app.spec}  ({config.app.kind}, {config.app.source})"
    yield "runtime", f"{config.runtime} on {config.architecture}  ({config.origins['runtime']})"
    yield "requirements", ", ".join(requirements) or "no file"
    yield "settings", ", ".join(_settings(config)) or "none"
    yield "variables", str(len(config.environment) + len(config.secrets))


def _settings(config: Config) -> Iterator[str]:
    for setting in describe(config).settings:
        if setting.name in _PUBLIC_SETTINGS and setting.origin != DEFAULT:
            yield f"{setting.name} = {setting.value}"


def _without_private(error: LambentError) -> str:
    """Return what is wrong, without the value that is wrong and without this user's folders."""
    what = error.what.partition(", got ")[0]
    return what.replace(os.fspath(Path.cwd()), ".").replace(os.fspath(Path.home()), "~")
