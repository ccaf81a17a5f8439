"""Before an upload to AWS the app of the zip is started once on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lambent.cli.tried import before_upload
from msgspec.structs import replace

from lambent import events
from lambent.config.model import App, Config
from lambent.errors import PackagingError
from lambent.package.build import build
from support.functions import NEWEST

ASKS = """\
import os, urllib.request
urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/?Action=GetCallerIdentity", timeout=5)
def lambda_handler(event, context): return 1
"""


def tried(folder: Path, source: str, **more: object) -> list[events.Event]:
    (folder / "main.py").write_text(source)
    config = replace(Config(folder, "small", App("main", "lambda_handler", "handler"), NEWEST), **more)  # type: ignore[arg-type]
    cache = folder.parent / "cache"
    artifact = build(config, cache, os.environ, events.ignore)
    seen: list[events.Event] = []
    before_upload(config, artifact, cache, os.environ, seen.append)
    return seen


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    return tmp_path / "app"


def test_what_started_once_is_not_started_again(app: Path) -> None:
    works = "def lambda_handler(event, context): return 1\n"
    assert any(isinstance(event, events.SmokeTested) for event in tried(app, works))
    assert tried(app, works) == []
    assert any(isinstance(event, events.SmokeTested) for event in tried(app, works, environment=(("AA", "1"),)))


def test_what_does_not_start_is_not_uploaded(app: Path) -> None:
    source = "def lambda_handler(event, context): return 1\nimport os\nos.environ['NEEDED']\n"
    with pytest.raises(PackagingError, match="does not start: KeyError") as error:
        tried(app, source)
    assert "--no-prove" in error.value.hint and "NEEDED" in error.value.detail
    (warned,) = [event for event in tried(app, source, secrets=(("NEEDED", "ssm:/x"),)) if isinstance(event, events.Warned)]
    assert "its secrets are only there on AWS" in warned.text
    assert tried(app, source, environment=(("NEEDED", "1"),))


def test_what_asks_aws_for_something_may_fail_here_only(app: Path) -> None:
    (warned,) = [event for event in tried(app, ASKS) if isinstance(event, events.Warned)]
    assert "only there on AWS" in warned.text
