"""`datasette publish lambda`: the options of Datasette's own publishers, and the deploy of `lambent deploy data.db`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from lambent.cli.confirmation import confirm_move, confirm_public
from lambent.cli.options import PORT
from lambent.config.load import Flags
from lambent.deployment.deploy import allow
from lambent.errors import LambentError, UsageError
from lambent.library.app_source import AppSource, Builder
from lambent.library.datasette_options import DatasetteOptions
from lambent.library.datasette_project import write_project
from lambent.library.default_folders import default_cache, default_state
from lambent.library.deploy import DeployOptions, deploy_app
from lambent.library.destination import Destination, located
from lambent.package.build_context import BuildOptions
from lambent.ui import errors
from lambent.ui.reporter import reporter

_METADATA = ("title", "license", "license_url", "source", "source_url", "about", "about_url")
_DATASETTE = "https://github.com/simonw/datasette/archive"


def publish(values: Mapping[str, Any]) -> int:
    """Deploy what the options of the command say, and return its exit status. Errors are shown."""
    try:
        with located(values["local"]):
            _publish(values)
    except LambentError as error:
        errors.print_error(error)
        return error.exit_code
    return 0


def _publish(values: Mapping[str, Any]) -> None:
    files = [Path(file) for file in values["files"]]
    if not files:
        raise UsageError("there is no database to publish", hint="datasette publish lambda data.db")
    datasette = read_options(files[1:], values)
    secrets = [(_variable(plugin, setting), value) for plugin, setting, value in values["plugin_secret"]]
    if _is_typed("secret"):  # Datasette's own default is another one each time, which would end all sessions
        secrets.append(("DATASETTE_SECRET", values["secret"]))
    flags = Flags(
        name=values["name"],
        memory=values["memory"],
        timeout=values["timeout"],
        auth=values["auth"],
        env=tuple(f"{name}={value}" for name, value in secrets),
    )
    builder = Builder(default_cache(), BuildOptions())
    with reporter(False) as emit:
        if values["show_files"]:
            _show_files(write_project(files[0], datasette, builder.cache, emit).folder)
            return
        options = DeployOptions(
            confirm_public=allow if values["yes"] else partial(confirm_public, interactive=True),
            confirm_move=partial(confirm_move, moved_from="", interactive=True),
        )
        destination = Destination(values["local"], values["region"], values["profile"], default_state(), local_port())
        deploy_app(AppSource(files[0], flags, datasette), builder, destination, emit, options)


def local_port() -> int | None:
    """Return the port in LAMBENT_PORT, None without one. Raises UsageError for another value than --port can have."""
    text = os.environ.get("LAMBENT_PORT")
    try:
        return PORT.convert(text, None, None) if text else None
    except click.BadParameter as error:
        raise UsageError(f"LAMBENT_PORT {error.message}", where="environment", hint="LAMBENT_PORT=4580") from None


def read_options(more: Sequence[Path], values: Mapping[str, Any]) -> DatasetteOptions:
    """Return the options of Datasette's publishers as lambent's. Raises UsageError for extra options that Lambda can't have."""
    plugins: dict[str, dict[str, Any]] = {}
    for plugin, setting, _ in values["plugin_secret"]:
        plugins.setdefault(plugin, {})[setting] = {"$env": _variable(plugin, setting)}
    branch = [f"datasette @ {_DATASETTE}/{values['branch']}.zip"] if values["branch"] else []
    settings, crossdb = read_extra_options(values["extra_options"] or "")
    return DatasetteOptions(
        databases=tuple(more),
        metadata=Path(values["metadata"].name) if values["metadata"] else None,
        install=(*branch, *values["install"]),
        template_dir=Path(values["template_dir"]) if values["template_dir"] else None,
        plugins_dir=Path(values["plugins_dir"]) if values["plugins_dir"] else None,
        static=tuple((mount, Path(folder)) for mount, folder in values["static"]),
        extra_metadata={name: values[name] for name in _METADATA if values[name]},
        plugin_settings=plugins,
        settings=settings,
        crossdb=crossdb,
        version_note=values["version_note"],
    )


def read_extra_options(text: str) -> tuple[dict[str, Any], bool]:
    """Return the settings in options of `datasette serve`, and whether queries may join databases. Raises UsageError."""
    settings: dict[str, Any] = {}
    crossdb = False
    try:
        words = iter(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{error} in {text}", where="--extra-options", hint="end what a quotation mark begins") from error
    for word in words:
        if word == "--setting":
            name, value = next(words, ""), next(words, None)
            if value is None:
                raise UsageError("--setting needs a name and a value", where="--extra-options", hint="--setting NAME VALUE")
            settings[name] = _parse_setting(value)
        elif word == "--crossdb":
            crossdb = True
        elif word != "--cors":  # always on, as in Datasette's own publishers
            raise UsageError(
                f"Lambda has no use for this option of datasette serve: {word}",
                where="--extra-options",
                hint="--setting NAME VALUE, --crossdb and --cors can be there",
            )
    return settings, crossdb


def _parse_setting(value: str) -> Any:
    """Return a setting as Datasette's command line reads it: on and off, numbers, and other text."""
    if value in ("on", "off", "true", "false"):
        return value in ("on", "true")
    return int(value) if re.fullmatch(r"-?[0-9]+", value) else value


def _variable(plugin: str, setting: str) -> str:
    """Return the variable for a plugin's secret, which has the same name with Datasette's own publishers."""
    return f"{plugin}_{setting}".upper().replace("-", "_")


def _is_typed(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source in (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)


def _show_files(folder: Path) -> None:
    for name in ("requirements.txt", "options.json", "app.py"):
        click.echo(f"=== {folder / name} ===\n\n{(folder / name).read_text('utf-8').rstrip()}\n")
