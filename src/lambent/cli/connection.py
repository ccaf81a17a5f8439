"""What commands about a deployed app share: the app's name, its destination's API, and where events go."""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from typing import Any

from lambent.cli import options
from lambent.cli.destination import Destination, with_destination
from lambent.cli.options import Command
from lambent.config.load import Flags, locate_app
from lambent.ui.reporter import reporter


def with_connection(command: Command) -> Command:
    """Add the options that name a deployed app and its destination.

    The command itself gets `location`, with the app's name, `aws`, the API of its destination, and `emit`. It needs an
    argument or option PATH.
    """

    @wraps(command)
    def call(*, path: Path, name: str | None, stage: str | None, as_json: bool, destination: Destination, **values: Any) -> Any:
        with reporter(as_json) as emit:
            location = locate_app(path, Flags(name=name, stage=stage), os.environ)
            aws = destination.with_defaults(location.region, location.profile).connect(emit)
            return command(location=location, aws=aws, emit=destination.describe(emit), **values)

    return options.add_options(call, options.name_option, options.stage_option, options.json_option, with_destination)
