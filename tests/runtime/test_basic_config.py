"""`logging.basicConfig` has the effect that it has under other servers, although the root logger has a handler here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.functions import interpreter
from support.runtime_api_stub import Environment, make_event

APP = """
import logging, sys
{call}
log = logging.getLogger("shop")
log.info("started")

def app(environ, start_response):
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
    start_response("200 OK", [])
    return []
"""
LINE = r"\[INFO\]\t\S+Z\t\tstarted\n"


def logged(folder: Path, call: str, **env: str) -> str:
    with Environment(folder, interpreter(), "main.app", files={"main.py": APP.format(call=call)}, env=env) as environment:
        assert environment.invoke(make_event()).status == 200
        environment.wait_idle()
        return environment.log


@pytest.mark.parametrize(
    ("call", "first"),
    [
        ("logging.basicConfig(level=logging.INFO)", LINE),
        ("logging.basicConfig(level='INFO', stream=sys.stdout)", LINE),
        ("logging.basicConfig(level='INFO', filename='app.log', filemode='w')", LINE),
        ("logging.basicConfig(level='INFO', format='%(name)s %(levelname)s %(message)s')", "shop INFO started\n"),
        ("logging.basicConfig(level='INFO', format='{message}', style='{')", "started\n"),
        ("logging.basicConfig(level='INFO', handlers=[logging.StreamHandler()])", "INFO:shop:started\n"),
        ("logging.basicConfig(level='INFO', force=True)", "INFO:shop:started\n"),
        ("logging.basicConfig()", ""),
        ("", ""),
    ],
)
def test_level_format_and_handlers_are_the_apps(call: str, first: str, tmp_path: Path) -> None:
    log = logged(tmp_path, call)
    assert re.match(f"{first}(?=.*failed)", log), log
    assert log.count("failed\n") == 1 and log.count("ZeroDivisionError: division by zero") == 1


def test_a_second_call_changes_nothing_and_a_wrong_one_raises(tmp_path: Path) -> None:
    twice = "logging.basicConfig(level='INFO'); logging.basicConfig(level='ERROR', format='no')"
    assert re.match(LINE, logged(tmp_path / "twice", twice))
    wrong = "try: logging.basicConfig(colour=1)\nexcept ValueError: logging.getLogger().setLevel('INFO')"
    assert re.match(LINE, logged(tmp_path / "wrong", wrong))


@pytest.mark.parametrize("env", [{"AWS_LAMBDA_LOG_FORMAT": "JSON"}])
def test_json_stays_json(env: dict[str, str], tmp_path: Path) -> None:
    log = logged(tmp_path, "logging.basicConfig(level=logging.INFO, format='%(message)s')", **env)
    assert log.startswith('{"timestamp"') and '"message": "failed"' in log and "started" not in log
