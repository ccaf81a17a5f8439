"""The app's own Python files: those that its import leads to, and those that Django finds by their names."""

from __future__ import annotations

from pathlib import Path

from lambent.config.detection.django_project import files_by_name, settings_module
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import Config


def own_files(config: Config) -> list[Path]:
    """Return the files, the app's module first."""
    modules = ProjectModules(config.folder)
    starts = modules.starts_of(config.app)
    if not starts:
        return []
    files = [path for path in ImportGraph(modules, *starts).files if path.is_file()]
    settings = settings_module(files, dict(config.environment).get("DJANGO_SETTINGS_MODULE", ""))
    return list(dict.fromkeys([*files, *(files_by_name(modules, settings) if settings else ())]))
