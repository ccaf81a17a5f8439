"""The `lambent` command: it finds the subcommand, and turns every error into a message and an exit code.

Exit codes: 0 success, 1 the command failed, 2 usage error or a missing confirmation, 3 a bug in lambent, 4 deployed but not
confirmed, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from lambent.cli.interrupts import keep_interrupts
from lambent.cli.verbosity import add_verbosity, verbosity_options
from lambent.errors import CancelledError, LambentError, UsageError
from lambent.lazy import LazyModule
from lambent.ui import errors
from lambent.ui.broken_pipe import survive_broken_pipe
from lambent.ui.software import software

if TYPE_CHECKING:
    import difflib

    from lambent.cli import completion_index
    from lambent.ui import jsonlines
else:
    completion_index = LazyModule("lambent.cli.completion_index")
    difflib = LazyModule("difflib")
    jsonlines = LazyModule("lambent.ui.jsonlines")

COMMANDS = {
    "deploy": "Build and deploy an app, and print its URL.",
    "init": "Write a commented [tool.lambent], and a pipeline for GitHub Actions.",
    "adopt": "Take over a function that lambent didn't create.",
    "dev": "Run an app on this machine, and reload it when you save a file.",
    "plan": "Show what a deploy would change. Changes nothing.",
    "status": "Show what is deployed.",
    "logs": "Show an app's requests, with what it logged and its tracebacks.",
    "invoke": "Call the function with an event, and show its result and its log.",
    "run": "Run a command inside the function, such as a migration.",
    "curl": "Send a request to the app's URL with curl, signed if the URL wants that.",
    "open": "Open the app's URL in the browser.",
    "env": "List, set or remove environment variables, without a build.",
    "versions": "List an app's versions and which one is live.",
    "rollback": "Make an earlier version live again.",
    "destroy": "Delete an app and everything lambent created for it.",
    "export": "Export an app as a CloudFormation or Terraform template.",
    "config": "Show every setting and where its value comes from.",
    "build": "Build the zip and show its size breakdown.",
    "cache": "Show, shrink or clear the build cache.",
    "local": "Run the local Lambda: start, stop, status, env, log.",
    "vendor": "Copy lambent's runtime into a folder, for other build tools.",
    "report": "Print what an issue should say: versions, platform, what was detected.",
    "completion": "Complete commands and options with Tab in bash, zsh or fish.",
    "help": "Say what a command does and which options it takes.",
}

BUG, INTERRUPTED = 3, 130

_OTHER_FOLDER = "or use another folder: --cache-dir or --state (LAMBENT_CACHE, LAMBENT_STATE)"
_SYSTEM_HINTS = {
    errno.ENOSPC: f"free some space on that disk, {_OTHER_FOLDER}",
    errno.EDQUOT: f"free some space in your quota, {_OTHER_FOLDER}",
    errno.EROFS: f"make it writable, {_OTHER_FOLDER}",
    errno.EACCES: f"fix its permissions, {_OTHER_FOLDER}",
    errno.EMFILE: "ulimit -n 4096",
}
"""Errors of the machine that only the user can fix, and how."""


class Commands(click.Group):
    """A group that imports a command's module only when that command runs, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"lambent.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        add_verbosity(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(context: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(software())
        context.exit()


@click.group(
    cls=Commands,
    params=verbosity_options(),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    help="Show the version and exit.",
    callback=_print_version,
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Deploy an unmodified Python web app to AWS Lambda and get a working URL.

    \b
    lambent deploy --local      run the app in this folder on the local Lambda, without an AWS account
    lambent deploy              deploy it to your AWS account
    lambent help COMMAND        say what a command does and which options it takes
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run() -> None:
    """Run the command line and exit the process. Nothing else exits it."""
    if instruction := os.environ.get("_LAMBENT_COMPLETE"):  # a shell asks: see completion_index.py
        sys.exit(completion_index.complete(cli, instruction))
    keep_interrupts()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # like stderr: a missing character must not stop a deploy
    code = _exit_code(sys.argv[1:])
    if code == INTERRUPTED:  # exit at once, without waiting for threads that a second Ctrl-C would hit
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        outcome: Any = cli.main(args=arguments, prog_name="lambent", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:  # a group, such as `lambent env`
        click.echo(error.format_message())
        return 0
    except BrokenPipeError:
        return 0  # the reader of a help text or a list has read enough; a deploy goes on (ui/broken_pipe.py)
    except (Exception, KeyboardInterrupt) as error:
        return _report(error, arguments)
    return outcome if isinstance(outcome, int) else 0


def _report(error: BaseException, arguments: list[str]) -> int:
    """Show what ended the command, to people and with --json to machines. Return the exit code."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # so that the message is complete
    if isinstance(error, CancelledError):
        survive_broken_pipe(errors.print_sentence)(error.what)
        return error.exit_code
    translated, code = _translate(error)
    if "--json" in arguments:
        survive_broken_pipe(partial(jsonlines.print_error, exit_code=code))(translated)
    if code == BUG:
        survive_broken_pipe(partial(errors.print_bug_report, arguments=arguments))(error)
    else:
        survive_broken_pipe(errors.print_error)(translated)
    return code


def _translate(error: BaseException) -> tuple[LambentError, int]:
    """Return the error as a LambentError, and its exit code."""
    if isinstance(error, LambentError):
        return error, error.exit_code
    if isinstance(error, click.UsageError):
        return _usage_error(error), UsageError.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return LambentError("interrupted", hint="run the same command again: it resumes"), INTERRUPTED
    if isinstance(error, click.ClickException):
        return LambentError(error.format_message()), error.exit_code
    if isinstance(error, OSError) and error.errno in _SYSTEM_HINTS:
        return LambentError(f"{error.strerror}: {error.filename or 'the output'}", hint=_SYSTEM_HINTS[error.errno]), 1
    return LambentError(f"bug in lambent: {type(error).__name__}: {error}", hint="report it with the details on stderr"), BUG


def _usage_error(error: click.UsageError) -> UsageError:
    command = error.ctx.command_path if error.ctx else "lambent"
    where, what, hint = command, error.format_message(), f"{command} --help"
    if isinstance(error, click.BadParameter) and error.param is not None:
        where = f"{command} {error.param.get_error_hint(error.ctx) if error.ctx else error.param.name}"
        what = error.message
    what = what[:1].lower() + what[1:].rstrip(".")
    if unknown := re.match(r"no such command '([^']*)'", what):
        group = error.ctx.command if error.ctx else cli
        names = group.list_commands(error.ctx or click.Context(group)) if isinstance(group, click.Group) else ()
        close = difflib.get_close_matches(unknown[1], names, 1)
        what, hint = unknown[0], f"{command} {close[0]}" if close else hint  # without click's own suggestions
    return UsageError(what, where=where, hint=hint)
