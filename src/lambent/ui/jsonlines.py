"""Every event as one JSON object a line on stdout: for machines. The member "event" names its kind."""

from __future__ import annotations

import json

import msgspec

from lambent.errors import LambentError
from lambent.events import Event


def show(event: Event) -> None:
    print(json.dumps({"event": type(event).__name__, **msgspec.to_builtins(event)}), flush=True)


def fail(error: LambentError, exit_code: int) -> None:
    """What ended the command, in the same form."""
    told = {"what": error.what, "where": error.where, "hint": error.hint, "detail": error.detail}
    print(json.dumps({"event": "Failed", **told, "exit_code": exit_code}), flush=True)
