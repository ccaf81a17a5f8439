"""The proof by trial: the app of a zip is started once, in the local Lambda's sandbox, without the service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Phase, Tried, Warned
from lambent.local.trial import Subject, Trial, trial
from lambent.package.artifact import Artifact


def try_out(config: Config, artifact: Artifact, cache: Path, environ: Mapping[str, str], emit: Emit) -> None:
    """Raises PackagingError when the app does not start; warns where this machine cannot try."""
    started = time.monotonic()
    subject = Subject(
        zip=artifact.path,
        handler=artifact.handler,
        runtime=artifact.runtime,
        architecture=artifact.architecture,
        environment=tuple((dict(artifact.environment) | dict(config.environment)).items()),
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        tmp_mb=config.tmp_mb,
    )
    done = trial(subject, cache, environ, date.today())
    emit(Phase("trial", time.monotonic() - started))
    if done.skipped:
        emit(Warned(f"not tried out: {done.skipped}", done.hint))
        return
    if not done.ok:
        raise _failed(config, done)
    emit(Tried(done.init_ms / 1000, done.memory_mb, done.sandbox))


def _failed(config: Config, done: Trial) -> PackagingError:
    hint = "mend what the trace shows, and build again"
    if done.asked_aws:
        hint = f"it asked AWS for something {done.asked_aws} times while it started, which is refused here: try without --prove"
    told = done.trace or done.log
    what = f"the app does not start: {done.error_type}: {done.message}"
    return PackagingError(what, where=config.app.spec, hint=hint, detail="\n".join(line.rstrip("\n") for line in told))
