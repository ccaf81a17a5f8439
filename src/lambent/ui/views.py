"""Settings, versions, one app or all apps, as the text that read-only commands print. Pure, except for the time zone."""

from __future__ import annotations

from datetime import datetime

from lambent import events, status_events
from lambent.ui import tables
from lambent.ui.sanitize import sanitize_line
from lambent.units import count

_SUBJECT_WIDTH = 44
_ACCESS = {"public": "anyone can call it", "signed": "signed requests only", "local": "from this machine only", "": ""}

View = events.Configured | status_events.Versions | status_events.Status | status_events.Apps | status_events.EnvironmentListed


def view(event: View) -> str:
    match event:
        case events.Configured():
            lines = tables.settings(event.settings, defaults=True)
        case status_events.Versions():
            lines = _version_lines(event)
        case status_events.Status():
            lines = _status_lines(event)
        case status_events.Apps():
            lines = _app_lines(event)
        case status_events.EnvironmentListed():
            lines = _variable_lines(event)
    return "\n".join(lines)


def _version_lines(event: status_events.Versions) -> list[str]:
    heading = ("", "version", "published", "by", "commit", "", "changes")
    rows = [
        (
            _state(version),
            version.version,
            local_time(version.published),
            sanitize_line(version.by),
            _commit(version),
            sanitize_line(_shorten(version.subject)),
            version.notes,
        )
        for version in event.versions
    ]
    used = [index for index, column in enumerate(zip(*rows, strict=True)) if any(column) or index < 3] if rows else range(3)
    return tables.align_left([tuple(row[index] for index in used) for row in (heading, *rows)])


def _state(version: status_events.Version) -> str:
    share = version.share
    return "live" if share == 1 else f"{share:.0%}" if share else "failed" if version.failed else ""


def _commit(version: status_events.Version | status_events.Status) -> str:
    return f"{version.commit}-dirty" if version.dirty else version.commit


def _shorten(text: str) -> str:
    return text if len(text) <= _SUBJECT_WIDTH else f"{text[: _SUBJECT_WIDTH - 1]}…"


def local_time(text: str) -> str:
    """Return a time in ISO 8601, such as AWS's "2025-11-25T02:43:27.000+0000", in local time: "2025-11-25 03:43"."""
    try:
        return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return text[:16].replace("T", " ")  # of an endpoint that writes it in another way


def _status_lines(app: status_events.Status) -> list[str]:
    rows = [
        ("app", app.app, f"on {app.location}"),
        ("url", app.url or "none", _ACCESS[app.access]),
        *([("from", app.origin, "")] if app.origin else []),
        (
            "live",
            f"version {app.version}" if app.version else "none",
            _published(app),
        ),
        *([("commit", _commit(app), sanitize_line(app.subject))] if app.commit else []),
        *([("unfinished", app.unfinished, "")] if app.unfinished else []),
        ("versions", str(app.versions), ""),
        ("runtime", app.runtime, f"AWS supports it until {app.ends}" if app.ends else ""),
        ("machine", app.architecture, f"{app.memory_mb} MB, {app.timeout_s} s"),
        ("log", app.log_group or "none", _retention(app)),
    ]
    rows += [(f"last {app.activity.minutes} min", *_activity(app.activity))] if app.activity else []
    rows += [("drift", line.what, line.detail) for line in app.drift]
    return tables.align_left([(name, value, f"({note})" if note else "") for name, value, note in rows])


def _published(app: status_events.Status) -> str:
    if not app.version:
        return ""
    by = f" by {sanitize_line(app.by)}" if app.by else ""
    return f"published {local_time(app.published)}{by}"


def _retention(app: status_events.Status) -> str:
    if not app.log_group:
        return ""
    return f"kept for {count(app.retention_days, 'day')}" if app.retention_days else "kept forever"


def _activity(log: status_events.LogSummary) -> tuple[str, str]:
    """Return the counts of a log, and its last failure."""
    if not log.invocations and not log.failures:
        return "no requests", ""
    at_least = "at least " if log.more else ""
    counts = f"{count(log.invocations, 'request')}, {count(log.cold, 'cold start')}, {log.failures} failed"
    return at_least + counts, f"{log.last_failure}; lambent logs --errors" if log.failures else ""


def _app_lines(event: status_events.Apps) -> list[str]:
    if not event.apps:
        return [f"lambent has deployed no apps on {event.location}"]
    heading = ("app", "live", "runtime", "memory", "changed", "url", "")
    rows = [
        (
            app.app,
            app.version or "none",
            app.runtime,
            f"{app.memory_mb} MB",
            local_time(app.modified),
            app.url or "none",
            f"({_ACCESS[app.access]})" if app.access else "",
        )
        for app in event.apps
    ]
    return tables.align_left([heading, *rows])


def _variable_lines(event: status_events.EnvironmentListed) -> list[str]:
    if not event.variables:
        return [f"{event.app} has no environment variables of its own"]
    rows = [(each.name, sanitize_line(each.value) or '""', f"({sanitize_line(each.origin)})") for each in event.variables]
    return tables.align_left(rows)
