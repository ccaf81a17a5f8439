"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def _own(kind: str) -> Path:
    """lambent's own folder of a kind."""
    import platformdirs  # needed only where the user does not say it

    return platformdirs.user_cache_path("lambent") if kind == "cache" else platformdirs.user_state_path("lambent")


state_option = click.option(
    "--state",
    metavar="DIR",
    envvar="LAMBENT_STATE",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: _own("state") / "local",
    help="Where the local Lambda keeps its state.",
)

port_option = click.option(
    "--port",
    metavar="P",
    envvar="LAMBENT_PORT",
    type=click.IntRange(0, 65535),
    help="The local Lambda's port (default 4580; 0: any free one).",
)


app_option = click.option(
    "--app", metavar="MODULE:ATTR", help="The app, when it cannot be told: main:app, mysite.wsgi:application."
)

runtime_option = click.option(
    "--runtime", metavar="python3.X", help="Default: the newest that AWS, the project and this machine have."
)

arch_option = click.option(
    "--arch", "architecture", metavar="A", help="The machine: x86_64 or arm64 (default: x86_64, or with --local this one)."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Say everything as JSON lines.")

name_option = click.option("--name", metavar="N", help="The function's name. Default: the project's or the folder's.")

stage_option = click.option("--stage", metavar="S", help="The stage: its own function, and [tool.lambent.stages.S].")

overflow_option = click.option(
    "--overflow", is_flag=True, default=None, help="Let packages beyond AWS's 250 MB be fetched from your bucket at each start."
)

cache_option = click.option(
    "--cache-dir",
    metavar="DIR",
    envvar="LAMBENT_CACHE",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: _own("cache"),
    help="Where wheels, what is made of them, and zips are kept.",
)

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")

path_argument = click.argument("path", default=".", type=click.Path(path_type=Path))


def app_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The path of the app, and everything about it that can be said on the command line: the fields of `Flags`."""
    options = (
        path_argument,
        app_option,
        name_option,
        stage_option,
        runtime_option,
        arch_option,
        click.option("--memory", metavar="MB", help="Memory, 128 to 10240 (default 1024). CPU grows with it."),
        click.option("--timeout", metavar="S", help="Seconds a request may take, 1 to 900 (default 30)."),
        click.option("--env", "-e", metavar="K=V", multiple=True, help="An environment variable of the function. Repeatable."),
        click.option(
            "--stream/--no-stream", default=None, help="Let answers leave as the app makes them (default: in one piece)."
        ),
        overflow_option,
        click.option(
            "--auth", metavar="WHO", help="Who may call the URL: none (anyone, the default) or iam (signed requests)."
        ),
        click.option("--canary", metavar="P%/T", help="10%/5m: a new version first gets 10 % of the requests for 5 minutes."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How the zip is built: `--build-native`, `--upgrade` and `--cache-dir`."""
    options = (
        click.option("--build-native", "native", is_flag=True, help="Build C code without a fitting wheel, with zig."),
        click.option("--upgrade", "refresh", is_flag=True, help="Ask the package indexes again."),
        cache_option,
    )
    for option in reversed(options):
        command = option(command)
    return command
