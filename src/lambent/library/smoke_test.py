"""The smoke test: start the app from its zip once, in the local Lambda's sandbox but without the local Lambda."""

from __future__ import annotations

import hashlib
import os
import re
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.config.model import Config
from lambent.deployment import writable
from lambent.errors import PackagingError
from lambent.events import Emit, Phase, SmokeTested, Warned
from lambent.lazy import LazyModule
from lambent.limits import INIT_MAX_S
from lambent.package.artifact import OVERFLOW, WRITABLE, Artifact
from lambent.package.proof import lambda_system, loaded_libraries
from lambent.package.target import Target
from lambent.systems import is_macos, is_windows

if TYPE_CHECKING:
    from lambent.local import smoke_test as local_smoke_test
else:
    local_smoke_test = LazyModule("lambent.local.smoke_test")  # its sandbox imports modules that Windows lacks


_MISSING_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
_FIX = "fix the error below and build again"


class NeedsAws(PackagingError):
    """The app did not start, but it may on AWS."""

    reason = ""


def smoke_test(config: Config, artifact: Artifact, cache: Path, emit: Emit) -> None:
    """Start the app once. Raises PackagingError if it doesn't start; warns if this machine can't run it."""
    if is_windows() or is_macos():
        hint = "run the same command in WSL" if is_windows() else "lambent deploy --local starts it with macOS's packages"
        emit(Warned("the app was not started on this machine: its packages are Amazon Linux's", hint))
        return
    started = time.monotonic()
    outcome = local_smoke_test.run_smoke_test(_packaged_function(config, artifact), cache, os.environ, date.today())
    emit(Phase("smoke test", time.monotonic() - started))
    if outcome.skipped:
        emit(Warned(f"the app was not started on this machine: {outcome.skipped}", outcome.hint))
    elif outcome.ok:
        emit(SmokeTested(outcome.init_ms / 1000, outcome.memory_mb, outcome.sandbox))
        _warn(config, outcome, emit)
    else:
        raise _error(config, outcome)


def _warn(config: Config, outcome: local_smoke_test.SmokeTestResult, emit: Emit) -> None:
    """Warn of what works here, but not, or not well, on AWS."""
    if outcome.restarted:
        what = f"the app needs more than {INIT_MAX_S} s to start, then AWS starts it over: every cold start will take this long"
        emit(Warned(what, "import less at the start, or --memory, which adds CPU"))
    libraries = loaded_libraries.lacking(outcome.libraries, Target.of(config))
    if libraries and not config.hosting.layers:
        what = f"the app loads {', '.join(libraries)} of this machine, which Lambda doesn't have"
        emit(Warned(what, "use a package whose wheel includes it, or a layer that has it"))


def smoke_test_once(config: Config, artifact: Artifact, cache: Path, emit: Emit) -> Artifact:
    """Run the smoke test once for each zip and environment, before it is uploaded. Return the artifact to deploy.

    An app that writes next to its code is tried again from a copy in /tmp, unless the configuration decides that. A failure
    that this machine may have caused (no AWS access, no secrets) is only a warning.
    """
    marker = _marker(config, artifact, cache)
    if marker.exists():
        return artifact
    try:
        smoke_test(config, artifact, cache, emit)
    except NeedsAws as error:
        emit(Warned(f"{error.what}. {error.reason}, so lambent deploys it anyway"))
        return artifact
    except PackagingError as error:
        path = writable.failed_write(error.what)
        if path and config.writable is None and config.app.kind != "handler" and WRITABLE not in artifact.environment:
            emit(writable.warning(path))
            return smoke_test_once(config, artifact.as_writable(), cache, emit)
        if config.secrets:
            emit(Warned(f"{error.what}. Its secrets are only available on AWS, so lambent deploys it anyway"))
            return artifact
        fix = error.hint.replace(_FIX, "fix the error below")
        error.hint = f"{fix}; if the app can only start on AWS, pass --no-prove"
        raise
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return artifact


def _marker(config: Config, artifact: Artifact, cache: Path) -> Path:
    """Return the file that exists once this zip has started with this environment."""
    identity = repr(
        (artifact.sha256, artifact.handler, artifact.environment, config.environment, config.memory_mb, config.timeout_s)
    )
    return cache / "proofs" / f"{hashlib.sha256(identity.encode()).hexdigest()[:40]}.started"


def _packaged_function(config: Config, artifact: Artifact) -> local_smoke_test.PackagedFunction:
    overflow = artifact.overflow
    no_commands = {"LAMBENT_RUN": ""} if config.run else {}  # with commands, a failed start waits for one
    fetched = {OVERFLOW: local_smoke_test.OVERFLOW_URL} if overflow else {}
    return local_smoke_test.PackagedFunction(
        zip=artifact.path,
        handler=artifact.handler,
        runtime=artifact.runtime,
        architecture=artifact.architecture,
        environment=tuple((dict(artifact.environment) | fetched | config.function_environment | no_commands).items()),
        memory_mb=config.memory_mb,
        timeout_s=config.timeout_s,
        tmp_mb=max(config.tmp_mb, artifact.tmp_mb),
        overflow=overflow.path if overflow else None,
    )


def _error(config: Config, outcome: local_smoke_test.SmokeTestResult) -> PackagingError:
    missing = _MISSING_LIBRARY.search(outcome.message)
    log = outcome.trace or outcome.log
    error = PackagingError(
        f"the app does not start: {outcome.error_type}: {outcome.message}",
        where=config.app.spec,
        hint=f"use a package whose wheel includes {missing[1]}, or a layer that has it" if missing else _FIX,
        detail="\n".join(line.rstrip("\n") for line in log),
    )
    if outcome.aws_requests:
        hint = f"its {outcome.aws_requests} requests to AWS were refused, because this test has no AWS access: remove --prove"
        return _needs_aws(error, hint, "It sent requests to AWS, which only work there")
    if missing and config.hosting.layers:
        return _needs_aws(error, "this test has no layers: remove --prove", f"A layer may have {missing[1]}")
    if missing and lambda_system.has(missing[1], Target.of(config)) is not False:
        return _needs_aws(error, f"this machine has no {missing[1]}: remove --prove", f"Lambda may have {missing[1]}")
    return error


def _needs_aws(error: PackagingError, hint: str, reason: str) -> NeedsAws:
    needs_aws = NeedsAws(error.what, where=error.where, hint=hint, detail=error.detail)
    needs_aws.reason = reason
    return needs_aws
