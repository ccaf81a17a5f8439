"""Words to calls, and the one error door.

Exit codes: 0 done, 1 an expected error, 2 the words were wrong, 3 a bug of ours (with a report to paste), 4 deployed but
not confirmed, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import signal
import sys
from typing import Any

import click

from lambent import __version__
from lambent.errors import LambentError, UsageError
from lambent.ui import failure
from lambent.ui.lasting import lasting

COMMANDS = {
    "deploy": "Put an app online: build, deploy, and ask the URL until it answers.",
    "plan": "Show what a deploy would do. Changes nothing.",
    "status": "Show an app as it is, or all of them.",
    "versions": "List the versions of an app, and which one is live.",
    "rollback": "Make an earlier version live again.",
    "destroy": "Delete an app: its URL, function and role.",
    "export": "Write an app as a template for CloudFormation or Terraform.",
    "config": "Show every setting, and where it came from.",
    "build": "Build the zip and say what takes the room in it: no account needed.",
    "cache": "What builds keep: where it is, and how it is made smaller.",
    "local": "The Lambda on this machine: start, stop, status, env.",
    "vendor": "Copy the runtime into a folder, for a zip that another tool makes.",
}

BUG, INTERRUPTED = 3, 130
_MACHINE = {
    errno.ENOSPC: "make room on that disk; --cache-dir and --state (LAMBENT_CACHE, LAMBENT_STATE) may name another",
    errno.EDQUOT: "make room in your quota; --cache-dir and --state (LAMBENT_CACHE, LAMBENT_STATE) may name another place",
    errno.EROFS: "it can only be read; --cache-dir and --state (LAMBENT_CACHE, LAMBENT_STATE) may name another place",
    errno.EACCES: "its permissions; --cache-dir and --state (LAMBENT_CACHE, LAMBENT_STATE) may name another place",
    errno.EMFILE: "ulimit -n 4096",
}
"""What no program can mend: a machine that has no room, or does not let one write. And what to do."""


class Commands(click.Group):
    """Imports a command's module only when that command is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"lambent.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lambent")
def cli() -> None:
    """An untouched Python web app to a URL that answers: on AWS Lambda, or on the Lambda built in (--local).

    \b
    lambent deploy --local      this folder's app, on this machine, no account
    lambent deploy              the same, in your own AWS account
    """


def run() -> None:
    """The console script. Exits the process; nothing else does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: a terminal without a letter is no reason to stop
    code = _exit_code(sys.argv[1:])
    if code == INTERRUPTED:  # at once: whoever presses Ctrl-C a second time meets no threads that are waited for
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        outcome: Any = cli.main(args=arguments, prog_name="lambent", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return UsageError.exit_code
    except BrokenPipeError:
        return 0  # help and lists: who closed the pipe has read enough. A deploy is not ended by it (ui/lasting.py)
    except (Exception, KeyboardInterrupt) as error:
        return _ended(error, arguments)
    return outcome if isinstance(outcome, int) else 0


def _ended(error: BaseException, arguments: list[str]) -> int:
    """Tells people, and machines in their own form, what ended the command. The exit code."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is told whole
    told, code = _told(error)
    if "--json" in arguments:
        jsonlines = importlib.import_module("lambent.ui.jsonlines")
        lasting(lambda failed: jsonlines.fail(failed, code))(told)
    if code == BUG:
        lasting(lambda raised: failure.bug(error, arguments))(told)
    else:
        lasting(failure.show)(told)
    return code


def _told(error: BaseException) -> tuple[LambentError, int]:
    """The error in our form, and its exit code."""
    if isinstance(error, LambentError):
        return error, error.exit_code
    if isinstance(error, click.UsageError):
        return _usage(error), UsageError.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return LambentError("interrupted", hint="run the same command again: it goes on from what is there"), INTERRUPTED
    if isinstance(error, click.ClickException):
        return LambentError(error.format_message()), error.exit_code
    if isinstance(error, OSError) and error.errno in _MACHINE:
        return LambentError(f"{error.strerror}: {error.filename or 'the output'}", hint=_MACHINE[error.errno]), 1
    return LambentError(f"a bug of lambent's: {type(error).__name__}: {error}", hint="the report on stderr says more"), BUG


def _usage(error: click.UsageError) -> UsageError:
    """Click's complaint in our form."""
    where = f"{error.ctx.command_path}" if error.ctx else "lambent"
    if isinstance(error, click.BadParameter) and error.param is not None:
        where = f"{where} {error.param.get_error_hint(error.ctx) if error.ctx else error.param.name}"
        what = error.message
    else:
        what = error.format_message()
    what = what[:1].lower() + what[1:].rstrip(".")
    hint = f"{error.ctx.command_path} --help" if error.ctx else "lambent --help"
    if unknown := re.match(r"no such command '([^']*)'", what):
        from difflib import get_close_matches  # here and jsonlines above: what only an error needs

        close = get_close_matches(unknown[1], COMMANDS, 1)
        hint = f"lambent {close[0]}" if close else hint
    return UsageError(what, where=where, hint=hint)
