"""The options that say which app to build and how."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from lambent.cli import options
from lambent.cli.options import Command
from lambent.config.load import Flags
from lambent.errors import UsageError
from lambent.library.app_source import AppSource, Builder
from lambent.library.datasette_options import DatasetteOptions
from lambent.package.build_context import BuildOptions, Scope


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
        click.option(
            "--check-path",
            metavar="PATH",
            help="What the check of a new version requests: /health. Default: /, or that of an earlier deploy.",
        ),
        click.option("--auth", metavar="WHO", help="Who can call the URL: none (anyone, default) or iam (signed requests)."),
        click.option("--canary", metavar="P%/T", help="Give a new version P% of the traffic for a time T first: 10%/5m."),
    )


def with_databases(command: Command) -> Command:
    """Add further databases and Datasette's options to `app`, an AppSource. Needs `with_app` or `pass_app` above it."""

    @wraps(command)
    def call(*, app: AppSource, more: tuple[Path, ...], metadata: Path | None, install: tuple[str, ...], **values: Any) -> Any:
        return command(app=replace(app, datasette=DatasetteOptions(more, metadata, install)), **values)

    file = click.Path(path_type=Path, exists=True, dir_okay=False)
    return options.add_options(
        call,
        click.argument("more", nargs=-1, type=file, metavar="[MORE.db]..."),
        click.option("--metadata", metavar="FILE", type=file, help="JSON or YAML with Datasette's metadata, for a database."),
        click.option("--install", metavar="PLUGIN", multiple=True, help="Plugin of Datasette, for a database. Repeatable."),
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
