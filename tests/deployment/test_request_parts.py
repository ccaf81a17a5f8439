"""Handlers that fail only because the request of the check isn't one of theirs."""

from __future__ import annotations

import pytest

from lambent.aws.values import Settings
from lambent.deployment.failure import Failure
from lambent.deployment.request_parts import missing_part

SETTINGS = Settings("arn:aws:iam::123456789012:role/lambent-hello", "python3.13", "main.app", 256, 10, 512)


def trace(line: str, error: str, where: str = "app") -> str:
    frame = f'  File "/var/task/main.py", line 4, in {where}\n    {line}\n'
    return f"[ERROR] {error}\nTraceback (most recent call last):\n{frame}"


@pytest.mark.parametrize(
    ("line", "error", "missing"),
    (
        ("text = event['body']", "KeyError: 'body'", "a body"),
        ('data = json.loads(event.get("body"))', "TypeError: the JSON object must be str, not NoneType", "a body"),
        ("name = body['name']", "KeyError: 'name'", "a body"),
        ("city = event['queryStringParameters']['city']", "KeyError: 'queryStringParameters'", "a query"),
        ("city = query_params.get('city')", "AttributeError: 'NoneType' object has no attribute 'get'", "a query"),
        ("sign = event['headers']['x-signature']", "KeyError: 'x-signature'", "headers of its own"),
        ("for record in event['Records']:", "KeyError: 'Records'", ""),
        ("key = event['pathParameters']['key']", "TypeError: 'NoneType' object is not subscriptable", ""),
        ("text = message['body']", "KeyError: 'body'", "a body"),
        ("row['DATE']", "KeyError: 'DATE'", ""),
        ("body = 1 / 0", "ZeroDivisionError: division by zero", ""),
    ),
)
def test_what_the_request_lacks_is_in_the_line_that_fails(line: str, error: str, missing: str) -> None:
    assert missing_part(Failure(SETTINGS, error.partition(":")[0], log=trace(line, error))) == missing


def test_a_handler_that_fails_at_import_has_not_started() -> None:
    log = trace("body = config['body']", "KeyError: 'body'", "<module>")
    assert missing_part(Failure(SETTINGS, "KeyError", log=log)) == ""


@pytest.mark.parametrize(
    ("body", "missing"),
    (
        ('{"error": "\'body\'"}', "a body"),
        ('{"message": ["body"]}', "a body"),
        ("error: 'Content-Type'", "headers of its own"),
        ('{"body": 1}', ""),
        ("could not connect", ""),
        ("the 'headers' table", ""),
    ),
)
def test_a_handler_that_catches_the_exception_names_the_member(body: str, missing: str) -> None:
    assert missing_part(Failure(SETTINGS, status=500, body=body)) == missing


@pytest.mark.parametrize(
    ("line", "missing"),
    (
        ("[ERROR]\t2026-12-01\tid\tfailed: KeyError('body')", "a body"),
        ('{"level": "ERROR", "message": "\'body\'", "service": "a"}', "a body"),
        ("['host', 'x-forwarded-for', 'x-trace']", ""),
        ("the columns 'id', 'body' of the table posts don't exist", ""),
        ("lacks 'x-forwarded-for'", ""),
        ("403 from https://api.example.com: no 'Authorization' header", ""),
    ),
)
def test_a_log_says_it_only_at_the_end_of_a_message(line: str, missing: str) -> None:
    assert missing_part(Failure(SETTINGS, status=500, body='{"error": "sorry"}', log=f"{line}\n")) == missing


@pytest.mark.parametrize(
    ("error", "message", "missing"),
    (
        ("SchemaValidationError", "Error: data.pathParameters must be object, Data: None", "a parameter in the path"),
        ("ValidationError", "1 validation error for Event\nbody\n  Field required", "a body"),
        ("ParamValidationError", "Missing required parameter in input: body", ""),
        ("ValidationError", "1 validation error for Settings\nurl\n  Field required", ""),
    ),
)
def test_a_request_that_its_own_validation_rejects_lacks_a_part(error: str, message: str, missing: str) -> None:
    assert missing_part(Failure(SETTINGS, error, message)) == missing


def test_a_handler_that_prints_the_exception_and_raises_another_names_the_member() -> None:
    log = "'body'\n" + trace("raise Exception('failed')", "Exception: failed", "handler")
    assert missing_part(Failure(SETTINGS, "Exception", "failed", log=log)) == "a body"
