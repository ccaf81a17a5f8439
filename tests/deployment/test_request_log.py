"""A log, grouped into requests: text and JSON, several environments at once, tracebacks, and what belongs to no request."""

from __future__ import annotations

import json

from lambent.aws.values import LogEvent
from lambent.deployment.log_records import Record, parse_record
from lambent.deployment.request_log import RequestLog
from lambent.log_events import LoggedLine, LoggedRequest

ID = "3e4a9d1c-1111-4222-8333-444444444444"
START = f"START RequestId: {ID} Version: 7\n"
END = f"END RequestId: {ID}\n"
REPORT = f"REPORT RequestId: {ID}\tDuration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 512 MB\tMax Memory Used: 87 MB\t\n"
COLD = REPORT.rstrip() + "\tInit Duration: 412.50 ms\t\n"
INIT = "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:1\n"


def grouped(*lines: str, stream: str = "2026/11/30/[7]a") -> list[LoggedRequest]:
    requests = RequestLog()
    complete = list(requests.add(LogEvent("", stream, number, line) for number, line in enumerate(lines)))
    return [*complete, *requests.rest()]


def test_a_request_is_one_value() -> None:
    assert grouped(INIT, "importing\n", START, "lambent: GET /a%20b\n", "hello\n", "lambent: status 404\n", END, COLD) == [
        LoggedRequest(
            *(ID, 2, "", "7", "GET", "/a%20b", 404, "", 12.3, 87, 512, 412.5),
            lines=(LoggedLine(1, "", "importing"), LoggedLine(4, "", "hello")),
        )
    ]
    (plain,) = grouped(START, "lambent: POST /x\n", END, REPORT)
    assert (plain.status, plain.failed, plain.init_ms) == (200, False, None)


def test_an_invocation_that_is_no_request_has_no_status() -> None:
    (event,) = grouped(START, END, REPORT)
    assert (event.method, event.status, event.failed, event.complete) == ("", 0, False, True)


def test_a_command_of_lambent_run_is_shown_by_its_name() -> None:
    (command,) = grouped(START, "lambent: run alembic\n", "lambent: alembic ended with status 1\n", END, REPORT)
    assert (command.method, command.path, command.status, command.failed) == ("run", "alembic", 0, False)
    assert [line.text for line in command.lines] == ["lambent: alembic ended with status 1"]


def test_failures_of_the_function_are_answered_with_502() -> None:
    timed_out = REPORT.rstrip() + "\tStatus: timeout\n"
    line = f"2026-11-30T06:00:00.000Z {ID} Task timed out after 1.00 seconds\n\n"
    (request,) = grouped(START, "lambent: GET /slow", line, END, timed_out)
    assert (request.status, request.failure, request.failed) == (502, "timeout", True)
    assert request.lines == (LoggedLine(2, "error", "Task timed out after 1.00 seconds"),)
    exited = REPORT.rstrip() + "\tStatus: error\tError Type: Runtime.ExitError\n"
    said = f"RequestId: {ID} Error: Runtime exited with error: exit status 3\n"
    (ended,) = grouped(START, "lambent: GET /x", said, "\n", END, exited)
    assert ended.failure == "Runtime.ExitError"
    assert ended.lines == (LoggedLine(2, "error", "Runtime exited with error: exit status 3"),)


def test_environments_that_log_at_the_same_time_are_kept_apart() -> None:
    requests = RequestLog()
    lines = [("a", START), ("b", START.replace("3e4a", "ffff")), ("a", "of a"), ("b", "of b"), ("b", REPORT), ("a", REPORT)]
    second, first = requests.add(LogEvent("", f"2026/11/30/[7]{stream}", 0, line) for stream, line in lines)
    assert [line.text for line in first.lines] == ["of a"] and [line.text for line in second.lines] == ["of b"]
    assert first.request_id == ID


def test_the_traceback_of_aws_is_in_python_s_order() -> None:
    frame = '\xa0\xa0File "/var/task/m.py", line 1, in f\r\xa0\xa0\xa0\xa0g()\r'
    text = f"[ERROR] ValueError: no\rTraceback (most recent call last):\r{frame}"
    (request,) = grouped(START, text, REPORT)
    expected = 'Traceback (most recent call last):\n  File "/var/task/m.py", line 1, in f\n    g()\nValueError: no'
    assert request.lines == (LoggedLine(1, "error", expected),) and request.failed
    caused = parse_record(text.rstrip("\r") + "\nCaused by KeyError: 'a'\n  File \"n.py\", line 2, in h")
    assert caused and caused.text == f"{expected}\nCaused by KeyError: 'a'\n  File \"n.py\", line 2, in h"


