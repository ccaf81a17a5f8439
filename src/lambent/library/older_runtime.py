"""Another try with an older runtime, where the app's start needs what its Python has removed, or packages that don't fit it.

Most of that is found by reading (package/runtime_imports.py). What a package imports on a condition, or uses as an attribute,
shows only when the app starts, and which packages the requirements lack only when it is built.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.package.unfit import UnfitError
from lambent.removed_modules import changed_in, removed_in

_MISSING_NAME = re.compile(
    r"module '([\w.]+)' has no attribute '(\w+)'"
    r"|cannot import name '(\w+)' from '([\w.]+)'"
    r"|No module named '([\w.]+)'"
)


def with_older_runtime(config: Config, error: LambentError) -> Config | None:
    """Return the configuration with the candidates that still have what the start lacks.

    None if nothing was removed and everything fits, if no candidate has it, or if the runtime is live or named by the user.
    """
    candidates = config.candidates
    is_named = bool(candidates.named_by) and config.runtime == candidates.runtimes[0]
    if config.runtime == candidates.live or is_named:
        return None
    older = [each for each in candidates.runtimes if _version(each) < _version(config.runtime)]
    if isinstance(error, UnfitError):
        note = error.blockers[0].describe(_python(config.runtime))
        runtimes = tuple(each for each in older if all(blocker.fits(_python(each)) for blocker in error.blockers))
    else:
        name, removed = removal_in(f"{error.what}\n{error.detail}")
        note = f"the app's start needs {name}, which Python {removed} removed"
        is_removed = bool(removed) and _version(config.runtime) >= _version(removed)
        runtimes = tuple(each for each in older if is_removed and _version(each) < _version(removed))
    if not runtimes:
        return None
    return config.with_runtime(runtimes[0], note, replace(candidates, runtimes=runtimes, origin=note, note=note))


def removal_in(text: str) -> tuple[str, str]:
    """Return what an exception in a text lacks because a version of Python removed it, and that version. Empty if nothing."""
    for match in _MISSING_NAME.finditer(text):
        module, name = match[1] or match[4] or match[5], match[2] or match[3]
        if name is None and module.endswith("six.moves"):
            return module, "3.12"  # six before 1.16 provides it with an import hook of a form that 3.12 removed
        top = module.partition(".")[0]
        for dotted in [f"{module}.{name}"] if name else [module, top]:
            if version := removed_in(dotted):
                return dotted, version
    return changed_in(text)


def _python(runtime: str) -> str:
    return runtime.removeprefix("python")


def _version(runtime: str) -> tuple[int, ...]:
    return tuple(map(int, _python(runtime).split(".")))
