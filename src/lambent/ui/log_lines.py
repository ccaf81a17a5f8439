"""Logged requests as text: a line for each request, and below it what the app logged. Pure, except for the time zone.

What an app logs may come from anyone, so every part is sanitized before colours are added.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from lambent.log_events import LoggedLine, LoggedRequest, LogText
from lambent.tracebacks import relative_frames
from lambent.ui.sanitize import sanitize, sanitize_line
from lambent.units import seconds

_PATH_WIDTH = 32
_ID_SHOWN = 8
_RESET = "\x1b[0m"
_COLOURS = {"red": "\x1b[31m", "bold red": "\x1b[1;31m", "yellow": "\x1b[33m", "green": "\x1b[32m", "cyan": "\x1b[36m"}
_COLOURS |= {"dim": "\x1b[2m", "bold": "\x1b[1m", "": ""}
_FRAME = re.compile(r'\s*File "[^"]+", line \d+')
_LIBRARY = re.compile(r'\s*File "(?:/var/|/opt/|/usr/|<)')
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Fault|DoesNotExist)?(?::|$)")

Piece = tuple[str, str]
"""A text and its colour."""


def request_text(request: LoggedRequest, *, coloured: bool, now_s: float) -> str:
    """Return a request as lines of text."""
    heading = [_headline(request, now_s)] if request.request_id else []
    indent = "  " if request.request_id else ""
    lines = [[(indent, ""), *piece] for line in request.lines for piece in _line(line)]
    return "\n".join(_join(pieces, coloured) for pieces in (*heading, *lines))


def raw_text(event: LogText, *, safe: bool) -> str:
    """Return a stored event of the log, made safe for a terminal if that is asked for."""
    text = event.text.rstrip("\n")
    return sanitize(text) if safe else text


def payload_text(payload: str, *, safe: bool) -> str:
    """Return what a function returned, made safe for a terminal if that is asked for."""
    return sanitize(payload) if safe else payload


def _headline(request: LoggedRequest, now_s: float) -> list[Piece]:
    bad = request.failed and request.complete
    colour = "red" if bad else "yellow" if 400 <= request.status < 500 else "green"
    pieces = [
        (f"{_clock(request.at_ms, now_s)}  ", "dim"),
        (f"{sanitize_line(request.app)}  " if request.app else "", "cyan"),
        (f"{_subject(request):<{_PATH_WIDTH + 7}}", "bold"),
        (f"  {sanitize_line(_outcome(request)):<3}", colour),
    ]
    if request.duration_ms is not None:
        pieces.append((f"  {seconds(request.duration_ms / 1000):>7}", ""))
    if request.used_mb:
        pieces.append((f"  {request.used_mb:>4} MB", "yellow" if request.used_mb > 0.9 * request.memory_mb else "dim"))
    if request.init_ms is not None:
        pieces.append((f"  cold {seconds(request.init_ms / 1000)}", "cyan"))
    if bad:
        pieces.append((f"  {sanitize_line(request.request_id[:_ID_SHOWN])}", "dim"))
    return pieces


def _outcome(request: LoggedRequest) -> str:
    if request.status or request.failure:
        return f"{request.status or ''} {request.failure}".strip()
    if not request.complete:
        return "..."
    return "failed" if request.failed else "ok"


def _subject(request: LoggedRequest) -> str:
    return sanitize_line(f"{request.method:<6} {request.path}" if request.method else "invoke")


def _clock(at_ms: int, now_s: float) -> str:
    """Return the local time, with the date if it isn't today's."""
    at, now = time.localtime(at_ms / 1000), time.localtime(now_s)
    return time.strftime("%H:%M:%S" if at[:3] == now[:3] else "%Y-%m-%d %H:%M:%S", at)


def _line(line: LoggedLine) -> Iterator[list[Piece]]:
    in_traceback = False
    for number, text in enumerate(sanitize(line.text.expandtabs(4)).split("\n")):
        if "Traceback (most recent call last)" in text:
            in_traceback = True
            yield [(text, "red")]
        elif in_traceback:
            yield [_traceback_line(text)]
        else:
            colour = {"error": "red", "warning": "yellow"}.get(line.level, "") if number == 0 else ""
            yield [(text, "bold red" if colour == "red" else colour)]


def _traceback_line(text: str) -> Piece:
    text = relative_frames(text)
    if _LIBRARY.match(text):
        return text, "dim"
    if _FRAME.match(text):
        return text, "cyan"
    if _EXCEPTION.match(text):
        return text, "bold red"
    return text, ""


def _join(pieces: list[Piece], coloured: bool) -> str:
    if not coloured:
        return "".join(text for text, _ in pieces).rstrip()
    return "".join(f"{_COLOURS[colour]}{text}{_RESET}" if colour and text else text for text, colour in pieces)
