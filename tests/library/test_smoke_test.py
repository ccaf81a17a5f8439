"""The smoke test before an upload to AWS: the app starts once on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.config.model import App, Config, Hosting
from lambent.errors import PackagingError
from lambent.library.smoke_test import smoke_test_once
from lambent.package.artifact import WRITABLE, Artifact
from lambent.package.build import build
from support.functions import NEWEST

SENDS_A_REQUEST_TO_AWS = """\
import os, urllib.request
urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/?Action=GetCallerIdentity", timeout=5)
def lambda_handler(event, context): return 1
"""


def smoke_test(folder: Path, source: str, **more: object) -> list[events.Event]:
    return smoke_test_and_artifact(folder, source, **more)[0]


def smoke_test_and_artifact(folder: Path, source: str, **more: object) -> tuple[list[events.Event], Artifact]:
    (folder / "main.py").write_text(source)
    config = replace(Config(folder, "small", App("main", "lambda_handler", "handler"), NEWEST), **more)  # type: ignore[arg-type]
    cache = folder.parent / "cache"
    artifact = build(config, cache, os.environ, events.ignore)
    emitted: list[events.Event] = []
    return emitted, smoke_test_once(config, artifact, cache, emitted.append)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    return tmp_path / "app"


def test_an_app_that_has_started_is_not_started_again(app: Path) -> None:
    works = "def lambda_handler(event, context): return 1\n"
    assert any(isinstance(event, events.SmokeTested) for event in smoke_test(app, works))
    assert smoke_test(app, works) == []
    assert any(isinstance(event, events.SmokeTested) for event in smoke_test(app, works, environment=(("AA", "1"),)))


def test_an_app_that_does_not_start_is_not_uploaded(app: Path) -> None:
    source = "def lambda_handler(event, context): return 1\nimport os\nos.environ['NEEDED']\n"
    with pytest.raises(PackagingError, match="does not start: KeyError") as error:
        smoke_test(app, source)
    assert "--no-prove" in error.value.hint and "NEEDED" in error.value.detail
    (warning,) = [
        event for event in smoke_test(app, source, secrets=(("NEEDED", "ssm:/x"),)) if isinstance(event, events.Warned)
    ]
    assert "secrets are only available on AWS" in warning.text
    assert smoke_test(app, source, environment=(("NEEDED", "1"),))


def test_an_app_that_takes_commands_has_to_start_too(app: Path) -> None:
    with pytest.raises(PackagingError, match="the app does not start: RuntimeError: no table yet"):
        smoke_test(app, "def lambda_handler(event, context): pass\nraise RuntimeError('no table yet')\n", run=True)


def test_an_app_that_sends_requests_to_aws_may_fail_here(app: Path) -> None:
    (warning,) = [event for event in smoke_test(app, SENDS_A_REQUEST_TO_AWS) if isinstance(event, events.Warned)]
    assert "only work there" in warning.text


@pytest.mark.parametrize(
    ("library", "layers", "reason"),
    [
        ("liblambent-test.so.1", (), ""),
        ("liblambent-test.so.1", ("arn:aws:lambda:us-east-1:123456789012:layer:x:1",), "A layer may have"),
        ("libffi.so.6", (), "Lambda may have"),
    ],
    ids=["lambda-lacks-it", "layer", "undocumented"],
)
def test_an_app_needs_the_libraries_that_lambda_has(app: Path, library: str, layers: tuple[str, ...], reason: str) -> None:
    source = f"import ctypes\nctypes.CDLL('{library}')\ndef lambda_handler(event, context): return 1\n"
    if reason:
        emitted = smoke_test(app, source, hosting=Hosting(layers=layers))
        (warning,) = [event for event in emitted if isinstance(event, events.Warned)]
        assert f"{reason} {library}" in warning.text
    else:
        with pytest.raises(PackagingError, match=f"does not start: OSError: {library}") as error:
            smoke_test(app, source)
        assert f"use a package whose wheel includes {library}, or a layer" in error.value.hint
        assert "--no-prove" in error.value.hint


def test_an_app_that_writes_beside_its_code_is_tried_from_a_copy(app: Path) -> None:
    source = "open('app.log', 'w')\ndef wsgi(environ, start_response): ...\n"
    web = App("main", "wsgi", "wsgi")
    emitted, artifact = smoke_test_and_artifact(app, source, app=web)
    (warning,) = [event for event in emitted if isinstance(event, events.Warned)]
    assert "app.log" in warning.text and WRITABLE in artifact.environment
    with pytest.raises(PackagingError, match="Read-only"):
        smoke_test(app, source, app=web, writable=False)
