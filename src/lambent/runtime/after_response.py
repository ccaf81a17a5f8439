"""The function of the app that is called between a response and the next event.

LAMBENT_AFTER_RESPONSE ("module:function") names it, for what must be sent before Lambda freezes the process and isn't one of
the `trackers`. It is called without arguments, after every response and every error, and may be async.
"""

from __future__ import annotations

from .app_loader import load_function
from .fault import describe
from .host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log


def caller(name: str, host: Host | None, log: Log) -> Callable[[], None]:
    """Return what calls the function; a coroutine runs on the event loop of `host`, or on one of its own. Raise Fault."""
    function = load_function(name, f"LAMBENT_AFTER_RESPONSE={name}")
    host = host or Host()

    def call() -> None:
        try:
            host.call(function)
        except Exception as error:
            log.error(describe(error, log.request_id))

    return call
