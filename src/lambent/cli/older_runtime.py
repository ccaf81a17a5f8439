"""Another try with an older runtime, where the app's start needs what its Python has removed.

Most of that is found by reading (package/runtime_imports.py). What a package imports on a condition, or uses as an attribute,
shows only when the app starts.
"""

from __future__ import annotations

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.removed_modules import removal_in


def with_older_runtime(config: Config, error: LambentError) -> Config | None:
    """Return the configuration with the candidates that still have what the start lacks.

    None if nothing was removed, if no candidate has it, or if the runtime is live or named by the user.
    """
    candidates = config.candidates
    name, removed = removal_in(f"{error.what}\n{error.detail}")
    is_named = bool(candidates.named_by) and config.runtime == candidates.runtimes[0]
    if not removed or config.runtime == candidates.live or is_named:
        return None
    runtimes = tuple(runtime for runtime in candidates.runtimes if _version(runtime) < _version(removed))
    if not runtimes:
        return None
    note = f"the app's start needs {name}, which Python {removed} removed"
    return config.with_runtime(runtimes[0], note, replace(candidates, runtimes=runtimes, origin=note, note=note))


def _version(runtime: str) -> tuple[int, ...]:
    return tuple(map(int, runtime.removeprefix("python").split(".")))
