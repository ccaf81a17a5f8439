"""The one error door: what people and machines are told of the end of a command, and output that nobody reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lambent.cli import main
from lambent.errors import LambentError

LASTING = """
import sys
from lambent.events import Deployed, Notice
from lambent.ui import choose
with choose.reporter(len(sys.argv) > 1) as emit:
    for number in range(2000):
        emit(Notice(f"{number} " + "x" * 1000))
    emit(Deployed("http://u/", "1", True, 2.0))
open("done", "w").close()
"""


def ended(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["lambent", *words])
    with pytest.raises(SystemExit) as left:
        main.run()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize("words", (["plan", "--bogus"], ["plan", "--as", "yaml"], ["nonsense"], ["rollback", "1", "2"]))
def test_wrong_words_are_told_to_machines_too(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, "--json"], monkeypatch) == 2
    told = capsys.readouterr()
    failed = json.loads(told.out)
    assert (failed["event"], failed["exit_code"]) == ("Failed", 2)
    assert told.err.startswith("error: ")


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    (
        (LambentError("no"), 1, "no"),
        (OSError(28, "No space left on device", "/x/y"), 1, "No space left on device: /x/y"),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "Permission denied: /x/y"),
        (ZeroDivisionError("z"), 3, "ZeroDivisionError"),
    ),
)
def test_every_end_is_told(
    raised: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("config")
    @click.option("--json", is_flag=True)
    def failing(json: bool) -> None:
        raise raised

    monkeypatch.setattr(main.Commands, "get_command", lambda self, context, name: failing)
    assert ended(["config", "--json"], monkeypatch) == code
    told = capsys.readouterr()
    failed = json.loads(told.out)
    assert failed["exit_code"] == code and says in failed["what"] and says in told.err
    assert ("Traceback" in told.err) == (code == 3)


def test_a_command_nearly_right_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["dploy"], monkeypatch) == 2
    assert "  try  lambent deploy\n" in capsys.readouterr().err


@pytest.mark.parametrize("closed", ("stdout", "stderr", "stdout of --json"))
def test_work_goes_on_when_nobody_reads(closed: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", LASTING, *(["--json"] if "json" in closed else [])]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        gone, read = (process.stderr, process.stdout) if closed == "stderr" else (process.stdout, process.stderr)
        gone.close()
        rest = read.read()
        assert process.wait(30) == 0
    assert (tmp_path / "done").exists()
    assert b"Traceback" not in rest and b"BrokenPipe" not in rest
    if closed == "stderr":
        assert rest == b"http://u/\n"


def test_letters_that_the_output_has_not_are_no_bug(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def lambda_handler(event, context): pass\n")
    words = [sys.executable, "-m", "lambent", "config", "--show-env", "--env", "GREETING=grüße", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert rb"gr\xfc\xdfe" in done.stdout


TWICE = """
import threading, time
import click
from lambent.cli import main
@click.command("config")
@click.option("--json", is_flag=True)
def busy(json):
    threading.Thread(target=time.sleep, args=(60,)).start()
    print("{}", flush=True)
    time.sleep(60)
main.Commands.get_command = lambda self, context, name: busy
main.run()
"""


def test_ctrl_c_ends_it_at_once_and_a_second_one_changes_nothing() -> None:
    words = [sys.executable, "-c", TWICE, "config", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        failed = json.loads(process.stdout.read())
        assert process.stderr.read().lstrip().startswith("error: interrupted\n  try ")
        assert process.wait(10) == 130
    assert (failed["event"], failed["exit_code"]) == ("Failed", 130)