def test_a_traceback_that_was_printed_line_by_line_is_whole() -> None:
    printed = (
        *(
            "Traceback (most recent call last):\n",
            '  File "/var/task/m.py", line 1, in f\n',
            "    g()\n",
            "KeyError: 1\n",
            "\n",
        ),
        *("During handling of the above exception, another exception occurred:\n", "\n"),
        *("Traceback (most recent call last):\n", '  File "/var/task/m.py", line 3, in f\n', "ValueError: two\n"),
    )
    (request,) = grouped(START, "before", *printed, "after", REPORT)
    assert [line.text for line in request.lines] == ["before", "".join(printed).rstrip("\n"), "after"]
    assert [line.level for line in request.lines] == ["", "error", ""] and request.failed


def test_lines_of_logging_lose_what_the_heading_says() -> None:
    python = parse_record(f"[WARNING]\t2026-11-30T06:00:00.000Z\t{ID}\tcareful\n")
    assert python == Record("line", request_id=ID, level="warning", text="WARNING careful")
    node = parse_record(f"2026-11-30T06:00:00.000Z\t{ID}\tERROR\tboom\n")
    assert node == Record("line", request_id=ID, level="error", text="ERROR boom")
    assert parse_record("ERROR:    Exception in ASGI application") == Record(
        "line", level="error", text="ERROR:    Exception in ASGI application"
    )


def test_json_logs() -> None:
    start = f'{{"time":"2026-11-30T06:00:00.000Z","type":"platform.start","record":{{"requestId":"{ID}","version":"7"}}}}'
    access = f'{{"timestamp":"…","level":"INFO","message":"lambent: GET /x","requestId":"{ID}"}}'
    error = {"errorType": "KeyError", "errorMessage": "1", "stackTrace": ['  File "m.py", line 1, in f\n']}
    line = json.dumps({"level": "ERROR", "message": "no luck", "logger": "root", "order": 12, "requestId": ID, **error})
    metrics = '{"durationMs":5.5,"memorySizeMB":512,"maxMemoryUsedMB":80,"initDurationMs":300.0}'
    report = f'{{"type":"platform.report","record":{{"requestId":"{ID}","status":"success","metrics":{metrics}}}}}'
    (request,) = grouped(start, access, line, '{"an": "object"}', "text", report)
    assert (request.method, request.path, request.status, request.duration_ms) == ("GET", "/x", 200, 5.5)
    assert (request.used_mb, request.memory_mb, request.init_ms, request.failed) == (80, 512, 300, True)
    traceback = 'ERROR no luck order=12\nTraceback (most recent call last):\n  File "m.py", line 1, in f\nKeyError: 1'
    assert [entry.text for entry in request.lines] == [traceback, '{"an": "object"}', "text"]


def test_lines_outside_of_a_request_have_no_id() -> None:
    loose, request = grouped("from a thread", START, "own", REPORT)
    assert (loose.request_id, loose.lines) == ("", (LoggedLine(0, "", "from a thread"),))
    assert [line.text for line in request.lines] == ["own"]


def test_a_log_that_begins_or_ends_within_a_request() -> None:
    (tail,) = grouped("the end of it", REPORT)
    assert (tail.request_id, tail.complete, len(tail.lines)) == (ID, True, 1)
    (head,) = grouped(START, "lambent: GET /x", "so far")
    assert (head.request_id, head.complete, head.path, head.status) == (ID, False, "/x", 0)


def test_a_long_request_is_shown_before_it_is_complete() -> None:
    requests = RequestLog()
    add = lambda now, *lines: list(requests.add([LogEvent("", "[7]", 5, line) for line in lines], now))  # noqa: E731
    assert add(10, START, "lambent: GET /slow", "one") == [] and list(requests.overdue(9.5)) == []
    (first,) = requests.overdue(10)
    assert (first.complete, first.continues, [line.text for line in first.lines]) == (False, False, ["one"])
    assert list(requests.overdue(20)) == []
    (end,) = add(30, "Traceback (most recent call last):", "KeyError: 1", REPORT)
    assert (end.complete, end.continues, end.failed, len(end.lines)) == (True, True, True, 1)


def test_advice_that_awss_clients_log_before_an_exception_is_left_out() -> None:
    advice = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code."
    assert parse_record(f"[WARNING]\t2026-11-30T06:00:00.000Z\t\t{advice}\r\n") is None
    assert parse_record(json.dumps({"level": "WARNING", "message": advice})) is None


def test_error_of_a_start_that_lambda_repeats_is_shown_once() -> None:
    error = "[ERROR] KeyError: 'blue'\rTraceback (most recent call last):\r\u00a0\u00a0File \"/var/task/app.py\", line 3\r\n"
    report = "INIT_REPORT Init Duration: 56.23 ms\tPhase: {}\tStatus: error\tError Type: KeyError\n"
    texts = [
        "INIT_START Runtime Version: python:3.13.v1\n", error, report.format("init"),
        START, error, report.format("invoke"), END,
        f"REPORT RequestId: {ID}\tDuration: 9 ms\tStatus: error\tError Type: KeyError\n",
    ]  # fmt: skip
    (request,) = RequestLog().add(LogEvent("", "s", 1, text) for text in texts)
    assert [line.text.splitlines()[-1] for line in request.lines] == ["KeyError: 'blue'"]
