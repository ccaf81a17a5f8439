"""Explains a failure by a file above the folder that is deployed, such as the pages of a frontend next to backend/."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from lambent.config.detection.outer_folder import command_from
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.refusals import folders_above
from lambent.config.model import Config
from lambent.errors import FunctionFailedError, LambentError

_PATH = re.compile(r"No such file or directory: '(/[^']+)'|Directory '(/[^']+)' does not exist")
_TEMPLATE = re.compile(r"TemplateNotFound: '?([\w./-]+)")
_UPWARD = re.compile(r"""["']((?:\.\./)+[\w./-]*)["']""")
_FOLDERS = ("/var/task", "/tmp/app")
"""Where the app runs in Lambda."""


def explain(error: LambentError, config: Config) -> bool:
    """Add to an error of the app that it needs the folder above, and the command that deploys that. Return whether it does.

    Only files of the same repository count, and only those that the app finds by its own place, not by that of a shell.
    """
    folder = config.folder.resolve()
    module = ProjectModules(config.folder).of_app(config.app)
    if module is None or config.app.routes:
        return False
    for path in _missing_paths(f"{error.what}\n{error.detail}", config, module.path):
        start = Path(os.path.commonpath((folder, path)))
        if start == folder or start not in folders_above(folder) or not path.exists():
            continue
        if command := command_from(start, module.path.resolve(), config.app.attribute, config.name):
            error.what = f"the app needs {os.path.relpath(path, folder)}, which is above the folder that is deployed"
            # the function that failed has the origin of this folder
            origin = config.identities[:1] if isinstance(error, FunctionFailedError) else ()
            error.hint = command + "".join(f" --moved-from {quote(each)}" for each in origin)
            return True
    return False


def _missing_paths(text: str, config: Config, module: Path) -> Iterator[Path]:
    """Yield the paths here of what an error says is missing, if they may be above the folder."""
    folder = config.folder.resolve()
    for match in _PATH.finditer(text):
        path = os.path.normpath(match[1] or match[2])
        for base in _FOLDERS:
            if not path.startswith(f"{base}/"):
                yield Path(os.path.normpath(folder / os.path.relpath(path, base)))
    templates = _TEMPLATE.findall(text)
    if templates:
        upward = [value for _, value in config.environment if value.startswith("../")]
        upward += _UPWARD.findall(module.read_text("utf-8", "replace"))
        yield from (Path(os.path.normpath(module.resolve().parent / each / name)) for each in upward for name in templates)
