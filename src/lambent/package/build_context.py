"""What the stages of one build share."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from lambent import interpreters
from lambent.config.model import Config
from lambent.events import Emit, Phase, Warned
from lambent.interpreters import Interpreter
from lambent.lazy import LazyModule
from lambent.limits import UNZIPPED_MAX
from lambent.package.deployment_tools import without_deployment_tools
from lambent.package.target import Target

if TYPE_CHECKING:
    from lambent.package import python_install
else:
    python_install = LazyModule("lambent.package.python_install")

Scope = Literal["all", "app", "layer"]
"""What the zip holds: the app with its dependencies, the app alone, or, as a layer, the dependencies alone."""


class BuildOptions(Struct, frozen=True):
    """The options of one build.

    `native` cross-compiles packages that have no wheel for the target. `refresh` asks the package indexes again, although the
    cache has an answer; `refreshed` says that this run has done so already. `skip_own_lock` ignores the lock file that lambent
    wrote for the target. `unzipped_max` is Lambda's limit in bytes. `edits` are requirements that count instead of the
    project's own, to see whether they help.
    """

    native: bool = False
    refresh: bool = False
    refreshed: bool = False
    skip_own_lock: bool = False
    scope: Scope = "all"
    unzipped_max: int = UNZIPPED_MAX
    edits: frozenset[str] = frozenset()


class BuildContext(Struct, frozen=True):
    """The settings of one build, its target and cache, and where its events go.

    `started` is a reading of the monotonic clock, in seconds.
    """

    config: Config
    target: Target
    cache: Path
    environ: Mapping[str, str]
    emit: Emit
    options: BuildOptions
    started: float

    @classmethod
    def start(
        cls, config: Config, cache: Path, environ: Mapping[str, str], emit: Emit, options: BuildOptions | None
    ) -> BuildContext:
        """Return the context of a build that starts now, without CDK and the like. Raises UsageError for an unknown runtime."""
        target, config = Target.of(config), without_deployment_tools(config)
        return cls(config, target, cache.absolute(), environ, emit, options or BuildOptions(), time.monotonic())

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time one stage, and emit its `Phase` event when it succeeds."""
        started = time.monotonic()
        yield
        self.emit(Phase(name, time.monotonic() - started))

    def find_interpreter(self) -> Interpreter | None:
        """Return the target's Python on this machine, or None after a warning: without it the zip has no bytecode.

        If the machine lacks it, uv installs it.
        """
        version = self.target.python
        interpreter = interpreters.find(version, self.environ)
        interpreter = interpreter or python_install.install_python(version, self.cache, self.environ, self.emit)
        if interpreter is None:
            text = f"Python {version} is not installed here: the zip has no bytecode, so the app starts slower"
            self.emit(Warned(text, interpreters.install_command(version)))
        return interpreter
