"""`lambent local`: run the local Lambda."""

from __future__ import annotations

import json
import logging
import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from lambent.cli.options import PORT, Number, json_option, port_option, state_option
from lambent.errors import LocalError
from lambent.events import LocalRunning, LocalStopped, Warned
from lambent.lazy import LazyModule
from lambent.library.default_folders import default_cache, name_state
from lambent.local import daemon, set_aside, state_folder
from lambent.local.port_owner import port_owner
from lambent.local.set_aside import SetAside
from lambent.ui import jsonlines, plain, tables
from lambent.ui.detail import chosen_detail
from lambent.ui.reporter import reporter
from lambent.ui.views import local_time

if TYPE_CHECKING:
    from lambent.cli import foreground_log
    from lambent.library import destination
    from lambent.local import service
else:
    destination = LazyModule("lambent.library.destination")  # botocore takes a tenth of a second
    foreground_log = LazyModule("lambent.cli.foreground_log")
    service = LazyModule("lambent.local.service")  # uvicorn and moto take a third of a second to import

EXPORTS = {
    "sh": "export {name}={value}",
    "fish": "set -gx {name} {value}",
    "powershell": '$Env:{name} = "{value}"',
}

instance_port_option = click.option("--port", metavar="P", type=PORT, help="Port of the instance, instead of its state folder.")


@click.group()
def command() -> None:
    """Run the local Lambda: AWS's API and Function URLs on this machine, at one loopback address. Needs no AWS account."""


@command.command()
@click.option("--foreground", is_flag=True, help="Stay in this terminal and show requests and logs, until Ctrl-C.")
@port_option
@state_option
@click.option("--as-of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Apply AWS's rules of a day, YYYY-MM-DD.")
@click.option(
    "--share-network",
    is_flag=True,
    envvar="LAMBENT_SHARE_NETWORK",
    help="Let functions use this machine's network, with what listens on its loopback, such as a database.",
)
@click.option("--enforce-iam", is_flag=True, help="Let the policies of users and roles decide what their calls may do.")
@click.option("--until-stdin-closes", is_flag=True, hidden=True, help="End with the process that started it.")
@click.option("--ready-fd", type=int, hidden=True, help="File descriptor to write to once the service answers requests.")
@json_option
def start(
    foreground: bool,
    port: int | None,
    state: Path,
    as_of: datetime | None,
    ready_fd: int | None,
    **flags: bool,
) -> None:
    """Start the local Lambda in the background."""
    as_json, until_stdin_closes = flags.pop("as_json"), flags.pop("until_stdin_closes")
    day, switches = as_of.date() if as_of else None, daemon.Switches(**flags)
    if foreground:
        _serve(state, port, day, ready_fd, switches, until_stdin_closes=until_stdin_closes)
        return
    running = daemon.ensure_running(state, port, day, dict(os.environ), switches)
    with reporter(as_json) as emit:
        facts = (running.url, running.pid, running.sandbox, running.network, running.as_of)
        emit(LocalRunning(*facts, started=running.started_now, state=name_state(state)))


@command.command()
@instance_port_option
@state_option
@click.option("--force", is_flag=True, help="Kill it if it doesn't answer or doesn't stop.")
@json_option
def stop(port: int | None, state: Path, force: bool, as_json: bool) -> None:
    """Stop the local Lambda. The next start restores its functions, roles and URLs."""
    instance = _find_instance(port, state) if port else {"state": state}
    with reporter(as_json) as emit:
        emit(LocalStopped(daemon.stop(Path(instance["state"]), force=force) if instance else None))


@command.command()
@instance_port_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print the status as a JSON line.")
def status(port: int | None, state: Path, as_json: bool) -> int:
    """Show whether the local Lambda is running, and what it holds. The exit status is 1 if it isn't running."""
    instance = _find_instance(port, state)
    pid = daemon.unresponsive_pid(state) if instance is None and port is None else None
    aside = set_aside.find(Path(instance["state"]) if instance else state)
    if as_json:
        hung = {"pid": pid, "state": str(state)} if pid else {}
        running = {"running": instance is not None or pid is not None, "responding": instance is not None}
        listed = {"set_aside": to_builtins(aside)} if aside else {}
        jsonlines.print_object("LocalStatus", {**running, **hung, **(instance or {}), **listed})
        return 0 if instance else 1
    if chosen_detail() == "result":
        lines, aside = [instance["url"]] if instance is not None else [], []
    elif instance is not None:
        lines = describe(instance)
    elif pid is not None:
        what = f"the local Lambda (pid {pid}) is running but doesn't answer (state in {state})"
        lines = [what, f"  {daemon.force_command(state)}"]
    else:
        owner = port_owner(port) if port else None
        note = f"port {port} is in use by {owner}" if owner else f"port {port}" if port else f"state in {state}"
        lines = [f"the local Lambda is not running ({note})", "  lambent local start"]
    for line in [*lines, *_describe_set_aside(aside)]:
        click.echo(line)
    return 0 if instance else 1


