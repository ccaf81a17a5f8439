"""What the project's own files add to an error of the app: its cause, and the cure that fits the project."""

from __future__ import annotations

import re

from lambent.config.detection.project_text import read_text
from lambent.config.model import Config
from lambent.deployment.version_breaks import break_of
from lambent.errors import FunctionFailedError, PackagingError
from lambent.library import (
    database_folders,
    dynaconf_settings,
    empty_settings,
    example_files,
    files_above,
    guarded_imports,
    left_out_files,
    literal_settings,
    unset_variables,
)
from lambent.module_packages import adding
from lambent.package.artifact import Artifact

_ADDED = re.compile(r"add ([\w.-]+)([<>]\S*) to (\S+\.txt)")


def explain(error: FunctionFailedError | PackagingError, config: Config, artifact: Artifact) -> None:
    """Explain an error of the app, where it starts here or in Lambda."""
    _name_break(error, artifact)
    _replace_pin(error, config)
    unset_variables.explain(error, config)
    literal_settings.explain(error, config)
    if not example_files.explain(error, config) and not files_above.explain(error, config):
        left_out_files.explain(error, config, artifact)
    database_folders.explain(error, config)
    empty_settings.explain(error, config)
    dynaconf_settings.explain(error, config)
    guarded_imports.explain(error, config, artifact)


def _name_break(error: FunctionFailedError | PackagingError, artifact: Artifact) -> None:
    """Name the release that broke the app, which the check of a version has done already. The detail gets the exception."""
    if isinstance(error, PackagingError) and (broken := break_of(error)):
        error.detail = f"{error.detail}\n{error.what.removeprefix('the app does not start: ')}"
        error.what, error.hint = broken.what, adding(artifact.add_command, *broken.requirements)


def _replace_pin(error: FunctionFailedError | PackagingError, config: Config) -> None:
    """Name the pin that a requirement replaces, if the hint is to add it to a file that pins the package."""
    if match := _ADDED.match(error.hint):
        name = re.sub("[-_.]+", "[-_.]+", match[1])
        pin = re.search(rf"(?im)^[ \t]*({name}(?:\[[^]\n]*\])?[ \t]*==[ \t]*[\w.*+!]+)", read_text(config.path / match[3]))
        instead = f"in {match[3]}, require {match[1]}{match[2]} instead of {pin[1]}" if pin else match[0]
        error.hint = instead + error.hint[match.end() :]
