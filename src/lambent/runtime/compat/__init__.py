"""Drop-in replacements for two adapters: change the import line and keep the rest.

    from lambent.runtime.compat import Mangum                # was: from mangum import Mangum
    from lambent.runtime.compat import make_lambda_handler   # was: from apig_wsgi import make_lambda_handler

In a zip their package is `lambent_runtime.compat`, where `lambent vendor` puts it. Both take an event and return a dict, under
any runtime client. docs/reference/runtime.md lists the intended differences.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .apig_wsgi import make_lambda_handler
    from .mangum import ConfigurationError, LifespanFailure, Mangum

__all__ = ["ConfigurationError", "LifespanFailure", "Mangum", "make_lambda_handler"]


def __getattr__(name: str) -> Any:
    """Import each half only when it is used: a WSGI app doesn't need asyncio (60 ms)."""
    if name == "make_lambda_handler":
        from .apig_wsgi import make_lambda_handler

        return make_lambda_handler
    if name in __all__:
        from . import mangum

        return getattr(mangum, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
