"""What a command that only looks was run for, as text: settings, versions, one app, all apps. Pure."""

from __future__ import annotations

from lambent import events
from lambent.ui import tables
from lambent.units import count, size

_ACCESS = {"public": "anyone may call it", "signed": "signed requests only", "local": "from this machine only", "": ""}

View = events.Configured | events.Versions | events.Status | events.Apps


def view(event: View) -> str:
    match event:
        case events.Configured():
            return "\n".join(tables.settings(event.settings, every=True))
        case events.Versions():
            return "\n".join(_versions(event))
        case events.Status():
            return "\n".join(_status(event))
        case events.Apps():
            return "\n".join(_apps(event))


def _versions(found: events.Versions) -> list[str]:
    heading = ("", "version", "published", "code", "size", "runtime", "memory", "")
    rows = [
        (
            _share(row.share),
            row.version,
            when(row.published),
            row.sha256[:8],
            size(row.size),
            row.runtime,
            f"{row.memory_mb} MB",
            row.notes,
        )
        for row in found.versions
    ]
    return tables.left([heading, *rows])


def _share(share: float) -> str:
    return "live" if share == 1 else f"{share:.0%}" if share else ""


def when(text: str) -> str:
    """AWS's "2025-11-25T02:43:27.000+0000" to the second, and in UTC as it is."""
    return text[:19].replace("T", " ") if text else ""


def _status(app: events.Status) -> list[str]:
    rows = [
        ("app", app.app, f"on {app.location}"),
        ("url", app.url or "none", _ACCESS[app.access]),
        (
            "live",
            f"version {app.version}" if app.version else "none",
            f"published {when(app.published)}" if app.version else "",
        ),
        ("versions", str(app.versions), ""),
        ("runtime", app.runtime, f"AWS supports it until {app.ends}" if app.ends else ""),
        ("machine", app.architecture, f"{app.memory_mb} MB, {app.timeout_s} s"),
        ("log", app.log_group or "none", _kept(app)),
    ]
    rows += [(f"last {app.activity.minutes} min", *_heard(app.activity))] if app.activity else []
    rows += [("drift", line.what, line.detail) for line in app.drift]
    return tables.left([(first, second, f"({third})" if third else "") for first, second, third in rows])


def _kept(app: events.Status) -> str:
    if not app.log_group:
        return ""
    return f"kept {app.retention_days} days" if app.retention_days else "kept for ever"


def _heard(heard: events.LogSummary) -> tuple[str, str]:
    more = "at least " if heard.more else ""
    if not heard.invocations and not heard.failures:
        return "no invocations", ""
    told = f"{more}{count(heard.invocations, 'invocation')}, {count(heard.cold, 'cold start')}, {heard.failures} failed"
    return told, heard.last_failure


def _apps(found: events.Apps) -> list[str]:
    if not found.apps:
        return [f"lambent made no app on {found.location}"]
    heading = ("app", "live", "runtime", "memory", "changed", "url", "")
    rows = [
        (
            app.app,
            app.version or "none",
            app.runtime,
            f"{app.memory_mb} MB",
            when(app.modified),
            app.url or "none",
            f"({_ACCESS[app.access]})" if app.access else "",
        )
        for app in found.apps
    ]
    return tables.left([heading, *rows])
