"""JSON lines on stdout: one object per event. The member "event" names its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from lambent.errors import LambentError
from lambent.events import Event


def print_event(event: Event) -> None:
    print_object(type(event).__name__, msgspec.to_builtins(event))


def print_error(error: LambentError, exit_code: int) -> None:
    """Print the error that ended the command."""
    members = {"what": error.what, "where": error.where, "hint": error.hint, "detail": error.detail}
    print_object("Failed", {**members, "exit_code": exit_code})


def print_object(kind: str, members: Mapping[str, Any]) -> None:
    print(json.dumps({"event": kind, **members}), flush=True)
