"""How commands end: messages for people and machines, exit codes, and output that no one reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lambent.cli import main
from lambent.errors import LambentError
from lambent.ui.detail import chosen_detail

PRINTS_A_LOT = """
import sys
from collections.abc import Iterator
from lambent.events import Deployed, Notice
from lambent.ui.reporter import reporter
with reporter(len(sys.argv) > 1) as emit:
    for number in range(2000):
        emit(Notice(f"{number} " + "x" * 1000))
    emit(Deployed("http://u/", "1", True, 2.0))
open("done", "w").close()
"""


def run_main(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["lambent", *arguments])
    with pytest.raises(SystemExit) as exit:
        main.run()
    assert isinstance(exit.value.code, int)
    return exit.value.code


@pytest.mark.parametrize("arguments", (["plan", "--bogus"], ["plan", "--as", "yaml"], ["nonsense"], ["rollback", "1", "2"]))
def test_usage_errors_are_reported_as_json_too(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main([*arguments, "--json"], monkeypatch) == 2
    output = capsys.readouterr()
    failed = json.loads(output.out)
    assert (failed["event"], failed["exit_code"]) == ("Failed", 2)
    assert output.err.startswith("error: ")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    (
        (LambentError("no"), 1, "no"),
        (OSError(28, "No space left on device", "/x/y"), 1, "No space left on device: /x/y"),
        (PermissionError(13, "Permission denied", "/x/y"), 1, "Permission denied: /x/y"),
        (ZeroDivisionError("z"), 3, "ZeroDivisionError"),
    ),
)
def test_every_error_has_an_exit_code_and_a_message(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("config")
    @click.option("--json", is_flag=True)
    def failing(json: bool) -> None:
        raise error

    monkeypatch.setattr(main.Commands, "get_command", lambda self, context, name: failing)
    assert run_main(["config", "--json"], monkeypatch) == code
    output = capsys.readouterr()
    failed = json.loads(output.out)
    assert failed["exit_code"] == code and message in failed["what"] and message in output.err
    assert ("Traceback" in output.err) == (code == 3)


def test_a_mistyped_command_is_suggested(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(["dploy"], monkeypatch) == 2
    assert "  try  lambent deploy\n" in capsys.readouterr().err


def test_lambent_alone_lists_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main([], monkeypatch) == 0
    alone = capsys.readouterr().out
    assert "  deploy " in alone
    for arguments in (["help"], ["--help"], ["-q", "help"]):
        assert run_main(arguments, monkeypatch) == 0
        assert capsys.readouterr().out == alone
    assert run_main(["-V"], monkeypatch) == 0
    assert capsys.readouterr().out.startswith("lambent")


@pytest.mark.parametrize("names", (["deploy"], ["env", "set"], ["curl"]))
def test_help_says_what_the_option_says(
    names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(["help", *names], monkeypatch) == 0
    helped = capsys.readouterr().out
    assert run_main([*names, "--help"], monkeypatch) == 0
    assert capsys.readouterr().out == helped
    assert ("--verbose" in helped) == (names != ["curl"]), "curl has a -v of its own"


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    ((["help", "dploy"], "lambent deploy"), (["env", "sett"], "lambent env set"), (["-v", "deploy", "-q"], "pass one of them")),
)
def test_what_cannot_be_meant(
    arguments: list[str], suggestion: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(arguments, monkeypatch) == 2
    assert f"  try  {suggestion}\n" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", (["-q", "config"], ["config", "-q"], ["config", "--quiet"]))
def test_options_work_before_and_after_the_command(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command("config")
    def shown() -> None:
        assert chosen_detail() == "result"

    monkeypatch.setattr("lambent.cli.config.command", shown)
    assert run_main(arguments, monkeypatch) == 0


@pytest.mark.parametrize("closed", ("stdout", "stderr", "stdout of --json"))
def test_work_goes_on_after_the_reader_has_left(closed: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PRINTS_A_LOT, *(["--json"] if "json" in closed else [])]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        unread, read = (process.stderr, process.stdout) if closed == "stderr" else (process.stdout, process.stderr)
        unread.close()
        output = read.read()
        assert process.wait(30) == 0
    assert (tmp_path / "done").exists()
    assert b"Traceback" not in output and b"BrokenPipe" not in output
    if closed == "stderr":
        assert output == b"http://u/\n"


def test_characters_that_the_output_lacks_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def lambda_handler(event, context): pass\n")
    command = [sys.executable, "-m", "lambent", "config", "--show-env", "--env", "GREETING=grüße", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert rb"gr\xfc\xdfe" in done.stdout


RUNS_FOR_A_MINUTE = """
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


def test_ctrl_c_ends_a_command_at_once_and_a_second_one_changes_nothing() -> None:
    command = [sys.executable, "-c", RUNS_FOR_A_MINUTE, "config", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        failed = json.loads(process.stdout.read())
        assert process.stderr.read().lstrip().startswith("error: interrupted\n  try ")
        assert process.wait(10) == 130
    assert (failed["event"], failed["exit_code"]) == ("Failed", 130)


def help_screens(command: click.Command, name: str = "lambent") -> Iterator[tuple[str, str]]:
    """Yield the name and the --help text of a command and of everything below it."""
    with click.Context(command, info_name=name) as context:
        yield name, command.get_help(context)
        for child in command.list_commands(context) if isinstance(command, click.Group) else ():
            subcommand = command.get_command(context, child)  # type: ignore[attr-defined]
            assert subcommand is not None
            yield from help_screens(subcommand, f"{name} {child}")


@pytest.mark.parametrize(("name", "text"), tuple(help_screens(main.cli)), ids=lambda value: value.partition("\n")[0])
def test_no_help_text_is_cut_off(name: str, text: str) -> None:
    assert text.startswith("Usage: ")
    _, _, body = text.partition("\n\n")  # in the usage line, dots mean that an argument can be repeated
    assert body and "..." not in body


def test_the_summary_of_local_names_all_its_subcommands() -> None:
    subcommands = main.cli.get_command(click.Context(main.cli), "local").commands  # type: ignore[union-attr]
    names = main.COMMANDS["local"].partition(": ")[2].rstrip(".").split(", ")
    assert set(names) == set(subcommands)
