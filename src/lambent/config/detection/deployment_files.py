"""What the files of other deployment tools say about the app: SAM's template, serverless.yml, and Zappa's settings.

A file with several functions says which is the app only if HTTP requests call just one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from lambent.config.detection.lambda_functions import (
    SERVERLESS,
    choose_function,
    handler_command,
    read_functions,
)
from lambent.config.detection.project_text import read_text
from lambent.config.detection.start_commands import StartCommand
from lambent.config.detection.yaml_mappings import mapping_at, read_mappings, text_at


def read_deployment_files(folder: Path) -> Iterator[tuple[StartCommand, str]]:
    """Yield what these files start, and the file that says it."""
    for name in SERVERLESS:
        wsgi = text_at(mapping_at(read_mappings(read_text(folder / name)), "custom", "wsgi"), "app")
        if command := handler_command(wsgi, "."):
            yield command, name
    if function := choose_function(read_functions(folder)):
        yield function.command, function.source
    zappa = list(dict.fromkeys(_zappa_apps(folder)))
    if len(zappa) == 1:
        yield zappa[0], "zappa_settings.json"


def _zappa_apps(folder: Path) -> Iterator[StartCommand]:
    """Yield the apps of Zappa's stages. A Django project's is found by its settings."""
    try:
        stages = json.loads(read_text(folder / "zappa_settings.json") or "{}")
    except ValueError:
        return
    for stage in stages.values() if isinstance(stages, dict) else ():
        yield from filter(None, [handler_command(text_at(stage, "app_function"), ".")])
