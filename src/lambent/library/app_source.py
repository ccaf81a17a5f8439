"""Which app to build, and how: the same for every command and for the library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.databases import is_database
from lambent.config.identity import project_identities
from lambent.config.load import Flags, load, locate_app
from lambent.config.model import NO_APP, Config
from lambent.config.project import find_project
from lambent.config.python_runtime import AWS, Machine
from lambent.errors import LambentError, UsageError
from lambent.events import Detected, Emit, Notice
from lambent.lazy import LazyModule
from lambent.library.corrections import with_known_corrections
from lambent.library.datasette_folder import read_datasette_folder
from lambent.library.datasette_options import DatasetteOptions
from lambent.library.missing_tables import with_known_tables
from lambent.package.artifact import Artifact
from lambent.package.build import build, check_requirements
from lambent.package.build_context import BuildOptions
from lambent.package.runtime_choice import choose_runtime

if TYPE_CHECKING:
    from lambent.library import datasette_project
else:
    datasette_project = LazyModule("lambent.library.datasette_project")  # few apps are databases


class AppSource(Struct, frozen=True):
    """The path of an app, and the flags that override its settings. `datasette` says more if the path is a database."""

    path: Path
    flags: Flags
    datasette: DatasetteOptions = DatasetteOptions()

    def load(
        self,
        cache: Path,
        emit: Emit,
        rules_date: date | None = None,
        machine: Machine = AWS,
        app_required: bool = True,
    ) -> Config:
        """Return the app's configuration under AWS's rules of a day (default: today), and report which app was found.

        It runs on `machine`. A database gets a project in `cache` that serves it. Without `app_required`, the app may be
        `NO_APP`.
        """
        project = self._project(cache, emit)
        path, flags = (project.folder, project.flags) if project else (self.path, self.flags)
        on = rules_date or date.today()
        config = load(path, flags, os.environ, on, machine=machine, app_required=app_required)
        if config.app is NO_APP:
            emit(Notice("no app found, so the packages are checked on their own"))
        else:
            emit(Detected(config.app.spec, config.app.kind, config.app.source))
        for remark in config.app.remarks:
            emit(Notice(remark))
        return project.named(config, self.flags) if project else config

    def _project(self, cache: Path, emit: Emit) -> _DatabaseProject | None:
        """Return the project that serves the database, None if the path is none."""
        if is_database(self.path):
            return self._write_project(self.path, self.datasette, cache, emit)
        if self.flags.app is None and (folder := read_datasette_folder(self.path)):
            emit(Notice(folder.description))
            return self._write_project(folder.database, folder.options, cache, emit)
        if self.datasette != DatasetteOptions():
            what = f"{self.path} is not a SQLite database, so Datasette can't serve it"
            raise UsageError(what, where="PATH", hint="pass databases, or omit --metadata, --install and more paths")
        return None

    def _write_project(self, database: Path, options: DatasetteOptions, cache: Path, emit: Emit) -> _DatabaseProject:
        project = datasette_project.write_project(database, options, cache, emit)
        location = locate_app(self.path, self.flags, os.environ)
        flags = replace(self.flags, name=location.app, overflow=self.flags.overflow or project.overflow or None)
        return _DatabaseProject(self.path, project.folder, flags)


class _DatabaseProject(Struct, frozen=True):
    """The project in the cache that serves a database, or the databases of a folder, and the flags for it."""

    path: Path
    folder: Path
    flags: Flags

    def named(self, config: Config, typed: Flags) -> Config:
        """Return the configuration as one of the database: where the project is in the cache says nothing."""
        origins = config.origins if typed.name else {**config.origins, "name": self.path.absolute().name}
        return replace(config, identities=project_identities(find_project(self.path).path), origins=origins)


class Builder(Struct, frozen=True):
    """The cache folder and the options of a build."""

    cache: Path
    options: BuildOptions

    def choose_runtime(self, config: Config, emit: Emit) -> Config:
        """Return the configuration with the newest runtime that fits the app's requirements, unless the user named one."""
        with self._located(config):
            config = with_known_corrections(with_known_tables(config, self.cache), self.cache, self.options)
            return choose_runtime(config, self.cache, os.environ, emit, self.options)

    def build(self, config: Config, emit: Emit) -> Artifact:
        is_resolved = self.options.refresh and bool(config.candidates.runtimes)  # by the choice of the runtime
        with self._located(config):
            return build(config, self.cache, os.environ, emit, replace(self.options, refreshed=is_resolved))

    def check(self, config: Config) -> None:
        """Raise the PackagingError with which a build would refuse the app's requirements, without running the app."""
        with self._located(config):
            check_requirements(config, self.cache, os.environ, self.options)

    @contextmanager
    def _located(self, config: Config) -> Iterator[None]:
        """Let errors name the option --install, and not the requirements.txt that was generated from it."""
        try:
            yield
        except LambentError as error:
            if config.path.is_relative_to(self.cache) and error.where.startswith("requirements.txt"):
                error.where = "--install"
            raise
