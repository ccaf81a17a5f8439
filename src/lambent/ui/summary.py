"""The lines of a command's events: as a summary, with every step (`--verbose`), or none but the result (`--quiet`).

A summary tells the app and its runtime in one line, and the packages and the size in another. It leaves out steps that go well,
and what every deploy does.
"""

from __future__ import annotations

from lambent import events, log_events
from lambent.events import Event
from lambent.ui.detail import Detail
from lambent.ui.event_lines import Line, access_lines, change_lines, cost_lines, drift_lines, event_lines
from lambent.units import count, seconds, size

_REPEATED = log_events.Invoked | events.SizesListed | events.FilesListed
"""Events whose lines may be equal."""
_ENDS = events.Deployed | events.Destroyed | events.Packed
"""Events after which the lines of before may come again."""


class Summary:
    """The lines of one command. Those of a deploy never come twice, however often it plans."""

    def __init__(self, detail: Detail) -> None:
        self._detail = detail
        self._app: events.Detected | None = None
        self._packages: events.Resolved | None = None
        self._shown: set[Line] = set()

    def lines(self, event: Event) -> list[Line]:
        """Return the lines to show for an event. Some wait for the next event, which completes them."""
        if self._detail == "result":
            return []
        lines = list(event_lines(event) if self._detail == "steps" else self._summarize(event))
        if not isinstance(event, _REPEATED):
            lines = [line for line in dict.fromkeys(lines) if line not in self._shown]
            self._shown.update(lines)
        if isinstance(event, _ENDS):
            self._shown.clear()
        return lines

    @property
    def waiting(self) -> str:
        """What the line says that still waits, "" if there is none."""
        return next((line.text for line in self._waiting()), "")

    def rest(self) -> list[Line]:
        """Return the lines that still wait when the command ends."""
        lines = self._waiting()
        self._app = self._packages = None
        return lines

    def _waiting(self) -> list[Line]:
        waiting = [event for event in (self._app, self._packages) if event is not None]
        return [line for event in waiting for line in event_lines(event)] if self._detail != "result" else []

    def _summarize(self, event: Event) -> list[Line]:
        match event:
            case events.Detected():
                self._app = event
            case events.RuntimeChosen():
                return self._app_lines(event)
            case events.Resolved():
                self._packages = event
            case events.Built():
                return self._size_lines(event)
            case events.Planned(settings=()):
                return _short_plan(event)
            case events.FileWritten() | events.Question():
                return [*self.rest(), *event_lines(event)]
            case events.StepDone() | events.Fetched() | events.Answered():
                pass
            case _:
                return list(event_lines(event))
        return []

    def _app_lines(self, chosen: events.RuntimeChosen) -> list[Line]:
        app, self._app = self._app, None
        if app is None:  # another runtime, after the app has failed on the first
            return list(event_lines(chosen))
        note = ", ".join(part for part in (app.kind, app.source) if part)
        return [Line("ok", f"app {app.app} on {chosen.runtime}", "; ".join(part for part in (note, chosen.reason) if part))]

    def _size_lines(self, built: events.Built) -> list[Line]:
        packages, self._packages = self._packages, None
        text = f"{count(packages.packages, 'package')} from {packages.source}" if packages else "no packages"
        note = f"{size(built.raw)} unpacked, {count(built.files, 'file')}, {seconds(built.seconds)}"
        return [Line("ok", f"{text}, {size(built.zipped)}", note)]


def _short_plan(plan: events.Planned) -> list[Line]:
    """Return what a plan changes, without what every deploy does, and what it costs if it is about to be asked."""
    lines = change_lines(line for line in plan.lines if line.verb not in ("keep", "drift") and not line.routine)
    costs = [*access_lines(plan), *cost_lines(plan)] if plan.opens else []
    heading = [Line("plain", f"on {plan.location}:")] if plan.changes and (lines or costs) else []
    return [*heading, *(lines if plan.changes else ()), *costs, *drift_lines(plan)]
