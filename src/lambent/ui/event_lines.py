"""Events as lines of text, every step of them, the same for a terminal and for a pipe. `summary.py` shortens them.

Only a log has colours of its own at a terminal.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from lambent import events, log_events
from lambent.events import Event
from lambent.ui import log_lines, style, tables, views
from lambent.units import count, seconds, size

ACCESS = {
    "public": "public: anyone with this URL can call it",
    "signed": "requests must be signed with AWS credentials",
    "local": "reachable only from this machine",
}
"""Who can call a URL."""


class Line(Struct, frozen=True):
    """One line of output. `mark` is a key of the marks in style.py; `note` is shown after the text, less prominently."""

    mark: str
    text: str
    note: str = ""


def event_lines(event: Event) -> tuple[Line, ...]:
    """Return the lines that show an event, or none if it is not worth a line."""
    match event:
        case events.Notice(text) | events.Question(text):
            return (Line("note", text),)
        case events.Warned(text, hint):
            return (Line("warn", text, f"try {hint}" if hint else ""),)
        case events.FileWritten(content, path):
            return (Line("ok", f"wrote {content} to {path}"),)
        case events.Planned():
            return _plan_lines(event)
        case events.CompletionChanged():
            return _completion_lines(event)
        case events.StepDone(step, spent, detail):
            return (Line("ok", step, ", ".join(part for part in (detail, seconds(spent)) if part)),)
        case events.Answered(_, status, spent):
            return (Line("ok", f"the URL answers with status {status}", seconds(spent)),)
        case events.Deployed():
            return _deployed_lines(event)
        case log_events.Invoked():
            text = log_lines.request_text(event.request, coloured=False, now_s=time.time())
            return tuple(Line("note", line) for line in text.split("\n"))
        case log_events.Queued(function, request_id):
            note = f"lambent logs --request {request_id} shows it"
            return (Line("ok", f"queued for {function}", note),)
        case events.Opened(opened=False):
            return (Line("note", "no browser was found: open this URL yourself"),)
        case events.Watching(url):
            return (Line("ok", f"watching for changes{url and ': '}{url}", "Ctrl-C stops"),)
        case events.Reloaded(files, spent, built):
            return (Line("ok", f"{'built again' if built else 'reloaded'}: {files}", seconds(spent)),)
        case events.Destroyed(app, location, spent):
            return (Line("ok", f"deleted {app} from {location}", seconds(spent)),)
        case _:
            return _build_lines(event) or _local_lines(event)


def _local_lines(event: Event) -> tuple[Line, ...]:
    match event:
        case events.LocalStarted(url, pid, sandbox, state):
            note = f"pid {pid}, sandbox: {sandbox}; `lambent local stop{_state_option(state)}` stops it"
            return (Line("note", f"started the local Lambda at {url}", note),)
        case events.LocalRunning():
            return _running_lines(event)
        case events.LocalStopped(pid):
            return (Line("ok", "the local Lambda was not running" if pid is None else f"stopped the local Lambda (pid {pid})"),)
        case _:
            return ()


def _build_lines(event: Event) -> tuple[Line, ...]:
    match event:
        case events.Detected(app, kind, source):
            return (Line("ok", f"app {app}", ", ".join(part for part in (kind, source) if part)),)
        case events.RuntimeChosen(runtime, reason):
            return (Line("ok", runtime, reason),)
        case events.Resolved(packages, source, cached, spent):
            return (Line("ok", f"{count(packages, 'package')} from {source}", "cached" if cached else seconds(spent)),)
        case events.Fetched(files, total, spent):
            return (Line("ok", f"downloaded {count(files, 'file')}, {size(total)}", seconds(spent)),)
        case events.Built(_, zipped, raw, files, spent):
            note = f"{size(raw)} unpacked, {count(files, 'file')}, {seconds(spent)}"
            return (Line("ok", f"built {size(zipped)}", note),)
        case events.Overflowed(_, packages, zipped, raw):
            note = f"{size(zipped)}, {size(raw)} unpacked; each start downloads it and needs {event.tmp_mb} MB in /tmp"
            return (Line("ok", f"overflow archive: {', '.join(packages)}", note),)
        case events.SizesListed(sizes):
            return tuple(Line("note", row) for row in tables.sizes(sizes))
        case events.FilesListed(files):
            return tuple(Line("note", row) for row in tables.files(files))
        case events.SmokeTested(spent, memory, sandbox):
            return (Line("ok", f"the app starts in {seconds(spent)} with {memory} MB", f"on this machine, sandbox: {sandbox}"),)
        case events.Locked(path, packages):
            return (Line("note", f"locked {count(packages, 'package')} in {path}"),)
        case events.Packed():
            return _packed_lines(event)
        case events.CachePruned(removed, freed, remaining):
            return (Line("ok", f"removed {count(removed, 'file')}, {size(freed)}", f"{size(remaining)} left"),)
        case events.Vendored():
            return _vendored_lines(event)
        case _:
            return ()


def result(event: Event) -> str:
    """Return the result that the command prints on stdout: the URL, the path of the zip, a table. "" for other events."""
    if isinstance(event, views.View):
        return views.view(event)
    match event:
        case events.Deployed(url):
            return url
        case events.Packed() | events.Vendored():
            return event.path
        case events.LocalRunning(url):
            return url
        case log_events.Invoked():
            return log_lines.payload_text(event.payload, safe=style.is_output_terminal())
        case log_events.Queued():
            return event.request_id
        case events.Opened(url):
            return url
        case log_events.LoggedRequest():
            return log_lines.request_text(event, coloured=style.is_coloured(), now_s=time.time())
        case log_events.LogText():
            return log_lines.raw_text(event, safe=style.is_output_terminal())
        case _:
            return ""


def progress_line(event: events.StepStarted | events.Fetching | events.CanaryProgress) -> str:
    """Return one line about a step that is running."""
    match event:
        case events.StepStarted(step):
            return step
        case events.Fetching():
            return download_line(event)
        case events.CanaryProgress(version, share, left, requests, errors):
            counts = f"{count(requests, 'request')}, {count(errors, 'error')}"
            return f"version {version} gets {share * 100:g}% of the traffic: {counts}, {left:.0f} s left"


def download_line(event: events.Fetching) -> str:
    """Return the progress of downloads: "downloading 3 of 12, 14.2 of 66.0 MB: numpy, pandas"."""
    names = f": {', '.join(event.names)}" if event.names else ""
    return f"downloading {event.files} of {event.of}, {size(event.done)} of {size(max(event.total, event.done))}{names}"


def _packed_lines(zipped: events.Packed) -> tuple[Line, ...]:
    phases = ", ".join(f"{phase.name} {seconds(phase.seconds)}" for phase in zipped.phases)
    platform = f"for {zipped.runtime} on {zipped.architecture}"
    if zipped.kind != "layer":
        return (Line("ok", f"{platform}, handler {zipped.handler}", phases),)
    publish = f"aws lambda publish-layer-version --layer-name {zipped.name} --zip-file fileb://{shlex.quote(zipped.path)}"
    compatible = f"--compatible-runtimes {zipped.runtime} --compatible-architectures {zipped.architecture}"
    return (Line("ok", f"a layer {platform}", phases), Line("note", f"{publish} {compatible}"))


def _plan_lines(plan: events.Planned) -> tuple[Line, ...]:
    drift = drift_lines(plan)
    settings = [Line("note", row) for row in tables.settings(plan.settings)]
    if not plan.changes:
        return (*settings, Line("ok", f"nothing to change on {plan.location}"), *drift)
    changes = change_lines(line for line in plan.lines if line.verb not in ("keep", "drift"))
    return (*settings, Line("plain", f"on {plan.location}:"), *changes, *drift, *access_lines(plan), *cost_lines(plan))


def change_lines(lines: Iterable[events.PlannedLine]) -> list[Line]:
    """Return planned changes as the rows of a table."""
    changes = tuple(lines)
    texts = tables.align_left([(line.what,) for line in changes], padded=True)
    return [Line(line.verb, text if line.detail else line.what, line.detail) for line, text in zip(changes, texts, strict=True)]


def drift_lines(plan: events.Planned) -> list[Line]:
    """Return what was changed by hand."""
    return [Line("warn", f"drift: {line.what}", line.detail) for line in plan.lines if line.verb == "drift"]


def access_lines(plan: events.Planned) -> list[Line]:
    """Return who can call the URL after this plan."""
    if not plan.access:
        return []
    return [Line("note", ACCESS[plan.access], "new: deploy asks first, unless you pass --yes" if plan.opens else "")]


def cost_lines(plan: events.Planned) -> list[Line]:
    """Return what requests cost after this plan."""
    cost = plan.cost
    if cost is None:
        return []
    request = f"{cost.duration_ms} ms at {cost.memory_mb} MB"
    excluded = f" without {' and '.join(cost.excludes)}" if cost.excludes else ""
    note = f"an estimate{excluded}; the first {cost.free_requests:,} a month are free"
    return [Line("note", f"about ${cost.usd_per_million:.2f} per million requests of {request}", note)]


def _running_lines(running: events.LocalRunning) -> tuple[Line, ...]:
    what = "started the local Lambda" if running.started else "the local Lambda is already running"
    lines = [Line("ok", what, f"pid {running.pid}, sandbox: {running.sandbox}, rules of {running.as_of}")]
    if running.network != "own":
        text = f"functions reach what listens on this machine's loopback: their network is {running.network}"
        lines.append(Line("note", text))
    option = _state_option(running.state)
    lines.append(Line("note", f'eval "$(lambent local env{option})" points aws, boto3 and other tools at it'))
    return (*lines, Line("note", f"lambent local stop{option} stops it; functions and roles are kept"))


def _state_option(state: str) -> str:
    return f" --state {shlex.quote(state)}" if state else ""


def _vendored_lines(vendored: events.Vendored) -> tuple[Line, ...]:
    return (
        Line("ok", f"copied {count(vendored.files, 'file')}", "Python 3.8 or newer, no dependencies"),
        Line("note", "from lambent_runtime.compat import Mangum", "replaces: from mangum import Mangum"),
        Line(
            "note",
            "from lambent_runtime.compat import make_lambda_handler",
            "replaces: from apig_wsgi import make_lambda_handler",
        ),
    )


def _completion_lines(changed: events.CompletionChanged) -> tuple[Line, ...]:
    if not changed.installed:
        texts = (file if file == changed.script else f"the completion from {file}" for file in changed.files)
        return tuple(Line("ok", f"removed {text}") for text in texts) or (
            Line("ok", f"there is no completion for {changed.shell}"),
        )
    lines = [Line("ok", f"wrote {file}") for file in changed.files] or [Line("ok", "completion is already installed")]
    now = "" if changed.shell == "fish" else f"; in this one: . {shlex.quote(changed.script)}"
    undo = Line("note", f"lambent completion {changed.shell} --uninstall removes it")
    return (*lines, Line("note", f"Tab completes lambent in new shells{now}"), undo)


def _deployed_lines(deployed: events.Deployed) -> tuple[Line, ...]:
    spent = seconds(deployed.seconds)
    if not deployed.changed:
        return (Line("ok", f"unchanged: version {deployed.version} is live", spent),)
    if not deployed.url:
        return (Line("ok", f"version {deployed.version} is live", f"{spent}; it has no URL: nothing is public"),)
    local = (urlsplit(deployed.url).hostname or "").endswith(".localhost")  # this machine, by RFC 6761
    access = "signed" if not deployed.public else "local" if local else "public"
    return (Line("ok", f"version {deployed.version} is live", f"{spent}; {ACCESS[access]}"),)
