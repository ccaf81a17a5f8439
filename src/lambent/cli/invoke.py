"""`lambent invoke`: call the function with an event."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_option
from lambent.config.load import AppLocation
from lambent.deployment.invoke import build_event, find_callee, invoke, invoke_async
from lambent.deployment.sample_events import NAMES
from lambent.errors import UsageError
from lambent.events import Emit


class _Options(Struct, frozen=True):
    """The options of the command, as typed."""

    event: str | None
    sample: str | None
    asynchronous: bool
    version: str


@click.command("invoke")
@click.argument("event", required=False)
@click.option("--event", "sample", type=click.Choice(NAMES), help="Send a sample of an AWS service's event; EVENT changes it.")
@click.option("--async", "asynchronous", is_flag=True, help="Queue the event and don't wait for the result.")
@click.option("--version", metavar="V", default="", help="Version to call. Default: the live one.")
@path_option
@with_connection
def command(location: AppLocation, aws: Aws, emit: Emit, **options: Any) -> None:
    """Call the function with EVENT: its result goes to stdout, its log to stderr.

    EVENT is JSON, a file with JSON, or - for stdin. Without one, a web app gets the event of a GET / at its URL, and a handler
    gets {}. With --event, EVENT is a JSON object with the members to change, such as '{"rawPath": "/orders"}'.

    The exit status is 1 if the function failed. --name takes any function, even if lambent didn't deploy it.
    """
    typed = _Options(**options)
    text = _read(typed.event) if typed.event is not None else None
    callee = find_callee(aws, location.app, typed.version)
    payload = build_event(aws, callee, text, typed.sample or "")
    (invoke_async if typed.asynchronous else invoke)(aws, callee, payload, emit)


def _read(event: str) -> str:
    """Return the text of an event that was typed, or that is in a file or on stdin."""
    if event == "-":
        return sys.stdin.read()
    if event.lstrip()[:1] in ("{", "[", '"') or not (event.startswith("@") or Path(event).is_file()):
        return event
    path = Path(event.removeprefix("@"))
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot read {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        raise UsageError(what, where="EVENT", hint="EVENT is JSON, a file with JSON, or - for stdin") from error
