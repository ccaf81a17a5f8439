"""Builds an app, and again where it turns out to need an older runtime, other releases of its packages, or a database's tables.

Most of that is found before: package/runtime_choice.py and package/requirements/known_limits.py. What is left shows only when
the app is built (packages that the requirements lack) or starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from lambent.config.model import Config
from lambent.errors import FunctionFailedError, LambentError, PackagingError
from lambent.events import Emit, Warned, ignore, without_repeats
from lambent.lazy import LazyModule
from lambent.library.app_source import Builder
from lambent.library.corrections import forget_corrections, with_corrections, with_earlier_releases
from lambent.library.missing_tables import with_tables, without_tables
from lambent.library.older_runtime import with_older_runtime
from lambent.package.artifact import Artifact
from lambent.package.database_tables import NoTablesError
from lambent.package.runtime_choice import suggest_runtime
from lambent.package.unfit import UnfitError

if TYPE_CHECKING:
    from lambent.library import failure_explanation
else:
    failure_explanation = LazyModule("lambent.library.failure_explanation")  # only for errors

T = TypeVar("T")


def build_app(config: Config, builder: Builder, emit: Emit) -> tuple[Config, Artifact]:
    """Return the zip, after the configuration that it was built with. Raises PackagingError."""
    emit = without_repeats(emit)
    return attempt(config, builder, emit, lambda config: (config, builder.build(config, emit)))


def check_requirements(config: Config, builder: Builder) -> None:
    """Raise the PackagingError with which `build_app` would refuse the app's requirements, without running the app."""
    attempt(builder.choose_runtime(config, ignore), builder, ignore, builder.check)


def build_and_use(
    config: Config, builder: Builder, emit: Emit, use: Callable[[Config, Artifact], T]
) -> tuple[Config, Artifact, T]:
    """Return the zip and what `use` made of it, after the configuration that it was built with.

    Raises PackagingError, and what `use` raises if no other build can help.
    """

    emit = without_repeats(emit)

    def run(config: Config) -> tuple[Config, Artifact, T]:
        artifact = builder.build(config, emit)
        try:
            return config, artifact, use(config, artifact)
        except (FunctionFailedError, PackagingError) as error:
            failure_explanation.explain(error, config, artifact)
            raise

    return attempt(config, builder, emit, run)


def attempt(config: Config, builder: Builder, emit: Emit, run: Callable[[Config], T]) -> T:
    """Return what `run` returns for the first configuration with which it succeeds."""
    first_error: FunctionFailedError | PackagingError | None = None
    lacking: FunctionFailedError | PackagingError | None = None  # the error of the app that lacks a table
    while True:
        try:
            return run(config)
        except NoTablesError as error:
            config = without_tables(config, builder.cache)
            if lacking is not None:
                emit(Warned(error.what))
                raise lacking from None
        except (FunctionFailedError, PackagingError) as error:
            if older := _with_older_runtime(config, error, builder, emit):
                config = older
            elif corrected := with_corrections(config, builder.cache, builder.options, error):
                config = corrected
            elif making := with_tables(config, builder.cache, error):
                config, lacking = making, error
            elif earlier := with_earlier_releases(config, builder.cache, builder.options, error):
                config, first_error = earlier, error
            elif first_error:
                forget_corrections(config, builder.cache)
                raise first_error from None
            elif isinstance(error, UnfitError):
                on = date.today()
                raise suggest_runtime(config, error, builder.cache, os.environ, on, builder.options) from None
            else:
                raise


def _with_older_runtime(config: Config, error: LambentError, builder: Builder, emit: Emit) -> Config | None:
    """Return the configuration with an older runtime that may help and that the requirements fit, or None."""
    older = with_older_runtime(config, error)
    try:
        return older and builder.choose_runtime(older, emit)
    except PackagingError:
        if isinstance(error, UnfitError):
            raise
        return None  # nothing is wrong with the requirements: the app's own error says what else helps
