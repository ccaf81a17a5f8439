"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click
import platformdirs

state_option = click.option(
    "--state",
    metavar="DIR",
    envvar="LAMBENT_STATE",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(platformdirs.user_state_dir("lambent")) / "local",
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
