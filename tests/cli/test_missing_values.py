"""What `lambent deploy` asks for at a terminal: the values of variables that the app lacks."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from lambent.cli.missing_values import ask_values
from lambent.config.variables.refusal import MissingVariable
from lambent.errors import UsageError
from lambent.events import Event

MISSING = [
    MissingVariable("API_KEY", "VALUE", "main.py:3"),
    MissingVariable("MODEL", "gpt-4o", "main.py:4"),
    MissingVariable("BOT_TOKEN", "VALUE", "main.py:5", unsent="hidden"),
    MissingVariable("GREETING", "VALUE", "main.py:6", is_required=False),
]


def test_each_value_is_asked_for_once_and_a_secret_stays_hidden() -> None:
    events: list[Event] = []
    with CliRunner().isolation("y\n\nsecret\n\n\n") as (_, err, _):
        values = ask_values(MISSING, events.append)
        screen = err.getvalue().decode()
    assert values == {"BOT_TOKEN": "hidden", "API_KEY": "secret", "MODEL": "gpt-4o"}
    assert "Send BOT_TOKEN from .env? [Y/n]: y" in screen
    assert "API_KEY (main.py:3): \nAPI_KEY" in screen, "an empty value isn't taken"
    assert "MODEL (main.py:4) [gpt-4o]: " in screen
    assert "GREETING (main.py:6, Enter skips it): " in screen
    assert "secret" not in screen and "hidden" not in screen
    assert len(events) == 1


def test_without_those_of_the_file_all_are_typed() -> None:
    with CliRunner().isolation("n\nsecret\ngpt-5\ntoken\nhi\n"):
        values = ask_values(MISSING, lambda event: None)
    assert values == {"API_KEY": "secret", "MODEL": "gpt-5", "BOT_TOKEN": "token", "GREETING": "hi"}


def test_the_file_of_the_values_is_named() -> None:
    missing = [MissingVariable("TOKEN", "VALUE", unsent="hidden", file=".env.production")]
    with CliRunner().isolation("y\n") as (_, err, _):
        ask_values(missing, lambda event: None)
        assert "Send TOKEN from .env.production?" in err.getvalue().decode()


def test_a_value_that_is_not_utf_8_is_refused() -> None:
    with CliRunner().isolation(b"\xff\n"), pytest.raises(UsageError, match="the value of API_KEY is not UTF-8"):
        ask_values(MISSING[:1], lambda event: None)