@command.command()
@state_option
@click.option("--shell", type=click.Choice(list(EXPORTS)), default="sh", show_default=True, help="Shell that reads the lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the variables as a JSON line.")
def env(state: Path, shell: str, as_json: bool) -> None:
    """Print the lines that point aws, boto3 and other tools at it."""
    instance = daemon.status(state)
    if instance is None:
        pid = daemon.unresponsive_pid(state)
        hung = Warned(f"the local Lambda (pid {pid}) doesn't answer", daemon.force_command(state))
        with reporter(as_json=False) as emit:  # on stderr, which no shell evaluates
            emit(hung if pid else Warned("the local Lambda is not running", "lambent local start"))
    url = instance["url"] if instance else f"http://127.0.0.1:{daemon.DEFAULT_PORT}"
    variables = daemon.client_environment(url)
    if as_json:
        jsonlines.print_object("LocalEnvironment", {"running": instance is not None, "variables": variables})
        return
    for name, value in variables.items():
        click.echo(EXPORTS[shell].format(name=name, value=value))


@command.command()
@state_option
@click.option("--lines", "-n", metavar="N", type=Number(1), default=20, show_default=True, help="Number of lines.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as a JSON line.")
def log(state: Path, lines: int, as_json: bool) -> None:
    """Print the last lines of its log.

    It records starts, and refused calls with the reason. `lambent logs --local` shows what functions log.
    """
    try:
        shown = daemon.log_lines(state, lines)
    except FileNotFoundError:
        file = daemon.log_file(state)
        raise LocalError("the local Lambda has no log yet", where=str(file), hint="lambent local start") from None
    except OSError as error:
        raise state_folder.unusable(daemon.log_file(state), error) from None
    for line in shown:
        jsonlines.print_object("LocalLogLine", {"text": line}) if as_json else click.echo(line)


def describe(instance: dict[str, Any]) -> list[str]:
    """Return the status of a running instance as lines for people."""
    engine = instance["engine"]
    environments = engine["environments"]
    rows = [
        ("url", instance["url"], f"(pid {instance['pid']}, lambent {instance['version']})"),
        ("since", local_time(instance["started"]), ""),
        ("rules of", instance["as_of"], ""),
        ("state", instance["state"], ""),
        ("sandbox", engine["sandbox"], ""),
        ("network", daemon.network_of(engine), ""),
        *([("permissions", "enforced", "(--enforce-iam)")] if instance.get("enforce_iam") else []),
        ("functions", str(instance["functions"]), ""),
        ("environments", str(sum(sum(counts.values()) for counts in environments.values())), ""),
    ]
    rows += [("", name, f"({counts['idle']} idle, {counts['busy']} busy)") for name, counts in sorted(environments.items())]
    return tables.align_left(rows)


def _describe_set_aside(aside: list[SetAside]) -> list[str]:
    if not aside:
        return []
    lines = ["set aside because it could not be read:"]
    for each in aside:
        entries = "" if each.entries is None else f" ({each.entries} {'entry' if each.entries == 1 else 'entries'})"
        lines.append(f"  {each.path}{entries}")
    return [*lines, "if you don't need it, remove it:", f"  {set_aside.remove_command(aside)}"]


def _find_instance(port: int | None, state: Path) -> dict[str, Any] | None:
    """Return the status of the instance on `port`, or else of that with this state folder. None if it isn't running."""
    if not port:
        return daemon.status(state)
    answer = daemon.request_json(port, "GET", "/_lambent/status")
    return answer if answer and "engine" in answer else None  # another service may be listening there


class OneLine(logging.Formatter):
    """Writes each message on one line: what came from outside can't look like another message, or control the terminal.

    The lines of a traceback are indented.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(f"  {_printable(line)}" for line in super().formatException(ei).splitlines())


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _set_up_logging() -> None:
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(OneLine("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.getLogger("lambent").setLevel(logging.INFO)


def _serve(
    state: Path,
    port: int | None,
    as_of: date | None,
    ready_fd: int | None,
    switches: daemon.Switches,
    *,
    until_stdin_closes: bool,
) -> None:
    """Run the local Lambda in this process until it is stopped."""
    _set_up_logging()
    settings = service.Settings(
        state=state,
        cache=default_cache(),
        port=daemon.DEFAULT_PORT if port is None else port,
        as_of=as_of or date.today(),
        environ=dict(os.environ),
        share_network=switches.share_network,
        enforce_iam=switches.enforce_iam,
        until_stdin_closes=until_stdin_closes,
    )

    address: list[str] = []
    log = foreground_log.ForegroundLog(lambda region: destination.connect_local(address[0], region), plain.print_event)

    def ready(health: dict[str, Any]) -> None:
        address.append(health["url"])
        _write_line(ready_fd, health)
        rules = f"rules of {health['as_of']}, state in {health['state']}"
        click.echo(f"the local Lambda is running at {health['url']} ({rules}); Ctrl-C stops it")

    try:
        if ready_fd is None:
            log.start()
        service.run(settings, ready, log.take if ready_fd is None else None)
    except LocalError as error:
        _write_line(ready_fd, {"error": error.what, "where": error.where, "hint": error.hint})
        raise


def _write_line(descriptor: int | None, content: dict[str, Any]) -> None:
    if descriptor is not None:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is not a path
            file.write(json.dumps(content).encode() + b"\n")
