"""Events and errors as text, in plain form and as JSON lines."""

from __future__ import annotations

import json

import pytest

from lambent import events, units
from lambent.errors import LambentError, UsageError
from lambent.ui import errors, jsonlines, plain, tables
from lambent.ui.event_lines import event_lines
from lambent.ui.reporter import reporter


def test_an_error_says_what_where_and_what_to_try() -> None:
    error = UsageError(
        "memory must be between 128 and 10240 MB, got 100",
        where="pyproject.toml [tool.lambent] memory",
        hint="memory = 128",
    )
    assert errors.format_error(error) == (
        "error: memory must be between 128 and 10240 MB, got 100\n"
        "  at   pyproject.toml [tool.lambent] memory\n"
        "  try  memory = 128"
    )


def test_the_lines_of_a_hint_are_aligned_and_details_are_indented() -> None:
    error = LambentError("no app", hint="one\ntwo", detail="Traceback\n\n  boom\n")
    assert errors.format_error(error) == "error: no app\n  try  one\n       two\n\n  | Traceback\n  |\n  |   boom"


def test_a_bug_report_hides_the_values_of_env(capsys: pytest.CaptureFixture[str]) -> None:
    errors.print_bug_report(ValueError("boom"), ["deploy", "--env", "KEY=hunter2", "--env=OTHER=hunter2", "-e", "K=hunter2"])
    output = capsys.readouterr().err
    assert "bug: ValueError: boom" in output
    assert "hunter2" not in output


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_400, "3.4 kB"), (9_910_000, "9.9 MB"), (2_140_000_000, "2.1 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert units.size(count) == text


@pytest.mark.parametrize(("spent", "text"), [(0.0121, "12 ms"), (3.44, "3.4 s")])
def test_durations(spent: float, text: str) -> None:
    assert units.seconds(spent) == text


def test_plain_prints_progress_on_stderr_and_only_the_url_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    plain.print_event(events.Built("/x.zip", 1200, 5000, 3, 0.01))
    plain.print_event(events.Deployed("http://u/", "1", True, 2.0))
    output = capsys.readouterr()
    assert output.out == "http://u/\n"
    assert "built 1.2 kB  (5.0 kB unpacked, 3 files, 10 ms)" in output.err
    assert "anyone with this URL can call it" in output.err


def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[31m\r\nb"
    plain.print_event(events.Notice(f"skipped: {name}"))
    plain.print_event(events.FilesListed((events.FileSize(name, "your files", 1, 1),)))
    errors.print_error(LambentError("a secret", where=name))
    output = capsys.readouterr().err
    assert "\x1b" not in output and "\r" not in output
    assert "skipped: a\\x1b[31m\\r\nb" in output and "a\\x1b[31m\\r\\nb  (your files)" in output
    assert "at   a\\x1b[31m" in output


def test_a_local_url_is_not_called_public(capsys: pytest.CaptureFixture[str]) -> None:
    plain.print_event(events.Deployed("http://id.lambda-url.us-east-1.localhost:4580/", "1", True, 2.0))
    assert "reachable only from this machine" in capsys.readouterr().err


def test_a_plan_shows_changes_but_not_what_is_kept() -> None:
    plan = events.Planned("the local Lambda", (events.PlannedLine("create", "role a"), events.PlannedLine("keep", "b")), 1)
    assert [line.text for line in event_lines(plan)] == ["on the local Lambda:", "role a"]


def test_a_value_of_several_lines_stays_in_its_row() -> None:
    assert tables.settings((events.Setting("env.A", "a\nb", "--env"),), defaults=True) == ["env.A  a\\nb  (--env)"]


def test_json_output_is_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    with reporter(as_json=True) as emit:
        emit(events.Planned("x", (events.PlannedLine("create", "role a"),), 1))
        emit(events.Answered("http://u/", 200, 0.5))
    jsonlines.print_error(LambentError("no", hint="yes"), 4)
    planned, answered, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["event"] for line in (planned, answered, failed)] == ["Planned", "Answered", "Failed"]
    assert planned["lines"] == [{"verb": "create", "what": "role a", "detail": "", "routine": False}]
    assert failed["exit_code"] == 4


def test_plain_output_shows_a_canary_at_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    output = plain.Plain()
    for left in range(300, -1, -5):
        output.show(events.CanaryProgress("7", 0.1, float(left), 300 - left, 2 if left <= 20 else 0))
    assert capsys.readouterr().err.splitlines() == [
        "  version 7 gets 10% of the traffic: 75 requests, 0 errors, 225 s left",
        "  version 7 gets 10% of the traffic: 150 requests, 0 errors, 150 s left",
        "  version 7 gets 10% of the traffic: 225 requests, 0 errors, 75 s left",
        "  version 7 gets 10% of the traffic: 280 requests, 2 errors, 20 s left",
    ]
    output.show(events.StepStarted("canary: 10%/2h"))
    for left in range(7200, -1, -60):
        output.show(events.CanaryProgress("8", 0.1, float(left), 0, 0))
    assert len(capsys.readouterr().err.splitlines()) == 24, "every five minutes"
