"""Deploy an unmodified Python web app to AWS Lambda and get a working URL.

The library: each name is imported when you first use it, so that `import lambent` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent import errors, events
    from lambent.config.load import Flags
    from lambent.errors import LambentError
    from lambent.library.datasette_options import DatasetteOptions
    from lambent.library.facade import Account, build, deploy, find_app, plan
    from lambent.library.local_lambda import LocalLambda

__version__ = "0.1.0"
__all__ = [
    "Account",
    "DatasetteOptions",
    "Flags",
    "LambentError",
    "LocalLambda",
    "build",
    "deploy",
    "errors",
    "events",
    "find_app",
    "plan",
]

_HOMES = {
    **dict.fromkeys(("Account", "build", "deploy", "find_app", "plan"), "lambent.library.facade"),
    "DatasetteOptions": "lambent.library.datasette_options",
    "Flags": "lambent.config.load",
    "LambentError": "lambent.errors",
    "LocalLambda": "lambent.library.local_lambda",
}


def __getattr__(name: str) -> Any:
    if name in ("errors", "events"):
        return import_module(f"lambent.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lambent' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
