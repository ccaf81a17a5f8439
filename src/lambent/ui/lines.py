"""Events to words. Pure: the same words for a terminal and for a pipe."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct

from lambent import events
from lambent.events import Event
from lambent.ui import tables, views
from lambent.units import count, seconds, size

ACCESS = {
    "public": "public: whoever has this URL can call it",
    "signed": "callers must sign with AWS credentials",
    "local": "reachable from this machine only",
}
"""Who can call a URL, in words."""


class Line(Struct, frozen=True):
    """One line of output. `mark` is one of "ok", "do", "note", "warn", "plain"; `note` is said in a quieter voice."""

    mark: str
    text: str
    note: str = ""


def lines(event: Event) -> tuple[Line, ...]:
    """The lines that show an event. Empty when it is not worth one."""
    match event:
        case events.Notice(text):
            return (Line("note", text),)
        case events.Warned(text, hint):
            return (Line("warn", text, f"try {hint}" if hint else ""),)
        case events.Detected(app, kind, source):
            return (Line("ok", f"app {app}", _because(kind, source)),)
        case events.Resolved(packages, source, cached, spent):
            return (Line("ok", f"{count(packages, 'package')} from {source}", "cached" if cached else seconds(spent)),)
        case events.Fetched(files, fetched, spent):
            return (Line("ok", f"fetched {count(files, 'file')}, {size(fetched)}", seconds(spent)),)
        case events.Built(_, zipped, raw, files, spent):
            note = f"{size(raw)} unpacked, {count(files, 'file')}, {seconds(spent)}"
            return (Line("ok", f"built {size(zipped)}", note),)
        case events.Overflowed(_, packages, zipped, raw):
            note = f"{size(zipped)}, {size(raw)} unpacked: fetched into /tmp at each start, which needs {event.tmp_mb} MB there"
            return (Line("ok", f"beside the zip: {', '.join(packages)}", note),)
        case events.SizesListed(shares):
            return tuple(Line("note", row) for row in tables.shares(shares))
        case events.FilesListed(files):
            return tuple(Line("note", row) for row in tables.files(files))
        case events.SmokeTested(spent, memory, sandbox):
            return (Line("ok", f"the app starts in {seconds(spent)}, with {memory} MB", f"tried on this machine, {sandbox}"),)
        case events.Locked(path, packages):
            return (Line("note", f"locked {count(packages, 'package')} in {path}"),)
        case events.Packed():
            return _packed(event)
        case events.LocalStarted(url, pid, sandbox):
            return (Line("note", f"started the local Lambda at {url}", f"pid {pid}, {sandbox}; `lambent local stop` ends it"),)
        case events.Planned():
            return _plan(event)
        case events.StepDone(step, spent, detail):
            return (Line("ok", step, ", ".join(part for part in (detail, seconds(spent)) if part)),)
        case events.Answered(_, status, spent):
            return (Line("ok", f"the URL answers: {status}", seconds(spent)),)
        case events.Deployed():
            return _deployed(event)
        case events.Destroyed(app, location, spent):
            return (Line("ok", f"{app} is gone from {location}", seconds(spent)),)
        case _:
            return ()


def result(event: Event) -> str:
    """What a command was run for, alone on stdout: the URL, the zip's path."""
    match event:
        case events.Deployed(url):
            return url
        case events.Packed():
            return event.path
        case events.Configured() | events.Versions() | events.Status() | events.Apps():
            return views.view(event)
        case _:
            return ""


def _packed(done: events.Packed) -> tuple[Line, ...]:
    spent = ", ".join(f"{phase.name} {seconds(phase.seconds)}" for phase in done.phases)
    target = f"for {done.runtime} on {done.architecture}"
    if done.kind != "layer":
        return (Line("ok", f"{target}, handler {done.handler}", spent),)
    words = f"aws lambda publish-layer-version --layer-name {done.name} --zip-file fileb://{shlex.quote(done.path)}"
    compatible = f"--compatible-runtimes {done.runtime} --compatible-architectures {done.architecture}"
    return (Line("ok", f"a layer {target}", spent), Line("note", f"{words} {compatible}"))


def _plan(plan: events.Planned) -> tuple[Line, ...]:
    drift = [Line("warn", f"drift {line.what}", line.detail) for line in plan.lines if line.verb == "drift"]
    settings = [Line("note", row) for row in tables.settings(plan.settings)]
    if not plan.changes:
        return (*settings, Line("ok", f"nothing to change on {plan.location}"), *drift)
    shown = [Line("do", f"{line.verb} {line.what}", line.detail) for line in plan.lines if line.verb not in ("keep", "drift")]
    heading = Line("plain", f"on {plan.location}:")
    return (*settings, heading, *shown, *drift, *_outlook(plan))


def _outlook(plan: events.Planned) -> Iterator[Line]:
    """Who can call it then, and what that costs."""
    if plan.access:
        first = "for the first time: deploy asks, or --yes" if plan.opens else ""
        yield Line("note", ACCESS[plan.access], first)
    if plan.cost is not None:
        cost = plan.cost
        each = f"{cost.duration_ms} ms at {cost.memory_mb} MB"
        beside = f"; {' and '.join(cost.excludes)} beside it" if cost.excludes else ""
        free = f"an estimate{beside}; the first {cost.free_requests:,} a month are free"
        yield Line("note", f"about ${cost.usd_per_million:.2f} per million requests of {each}", free)


def _deployed(done: events.Deployed) -> tuple[Line, ...]:
    if not done.changed:
        return (Line("ok", f"unchanged: version {done.version} is live", seconds(done.seconds)),)
    return (Line("ok", f"version {done.version} is live", seconds(done.seconds)), Line("note", _access(done)))


def _access(done: events.Deployed) -> str:
    """Who can call the URL, said aloud. `*.localhost` is this machine (RFC 6761)."""
    if not done.public:
        return ACCESS["signed"]
    return ACCESS["local" if (urlsplit(done.url).hostname or "").endswith(".localhost") else "public"]


def progress(event: events.StepStarted | events.Fetching | events.CanaryProgress) -> str:
    """What is under way, in one line."""
    match event:
        case events.StepStarted(step):
            return step
        case events.Fetching():
            return fetching(event)
        case events.CanaryProgress(version, share, left, requests, errors):
            seen = f"{count(requests, 'request')}, {count(errors, 'error')}"
            return f"{share * 100:g} % to version {version}: {seen}, {left:.0f} s left"


def fetching(event: events.Fetching) -> str:
    """How far the downloads are: "fetching 3 of 12, 14.2 of 66.0 MB: numpy, pandas"."""
    names = f": {', '.join(event.names)}" if event.names else ""
    return f"fetching {event.files} of {event.of}, {size(event.done)} of {size(max(event.total, event.done))}{names}"


def _because(kind: str, source: str) -> str:
    return ", ".join(part for part in (kind, source) if part)
