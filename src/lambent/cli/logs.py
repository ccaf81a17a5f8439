"""`lambent logs`: what an app was asked, what it answered, and what it logged meanwhile."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import click
from msgspec import Struct

from lambent.aws.interface import Aws
from lambent.cli.connection import with_connection
from lambent.cli.options import path_argument
from lambent.cli.since import Since
from lambent.config.load import AppLocation
from lambent.deployment.follow_log import FollowTiming
from lambent.deployment.logs import LogQuery, check_request_id, find_log, show_live, show_past, show_text
from lambent.events import Emit, Notice

_DEFAULT_S = 3600
_REQUEST_S = 7 * 86400
"""How far back a request is searched by its ID."""


class _Options(Struct, frozen=True):
    """The options of the command, as typed."""

    follow: bool
    since: float | None
    errors_only: bool
    request: str
    raw: bool

    def query(self, now_s: float) -> LogQuery:
        request_id = check_request_id(self.request) if self.request else ""
        default_s = 0 if self.follow else _REQUEST_S if request_id else _DEFAULT_S
        return LogQuery(now_s - default_s if self.since is None else self.since, self.errors_only, request_id)


@click.command("logs")
@path_argument
@click.option("--follow", "-f", is_flag=True, help="Show new requests as they come, until Ctrl-C.")
@click.option("--since", metavar="T", type=Since(), help="30m, 2d, 10:30, 2026-11-30T10:30. Default: 1h; with -f: now.")
@click.option("--errors", "errors_only", is_flag=True, help="Only requests that failed, or that logged an error.")
@click.option("--request", metavar="ID", default="", help="Only the request with this ID, or whose ID starts with it.")
@click.option("--raw", is_flag=True, help="The stored log: no grouping, and no secrets masked.")
@with_connection
def command(location: AppLocation, aws: Aws, emit: Emit, **options: Any) -> None:
    """Show an app's requests, and what the app logged during each: a line for each request, and whole tracebacks.

    PATH is a folder or a Python file. Default: the current folder. --name takes any function, even if lambent didn't deploy it.

    Values of environment variables that look like secrets are masked. Following uses CloudWatch's Live Tail if you may use it,
    otherwise the log is read every two seconds.
    """
    typed = _Options(**options)
    query = typed.query(time.time())
    log = find_log(aws, location.app)
    if typed.follow:
        follow = show_text if typed.raw else show_live
        with contextlib.suppress(KeyboardInterrupt):  # how it ends
            follow(aws, log, query, emit, FollowTiming())
    elif typed.raw:
        show_text(aws, log, query, emit, None)
    elif not show_past(aws, log, query, emit):
        emit(Notice(_nothing(location.app, query)))


def _nothing(app: str, query: LogQuery) -> str:
    """Return why nothing is shown, and how to look further."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(query.since_s))
    if query.request:
        return f"{app} has no request {query.request} since {began}; --since 30d looks further back"
    noun = "no failed requests" if query.errors_only else "no requests"
    return f"{app} has {noun} since {began}; --since 7d looks further back, -f waits for new ones"
