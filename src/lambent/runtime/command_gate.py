"""Where the runtime tells a command of `lambent run` from an event, if the function takes commands at all (LAMBENT_RUN).

A command's invocation has the client context {"custom": {"lambent": "run"}}. Lambda passes a client context on only from who
calls Invoke or InvokeWithResponseStream. A request to a URL, a queue's message or a schedule's event can contain anything, but
no client context: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

from .api import CLIENT_CONTEXT
from .json_text import dump, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import Invocation, RuntimeApi
    from .invocation_loop import Server
    from .log import Log


class CommandGate:
    """Passes commands to `command`, and everything else to the server of the app."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.close = server.close

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        if CLIENT_CONTEXT in invocation.head and _is_command(invocation.header(CLIENT_CONTEXT)):
            from .command import run

            run(api, log, invocation)
        else:
            self._server.serve(api, log, invocation)


class FailedStart:
    """Answers an event with the error of the app's start, and ends the process, so that the next event starts it again.

    Commands go past it: what the start lacks may be a migration.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record

    def close(self) -> None:
        """There is nothing to close."""

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        api.fail(invocation, dump({**self._record, "requestId": invocation.id}), self._record["errorType"])
        raise SystemExit(1)


def _is_command(client_context: str) -> bool:
    try:
        context = parse(client_context.encode("latin-1"))
    except ValueError:
        return False  # the app gets it, and AWS's error
    custom = context.get("custom") if isinstance(context, dict) else None
    return isinstance(custom, dict) and custom.get("lambent") == "run"
