"""`lambent run` between the AWS API and the screen: frames cut anywhere, and every way in which a command can end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import Function, Invoked, Settings
from lambent.config.model import App
from lambent.deployment.run_command import Command, FrameReader, run_command
from lambent.errors import AwsError, CommandError, DetachedError, NotDeployedError, UsageError
from lambent.events import Event
from lambent.log_events import CommandEnded, CommandOutput
from lambent.package.function_settings import environment
from support.deploy_cases import config

MIGRATE = Command(("python", "manage.py", "migrate"), {"A": "b"})


def frame(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "big") + data


def end(**result: Any) -> bytes:
    return frame(b"x", json.dumps({"status": 0, **result}).encode())


class Api(Struct):
    """The calls of AWS's API that `run_command` makes: the function, its streamed answer, and whose account it is."""

    parts: list[bytes]
    invoked: Invoked = Invoked(b"", "", "")
    error: BaseException | None = None
    variables: tuple[tuple[str, str], ...] = (("LAMBENT_RUN", "on"),)
    payload: bytes = b""
    version: str = ""
    region: str = "eu-west-1"

    def account(self) -> str:
        return "123456789012"

    def function(self, name: str, qualifier: str = "") -> Function | None:
        settings = Settings("", "python3.13", "", memory_mb=512, timeout_s=30, tmp_mb=512, environment=self.variables)
        return Function(name=name, version="7", settings=settings, sha256="", architecture="x86_64") if name == "shop" else None

    def run_command(self, function: str, version: str, payload: bytes, receive: Callable[[bytes], bool]) -> Invoked:
        self.version, self.payload = version, payload
        for part in self.parts:
            assert not receive(part)
        if self.error is not None:
            raise self.error
        return self.invoked


def run(*parts: bytes, **members: Any) -> tuple[int, list[Event], Api]:
    api, emitted = Api(list(parts), **members), list[Event]()
    aws: Aws = api  # type: ignore[assignment]
    return run_command(aws, "shop", MIGRATE, emitted.append), emitted, api


@given(st.lists(st.tuples(st.sampled_from([b"o", b"e", b"a"]), st.binary(max_size=20)), max_size=8), st.data())
def test_frames_may_be_cut_anywhere(frames: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frame(kind, payload) for kind, payload in frames) + end(status=3)
    reader, output = FrameReader(), {"stdout": b"", "stderr": b""}
    position = 0
    while position < len(stream):
        size = data.draw(st.integers(1, len(stream) - position))
        for event in reader.feed(stream[position : position + size]):
            output[event.stream] += event.text.encode("utf-8", "surrogateescape")
        position += size
    for event in reader.rest():
        output[event.stream] += event.text.encode("utf-8", "surrogateescape")
    assert output["stdout"] == b"".join(payload for kind, payload in frames if kind == b"o")
    assert output["stderr"] == b"".join(payload for kind, payload in frames if kind == b"e")
    assert reader.result == {"status": 3}


def test_output_and_status_are_passed_on() -> None:
    status, emitted, api = run(frame(b"o", b"Applying"), frame(b"e", b"note"), end(status=3))
    assert (status, emitted[1:]) == (
        3,
        [CommandOutput("stdout", "Applying"), CommandOutput("stderr", "note"), CommandEnded(3, "")],
    )
    assert json.loads(api.payload) == {"command": ["python", "manage.py", "migrate"], "environment": {"A": "b"}}
    assert api.version == "7", "not the alias, which may lead to a canary"
    assert "at most 30 s" in str(emitted[0])


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"status": 137, "signal": "SIGKILL"}, "python was killed, perhaps because it needs more than the function's 512 MB"),
        ({"status": 139, "signal": "SIGSEGV"}, "python was ended by SIGSEGV"),
        ({"status": 0, "left_out": 5_000_000}, "5.0 MB of output were left out"),
    ],
)
def test_what_is_unusual_about_the_end_is_said(result: dict[str, Any], text: str) -> None:
    status, emitted, _ = run(end(**result))
    assert status == result["status"]
    assert next(event.text for event in emitted if isinstance(event, events.Warned)).startswith(text)


@pytest.mark.parametrize(
    ("parts", "invoked", "what", "code"),
    [
        ([end(status=127, problem="the function has no command npm")], None, "the function has no command npm", 127),
        (
            [end(status=143, timed_out=True)],
            None,
            "python was stopped, because the function's timeout of 30 s was nearly over",
            124,
        ),
        ([frame(b"o", b"half"), b"o\0"], Invoked(b'{"errorType": "Runtime.OutOfMemory"}', "Unhandled", ""), "OutOfMemory", 1),
        ([], Invoked(b"Task timed out", "Unhandled", ""), "the function failed while it ran the command: Task timed out", 1),
        ([b'{"statusCode": 404}'], None, "version 7 of shop didn't understand the command", 1),
    ],
)
def test_a_command_that_did_not_end_by_itself(parts: list[bytes], invoked: Invoked | None, what: str, code: int) -> None:
    with pytest.raises(CommandError) as failed:
        run(*parts, invoked=invoked or Invoked(b"", "", ""))
    assert what in failed.value.what and failed.value.exit_code == code


def test_ctrl_c_says_what_goes_on() -> None:
    with pytest.raises(DetachedError, match="it goes on in the function until it ends, at the latest when the"):
        run(frame(b"o", b"begun"), error=KeyboardInterrupt())


def test_a_lost_connection_is_no_reason_to_run_it_again() -> None:
    with pytest.raises(CommandError, match="the connection to the command broke: reset") as failed:
        run(frame(b"o", b"begun"), error=AwsError("reset", hint="run the same command again"))
    assert failed.value.hint == "it may still be running: lambent logs shows when it has ended"
    with pytest.raises(AwsError, match="no credentials"):
        run(error=AwsError("no credentials"))


def test_only_versions_that_say_so_take_commands() -> None:
    for variables in ((), (("LAMBENT_RUN", "off"),)):
        with pytest.raises(UsageError, match="version 7 of shop takes no commands") as refused:
            run(variables=variables)
        assert refused.value.hint.startswith("lambent deploy --run")
    with pytest.raises(NotDeployedError):
        run_command(Api([]), "other", MIGRATE, events.ignore)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["wsgi", "handler"])
def test_a_deploy_with_run_sets_what_the_runtime_looks_for(kind: str, tmp_path: Path) -> None:
    app = App("main", "app", kind)  # type: ignore[arg-type]
    app_config = config(tmp_path, app=app, run=True)
    assert ("LAMBENT_RUN", "on") in environment(app_config) and app_config.client == "lambent"
    assert "LAMBENT_RUN" not in dict(environment(config(tmp_path, app=app)))
