"""Which app to build, and how: the same for every command and for the library."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.load import Flags, load
from lambent.config.model import Architecture, Config
from lambent.config.python_runtime import Installed
from lambent.events import Detected, Emit, Notice
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
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
