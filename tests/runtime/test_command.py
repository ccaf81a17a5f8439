"""Commands of `lambent run` in the runtime: what is one, what it has, and how it ends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from lambent.aws.functions import COMMAND_CONTEXT
from lambent.deployment.run_command import FrameReader
from lambent.runtime.command import _Sender
from support.interpreter import python
from support.runtime_api_stub import Environment, make_event
from support.waiting import eventually

APP = """
import json

def app(environ, start_response):
    start_response("200 OK", [])
    return [b"the app's answer"]

def on_event(event, context):
    return {"got": event}
"""
ON = {"LAMBENT_RUN": "on", "LAMBENT_EVENTS": "main:on_event"}
PACKAGE = {
    "tool/__init__.py": "",
    "tool/cli.py": "import sys\ndef main():\n    print(sys.argv)\n    return 7\n",
    "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
    "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool.cli:main\n",
    "manage.py": "import sys, main\nprint('managed', sys.argv[1:])\n",
    "bad": "no script",
}


class Ran(Struct, frozen=True):
    result: dict[str, Any]
    stdout: str
    stderr: str


def start(folder: Path, version: str = "3.13", **env: str) -> Environment:
    return Environment(folder, python(version), "main.app", files={"main.py": APP, **PACKAGE}, env={**ON, **env})


def send(env: Environment, event: Any, context: str = COMMAND_CONTEXT, left_s: float = 60) -> None:
    env.count += 1
    deadline = str(int((time.time() + left_s) * 1000))
    headers = {"Lambda-Runtime-Client-Context": context, "Lambda-Runtime-Deadline-Ms": deadline}
    env.api.events.put((f"request-{env.count}", json.dumps(event).encode(), headers))


def run(env: Environment, *words: str, left_s: float = 60, **environment: str) -> Ran:
    send(env, {"command": words, "environment": environment}, left_s=left_s)
    stream = env._await(env.api.streams)
    assert stream.headers["content-type"] == "application/octet-stream"
    reader, output = FrameReader(), {"stdout": "", "stderr": ""}
    for event in (*reader.feed(stream.rest()), *reader.rest()):
        output[event.stream] += event.text
    assert reader.result is not None and stream.complete
    return Ran(reader.result, **output)


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_a_command_has_what_the_app_has(version: str, tmp_path: Path) -> None:
    code = (
        "import main, os, sys; print(os.getcwd(), os.environ['A'], os.environ['B']); print('é', file=sys.stderr); sys.exit(3)"
    )
    with start(tmp_path, version, A="of the function") as env:
        ran = run(env, "python", "-c", f"{code}; sys.exit(3)", B="of the command")
        assert (ran.result, ran.stderr) == ({"status": 3}, "é\n")
        assert ran.stdout == f"{env.task} of the function of the command\n"
        assert env.invoke(make_event()).body == b"the app's answer", "the environment goes on"
        assert env.log == "lambent: run python\nlambent: python ended with status 3\n", "arguments may be secrets"


def test_what_a_command_may_be(tmp_path: Path) -> None:
    with start(tmp_path) as env:
        assert run(env, "tool", "a").stdout == "['tool', 'a']\n", "a script of a package"
        assert run(env, "tool").result == {"status": 7}
        for words in (("python", "manage.py", "x"), ("manage.py", "x"), ("python3", "./manage.py", "x")):
            assert run(env, *words).stdout == "managed ['x']\n"
        assert run(env, "sh", "-c", "echo $1; cat", "sh", "a").stdout == "a\n", "a program of Lambda's, which has no stdin"
        assert run(env, "./nonesuch").result == {"status": 127, "problem": "the function has no file ./nonesuch"}
        missing = run(env, "nonesuch").result
        assert missing["status"] == 127 and missing["problem"].startswith("the function has no command nonesuch")
        assert run(env, "./bad").result == {"status": 126, "problem": "./bad can't be run: Permission denied"}
        assert run(env).result == {"status": 127, "problem": "no command"}


def test_what_is_no_command(tmp_path: Path) -> None:
    """The same payload without a client context is an event, as whatever comes from a URL or an event source is."""
    payload = {"command": ["python"], "clientContext": json.loads(COMMAND_CONTEXT)}
    with start(tmp_path) as env:
        assert env.invoke(payload).data == {"got": payload}
        web = make_event("POST", body=json.dumps(payload), headers={"lambda-runtime-client-context": COMMAND_CONTEXT})
        assert env.invoke(web).body == b"the app's answer"
        for context in ('{"custom": {"lambent": "walk"}}', '{"custom": null}', '{"client": {}}', "{}"):
            send(env, payload, context)
            assert env.posted().data == {"got": payload}, context
        send(env, {"command": 5})
        reader = FrameReader()
        list(reader.feed(env._await(env.api.streams).rest()))
        assert reader.result is not None and reader.result["status"] == 2


def test_a_version_whose_start_fails_takes_commands(tmp_path: Path) -> None:
    """A migration may be what the start lacks. Anything else gets the error of the start, and ends the process."""
    files = {"main.py": "raise RuntimeError('no table yet')"}
    env = {"LAMBENT_RUN": "on", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
    with Environment(tmp_path, python(), "main.app", files=files, env=env) as environment:
        assert run(environment, "python", "-c", "print('migrated')").stdout == "migrated\n"
        failed = environment.invoke(make_event())
        assert (failed.kind, failed.data["errorType"], failed.data["errorMessage"]) == ("error", "RuntimeError", "no table yet")
        assert failed.data["requestId"] == "request-2" and environment.process.wait(30) == 1
        assert environment.log.count("[ERROR] RuntimeError: no table yet") == 1


@pytest.mark.parametrize("value", ["", "off"])
def test_a_function_that_takes_no_commands_takes_them_for_events(value: str, tmp_path: Path) -> None:
    with start(tmp_path, LAMBENT_RUN=value) as env:
        send(env, {"command": ["python"]})
        assert env.posted().data == {"got": {"command": ["python"]}}


def test_a_command_ends_before_the_functions_timeout(tmp_path: Path) -> None:
    with start(tmp_path) as env:
        ran = run(env, "python", "-c", "print('begun'); import time; time.sleep(60)", left_s=3)
        assert (ran.stdout, ran.result) == ("begun\n", {"status": 143, "signal": "SIGTERM", "timed_out": True})
        stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        assert run(env, "python", "-c", stubborn, left_s=3).result["signal"] == "SIGKILL"
        assert env.invoke(make_event()).body == b"the app's answer"


def has_ended(pid: str) -> bool:
    """Return whether a process has ended, although nothing may have waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_a_command_leaves_running_is_ended(tmp_path: Path) -> None:
    with start(tmp_path) as env:
        ran = run(env, "sh", "-c", "sleep 300 & echo $!")
        assert ran.result == {"status": 0}
        eventually(lambda: has_ended(ran.stdout.strip()))


def test_output_is_sent_while_the_command_runs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    wait = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    with start(tmp_path) as env:
        send(env, {"command": ["python", "-c", f"import os\nos.write(1, b'first')\n{wait}\nos.write(1, b'last')"]})
        stream = env._await(env.api.streams)
        assert stream.chunk() == b"o\0\0\0\5first"
        gate.touch()
        assert stream.rest().startswith(b"o\0\0\0\4lastx")


def test_more_output_than_lambda_streams_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    monkeypatch.setattr("lambent.runtime.command._OUTPUT_MAX", 10)

    class Upload:
        def push(self, parts: list[bytes]) -> bool:
            sent.append(parts[1])
            return True

        def finish(self) -> None:
            pass

    sender = _Sender(Upload())  # type: ignore[arg-type]
    for data in (b"12345678", b"more", b"90"):
        sender.send(b"o", data)
    sender.end({"status": 0})
    reader = FrameReader()
    assert "".join(event.text for event in reader.feed(b"".join(sent))) == "1234567890"
    assert reader.result == {"status": 0, "left_out": 4}
