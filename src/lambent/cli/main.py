"""Words to calls, and the one error door.

Exit codes: 0 done, 1 an expected error, 2 the words were wrong, 3 a bug of ours (with a report to paste), 4 deployed but
not confirmed, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from lambent import __version__
from lambent.errors import LambentError, UsageError
from lambent.ui import failure

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
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: list[str]) -> int:
    try:
        outcome: Any = cli.main(args=arguments, prog_name="lambent", standalone_mode=False)
    except LambentError as error:
        failure.show(error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return UsageError.exit_code
    except click.UsageError as error:
        failure.show(_usage(error))
        return UsageError.exit_code
    except click.ClickException as error:
        failure.show(LambentError(error.format_message()))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        failure.show(LambentError("interrupted", hint="run the same command again: it goes on from what is there"))
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception as error:
        failure.bug(error, arguments)
        return BUG
    return outcome if isinstance(outcome, int) else 0


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
    return UsageError(what, where=where, hint=hint)
