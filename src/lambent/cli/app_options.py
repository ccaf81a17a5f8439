"""The options that say which app to build and how."""

from __future__ import annotations

import os
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from lambent.cli import options
from lambent.cli.options import Command
from lambent.config.load import Flags, load
from lambent.config.model import Architecture, Config
from lambent.config.python_runtime import Installed
from lambent.errors import UsageError
from lambent.events import Detected, Emit, Notice
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.build_context import BuildOptions, Scope
from lambent.package.runtime_choice import choose_runtime, suggest_runtime
from lambent.package.unfit import UnfitError


class AppSource(Struct, frozen=True):
    """The path of an app, and the flags that override its settings."""

    path: Path
    flags: Flags

    def load(
        self, emit: Emit, rules_date: date | None = None, architecture: Architecture = "x86_64", installed: Installed = "any"
    ) -> Config:
        """Return the app's configuration under AWS's rules of a day (default: today), and report which app was found.

        `installed` says whether its runtime has to be on this machine.
        """
        on = rules_date or date.today()
        config = load(self.path, self.flags, os.environ, on, native_architecture=architecture, installed=installed)
        emit(Detected(config.app.spec, config.app.kind, config.app.source))
        for remark in config.app.remarks:
            emit(Notice(remark))
        return config


class Builder(Struct, frozen=True):
    """The cache folder and the options of a build."""

    cache: Path
    options: BuildOptions

    def choose_runtime(self, config: Config, emit: Emit) -> Config:
        """Return the configuration with the newest runtime that fits the app's requirements, unless the user named one."""
        return choose_runtime(config, self.cache, os.environ, emit, self.options)

    def build(self, config: Config, emit: Emit) -> Artifact:
        is_resolved = self.options.refresh and bool(config.candidates.runtimes)  # by the choice of the runtime
        try:
            return build(config, self.cache, os.environ, emit, replace(self.options, refreshed=is_resolved))
        except UnfitError as error:
            raise suggest_runtime(config, error, self.cache, os.environ, date.today(), self.options) from None


def pass_app(command: Command) -> Command:
    """Pass PATH and the options that are fields of `Flags` on as `app`, an AppSource."""

    @wraps(command)
    def call(*, path: Path, **values: Any) -> Any:
        flags = {name: values.pop(name) for name in Flags.__struct_fields__ if name in values}
        return command(app=AppSource(path, Flags(**flags)), **values)

    return call


def with_app(command: Command) -> Command:
    """Add PATH and the options about the app, and pass them on as `app`, an AppSource."""
    return options.add_options(
        pass_app(command),
        options.path_argument,
        options.app_option,
        options.name_option,
        options.stage_option,
        options.runtime_option,
        options.arch_option,
        click.option("--memory", metavar="M", help="Memory: 512MB, 2GB; at most 10GB. Default: 1024 (MB). CPU scales with it."),
        click.option("--timeout", metavar="T", help="Time a request may take: 30s, 5m; at most 30m. Default: 30 (seconds)."),
        click.option(
            "--env", "-e", metavar="K=V", multiple=True, help="Environment variable of the function, which stays. Repeatable."
        ),
        click.option("--env-file", metavar="FILE", help="File of environment variables: .env.production."),
        click.option(
            "--unset-env", metavar="NAME", multiple=True, help="Remove a variable that an earlier --env set. Repeatable."
        ),
        click.option("--stream/--no-stream", default=None, help="Send responses as the app produces them, or whole (default)."),
        click.option(
            "--writable/--no-writable",
            default=None,
            help="Run the app from a copy in /tmp, where it can write next to its code. Default: if it writes there.",
        ),
        click.option(
            "--run/--no-run", default=None, help="Let lambent run execute commands in the function, or not (default)."
        ),
        options.overflow_option,
        click.option(
            "--url/--no-url", default=None, help="Give the function a URL. Default: unless only other events than HTTP call it."
        ),
        click.option("--check-path", metavar="PATH", help="What the check of a new version requests: /health. Default: /."),
        click.option("--auth", metavar="WHO", help="Who can call the URL: none (anyone, default) or iam (signed requests)."),
        click.option("--canary", metavar="P%/T", help="Give a new version P% of the traffic for a time T first: 10%/5m."),
    )


def with_builder(command: Command) -> Command:
    """Add the options of a build, and pass them and those about its part of the app on as `builder`, a Builder."""

    @wraps(command)
    def call(
        *, native: bool, refresh: bool, cache_dir: Path, layer: bool = False, no_dependencies: bool = False, **values: Any
    ) -> Any:
        if layer and no_dependencies:
            raise UsageError("a layer contains only dependencies", where="--layer", hint="remove --no-dependencies")
        scope: Scope = "layer" if layer else "app" if no_dependencies else "all"
        return command(builder=Builder(cache_dir, BuildOptions(native, refresh, scope=scope)), **values)

    return options.add_options(
        call,
        click.option("--build-native", "native", is_flag=True, help="Compile C code that has no compatible wheel, with zig."),
        click.option("--upgrade", "refresh", is_flag=True, help="Ask the package indexes for newer versions."),
        options.cache_option,
    )
