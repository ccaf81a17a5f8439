"""Starts the user's own exec wrapper (LAMBENT_EXEC_WRAPPER), such as a layer's: /opt/otel-instrument, /opt/datadog_wrapper.

lambent's wrapper has taken its place in AWS_LAMBDA_EXEC_WRAPPER. The user's one gets what Lambda would give it: a command that
starts the runtime. Wrappers may put a handler of their own before the app's by changing _HANDLER, and that calls the app's like
any handler. So a web app is, as long as they run, the handler of `aws`.
"""

from __future__ import annotations

import posix
import sys

from .environment import set_variable, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .log import Log

_AS_HANDLER = f"{__package__}.aws.handler"
_NOT_EXECUTABLE = 8  # ENOEXEC: a script without its first line, which a shell runs
_FAILED = 127  # what a shell exits with


def start(wrapper: str) -> NoReturn:
    """Replace this process by the wrapper, which starts this program again."""
    set_variable("LAMBENT_EXEC_WRAPPER", None)
    if variable("LAMBENT_INTERFACE").lower() != "handler":
        set_variable("LAMBENT_APP", variable("_HANDLER"))
        set_variable("_HANDLER", _AS_HANDLER)
    arguments = [wrapper, sys.executable, *(["-S"] if sys.flags.no_site else []), sys.argv[0]]
    try:
        try:
            posix.execv(wrapper, arguments)
        except OSError as error:
            if error.errno != _NOT_EXECUTABLE:
                raise
            posix.execv("/bin/sh", ["/bin/sh", *arguments])
    except OSError as error:
        sys.stderr.write(f"lambent: the exec wrapper {wrapper} can't be run: {error.strerror}\n")
        sys.stderr.flush()
        posix._exit(_FAILED)


def web_app(log: Log) -> str:
    """Return the web app that the wrapper has left alone, or "" if it has put a handler before it.

    That handler can't stream. An app that does runs without it, but with everything else that the wrapper has set up.
    """
    app, handler = variable("LAMBENT_APP"), variable("_HANDLER")
    if handler != _AS_HANDLER:
        if variable("LAMBENT_RESPONSE").lower() != "stream":
            return ""
        log.line("WARNING", f"lambent: {handler} of the exec wrapper is left out, because it can't stream responses")
    set_variable("_HANDLER", app)
    set_variable("LAMBENT_APP", None)
    return app
