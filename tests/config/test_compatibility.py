"""Settings that only work with some apps or runtimes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import UsageError
from support.configs import load_config


def test_bare_handler_cannot_stream(handler_app: Path) -> None:
    with pytest.raises(
        UsageError, match="lambda_function:lambda_handler is a bare handler, and lambent can't stream what a handler returns"
    ) as error:
        load_config(handler_app, stream=True)
    assert error.value.where == "--stream"
    assert load_config(handler_app, stream=False).stream is False


def test_awss_client_runs_no_commands(handler_app: Path) -> None:
    assert load_config(handler_app, run=True).client == "lambent"
    assert load_config(handler_app, "run = true", run=False).client == "aws"
    with pytest.raises(UsageError, match="AWS's runtime client can't run the commands of lambent run") as error:
        load_config(handler_app, 'runtime_client = "aws"', run=True)
    assert error.value.where.startswith("--run and ")


@pytest.mark.parametrize("settings", ['events = "jobs:on_event"', 'base_path = "/shop"'])
def test_bare_handler_has_no_events_or_base_path(handler_app: Path, settings: str) -> None:
    with pytest.raises(UsageError, match="lambda_function:lambda_handler is a bare handler"):
        load_config(handler_app, settings)


def test_old_runtime_only_works_with_a_bare_handler(handler_app: Path, web_app: Path) -> None:
    assert load_config(handler_app, runtime="python3.7").runtime == "python3.7"
    assert load_config(web_app, runtime="python3.8").runtime == "python3.8"
    with pytest.raises(UsageError, match=r"web apps need python3[.]8 or newer, not python3[.]7"):
        load_config(web_app, runtime="python3.7")
