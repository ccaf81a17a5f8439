"""The proof by trial: the app of a zip is started once, in the local Lambda's sandbox, without the service."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.events import Emit, Phase, SmokeTested, Warned
from lambent.local.smoke_test import OVERFLOW_PLACE, Subject, Trial, trial
from lambent.package.artifact import OVERFLOW, Artifact


def try_out(config: Config, artifact: Artifact, cache: Path, environ: Mapping[str, str], emit: Emit) -> None:
    """Raises PackagingError when the app does not start; warns where this machine cannot try."""
    started = time.monotonic()
    beside, tmp_mb = artifact.overflow, config.tmp_mb
    fetched = {OVERFLOW: OVERFLOW_PLACE} if beside else {}
    subject = Subject(
        zip=artifact.path,
        handler=artifact.handler,
        runtime=artifact.runtime,
        architecture=artifact.architecture,
        environment=tuple((dict(artifact.environment) | fetched | dict(config.environment)).items()),
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        tmp_mb=max(tmp_mb, beside.tmp_mb) if beside else tmp_mb,
        overflow=beside.path if beside else None,
    )
    done = trial(subject, cache, environ, date.today())
    emit(Phase("trial", time.monotonic() - started))
    if done.skipped:
        emit(Warned(f"not tried out: {done.skipped}", done.hint))
        return
    if not done.ok:
        raise _failed(config, done)
    emit(SmokeTested(done.init_ms / 1000, done.memory_mb, done.sandbox))


def before_upload(config: Config, artifact: Artifact, cache: Path, environ: Mapping[str, str], emit: Emit) -> None:
    """`try_out`, once for each zip and environment. What may only fail here (no AWS, no secrets) is a warning."""
    told = repr(
        (artifact.sha256, artifact.handler, artifact.environment, config.environment, config.memory_mb, config.timeout_s)
    )
    mark = cache / "proofs" / f"{hashlib.sha256(told.encode()).hexdigest()[:40]}.started"
    if mark.exists():
        return
    try:
        try_out(config, artifact, cache, environ, emit)
    except AskedAws as failed:
        emit(Warned(f"{failed.what}; but it asked for what is only there on AWS, so it is deployed all the same"))
        return
    except PackagingError as failed:
        if config.secrets:
            emit(Warned(f"{failed.what}; but its secrets are only there on AWS, so it is deployed all the same"))
            return
        failed.hint = "mend what the trace shows; or, where it can only start on AWS, say --no-prove"
        raise
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


class AskedAws(PackagingError):
    """The app did not start, and what it asked of AWS meanwhile was refused."""


def _failed(config: Config, done: Trial) -> PackagingError:
    hint, kind = "mend what the trace shows, and build again", PackagingError
    if done.asked_aws:
        kind = AskedAws
        hint = f"it asked AWS for something {done.asked_aws} times while it started, which is refused here: try without --prove"
    told = done.trace or done.log
    what = f"the app does not start: {done.error_type}: {done.message}"
    return kind(what, where=config.app.spec, hint=hint, detail="\n".join(line.rstrip("\n") for line in told))
