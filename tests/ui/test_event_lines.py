"""Events to words, errors to our one form."""

from __future__ import annotations

import json

import pytest

from lambent import events, units
from lambent.errors import LambentError, UsageError
from lambent.ui import choose, failure, jsonlines, lines, plain, tables


def test_an_error_says_what_where_and_what_to_try() -> None:
    error = UsageError(
        "memory must be between 128 and 10240 MB, got 100",
        where="pyproject.toml [tool.lambent] memory",
        hint="memory = 128",
    )
    assert failure.text(error) == (
        "error: memory must be between 128 and 10240 MB, got 100\n"
        "  at   pyproject.toml [tool.lambent] memory\n"
        "  try  memory = 128"
    )


def test_a_hint_of_several_lines_stays_in_its_column_and_detail_is_set_apart() -> None:
    error = LambentError("no app", hint="one\ntwo", detail="Traceback\n\n  boom\n")
    assert failure.text(error) == "error: no app\n  try  one\n       two\n\n  | Traceback\n  |\n  |   boom"


def test_a_bug_report_leaves_the_values_of_env_out(capsys: pytest.CaptureFixture[str]) -> None:
    failure.bug(ValueError("boom"), ["deploy", "--env", "KEY=hunter2", "--env=OTHER=hunter2", "-e", "K=hunter2"])
    shown = capsys.readouterr().err
    assert "bug: ValueError: boom" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_400, "3.4 kB"), (9_910_000, "9.9 MB")]
)
def test_sizes(count: int, words: str) -> None:
    assert units.size(count) == words


@pytest.mark.parametrize(("spent", "words"), [(0.0121, "12 ms"), (3.44, "3.4 s")])
def test_durations(spent: float, words: str) -> None:
    assert units.seconds(spent) == words


def test_plain_prints_progress_on_stderr_and_only_the_url_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    plain.show(events.Built("/x.zip", 1200, 5000, 3, 0.01))
    plain.show(events.Deployed("http://u/", "1", True, 2.0))
    shown = capsys.readouterr()
    assert shown.out == "http://u/\n"
    assert "built 1.2 kB  (5.0 kB unpacked, 3 files, 10 ms)" in shown.err
    assert "whoever has this URL can call it" in shown.err


def test_a_name_with_control_characters_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[31m\r\nb"
    plain.show(events.Notice(f"left out: {name}"))
    plain.show(events.FilesListed((events.FileSize(name, "your files", 1, 1),)))
    failure.show(LambentError("a secret", where=name))
    told = capsys.readouterr().err
    assert "\x1b" not in told and "\r" not in told
    assert "left out: a\\x1b[31m\\r\nb" in told and "a\\x1b[31m\\r\\nb  (your files)" in told
    assert "at   a\\x1b[31m" in told


def test_a_local_url_is_not_called_public(capsys: pytest.CaptureFixture[str]) -> None:
    plain.show(events.Deployed("http://id.lambda-url.us-east-1.localhost:4580/", "1", True, 2.0))
    assert "reachable from this machine only" in capsys.readouterr().err


def test_a_plan_shows_what_changes_and_not_what_is_kept() -> None:
    plan = events.Planned("the local Lambda", (events.PlannedLine("create", "role a"), events.PlannedLine("keep", "b")), 1)
    assert [line.text for line in lines.lines(plan)] == ["on the local Lambda:", "create role a"]


def test_a_value_of_several_lines_stays_in_its_row() -> None:
    assert tables.settings((events.Setting("env.A", "a\nb", "--env"),), every=True) == ["env.A  a\\nb  (--env)"]


def test_jsonlines_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with choose.reporter(as_json=True) as emit:
        emit(events.Planned("x", (events.PlannedLine("create", "role a"),), 1))
        emit(events.Answered("http://u/", 200, 0.5))
    jsonlines.fail(LambentError("no", hint="yes"), 4)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in told] == ["Planned", "Answered", "Failed"]
    assert told[0]["lines"] == [{"verb": "create", "what": "role a", "detail": ""}]
    assert told[2]["exit_code"] == 4


def test_a_canary_is_told_of_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    shown = plain.Plain()
    for left in range(300, -1, -5):
        shown.show(events.CanaryProgress("7", 0.1, float(left), 300 - left, 2 if left <= 20 else 0))
    assert capsys.readouterr().err.splitlines() == [
        "      10 % to version 7: 75 requests, 0 errors, 225 s left",
        "      10 % to version 7: 150 requests, 0 errors, 150 s left",
        "      10 % to version 7: 225 requests, 0 errors, 75 s left",
        "      10 % to version 7: 280 requests, 2 errors, 20 s left",
    ]
    shown.show(events.StepStarted("canary: 10%/2h"))
    for left in range(7200, -1, -60):
        shown.show(events.CanaryProgress("8", 0.1, float(left), 0, 0))
    assert len(capsys.readouterr().err.splitlines()) == 24, "every five minutes"
