"""Stand-ins for two adapters: change the import line, keep the rest.

    from lambent.runtime.compat import Mangum                # was: from mangum import Mangum
    from lambent.runtime.compat import make_lambda_handler   # was: from apig_wsgi import make_lambda_handler

In a zip they are found as `lambent_runtime.compat` once `lambent vendor` has put that folder there. Both take an event and give
a dict, under any runtime client. Where they differ from their models on purpose: docs/reference/runtime.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .apig import make_lambda_handler
    from .mangum import ConfigurationError, LifespanFailure, Mangum

__all__ = ["ConfigurationError", "LifespanFailure", "Mangum", "make_lambda_handler"]


def __getattr__(name: str) -> Any:
    """Each half is imported only when it is asked for: a WSGI app needs no asyncio (60 ms)."""
    if name == "make_lambda_handler":
        from .apig import make_lambda_handler

        return make_lambda_handler
    if name in __all__:
        from . import mangum

        return getattr(mangum, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
