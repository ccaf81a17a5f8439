"""What a command shows unless it is asked for every step."""

from __future__ import annotations

import io

import click
import pytest
from rich.console import Console

from lambent import events
from lambent.events import Event, PlannedLine
from lambent.ui import style
from lambent.ui.detail import DETAIL, Detail
from lambent.ui.event_lines import Line
from lambent.ui.reporter import reporter
from lambent.ui.summary import Summary
from lambent.ui.terminal import styled

CHANGES = (
    PlannedLine("keep", "role shop"),
    PlannedLine("update", "code", "2 files"),
    PlannedLine("delete", "environment variable OLD", "nothing sets it any more"),
    PlannedLine("check", "new version", "must respond", routine=True),
)
DEPLOY: tuple[Event, ...] = (
    events.Detected("app:app", "wsgi", "app.py, line 3"),
    events.RuntimeChosen("python3.13", "newest that AWS supports"),
    events.Resolved(15, "requirements.txt", False, 1.0),
    events.Fetched(15, 1, 1.0),
    events.Built("/x.zip", 1_900_000, 5_000_000, 300, 2.0),
    events.Planned("account 1 in eu-west-1", CHANGES, 2),
    events.StepDone("upload code", 1.0),
    events.Answered("https://u/", 200, 0.1),
    events.Deployed("https://u/", "2", True, 4.0),
)


def shown(detail: Detail, *seen: Event) -> list[str]:
    summary = Summary(detail)
    lines = [line for event in seen for line in summary.lines(event)]
    return [f"{line.text}  ({line.note})" if line.note else line.text for line in (*lines, *summary.rest())]


def test_a_deploy_takes_six_lines() -> None:
    assert shown("summary", *DEPLOY) == [
        "app app:app on python3.13  (wsgi, app.py, line 3; newest that AWS supports)",
        "15 packages from requirements.txt, 1.9 MB  (5.0 MB unpacked, 300 files, 2.0 s)",
        "on account 1 in eu-west-1:",
        "code                      (2 files)",
        "environment variable OLD  (nothing sets it any more)",
        "version 2 is live  (4.0 s; public: anyone with this URL can call it)",
    ]


def test_verbose_shows_every_step_and_quiet_none() -> None:
    steps = shown("steps", *DEPLOY)
    assert {"upload code  (1.0 s)", "the URL answers with status 200  (100 ms)"} < set(steps)
    assert any(line.startswith("new version ") for line in steps) and not any("role shop" in line for line in steps)
    assert shown("result", *DEPLOY) == []


def test_the_same_line_never_comes_twice_in_a_deploy() -> None:
    warned = events.Warned("no role", "wait")
    assert shown("summary", warned, DEPLOY[5], warned, DEPLOY[5]) == shown("summary", warned, DEPLOY[5])
    assert shown("summary", warned, DEPLOY[-1], warned).count("no role  (try wait)") == 2, "the next deploy of `lambent dev`"


def test_lines_that_wait_are_shown_if_an_error_ends_the_command() -> None:
    assert shown("summary", DEPLOY[0]) == ["app app:app  (wsgi, app.py, line 3)"]
    assert shown("summary", *DEPLOY[:3])[1:] == ["15 packages from requirements.txt  (1.0 s)"]


def test_a_question_is_asked_with_access_and_cost() -> None:
    cost = events.Cost(1.87, 1_000_000, 100, 1024, "x86_64")
    create = PlannedLine("create", "function shop", "python3.13")
    lines = shown("summary", events.Planned("account 1", (create,), 1, "public", True, 1, 1, cost))
    assert [line.split("  ")[0] for line in lines] == [
        "on account 1:",
        "function shop",
        "public: anyone with this URL can call it",
        "about $1.87 per million requests of 100 ms at 1024 MB",
    ]
    assert not any("public:" in line for line in shown("summary", events.Planned("account 1", (create,), 1, "public")))


@pytest.mark.parametrize(
    ("encoding", "marks"), [("utf-8", "✓ − warning: "), ("ascii", "ok - warning: "), ("cp437", "ok - warning: ")]
)
def test_marks_fit_the_stream(encoding: str, marks: str) -> None:
    assert style.mark("ok", encoding) + style.mark("delete", encoding) + style.mark("warn", encoding) == marks


def test_quiet_prints_only_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("deploy")) as context:
        context.meta[DETAIL] = "result"
        with reporter(as_json=False) as emit:
            for event in DEPLOY:
                emit(event)
    assert capsys.readouterr() == ("https://u/\n", "")


def test_deletions_are_red_at_a_terminal() -> None:
    screen = io.StringIO()
    Console(file=screen, force_terminal=True, color_system="standard").print(styled(Line("delete", "URL u"), "utf-8"))
    assert "\x1b[31m− \x1b[0m\x1b[31mURL u" in screen.getvalue()
