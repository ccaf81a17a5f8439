"""Runs a command inside the deployed function, passes its output on while it runs, and tells how it ended.

The runtime in the zip sends frames: a letter, four bytes with a length, and the data (runtime/command.py).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from lambent.aws.interface import Aws
from lambent.aws.values import Invoked
from lambent.deployment.invoke import Callee, describe_error, find_callee
from lambent.errors import AwsError, CommandError, DetachedError, UsageError
from lambent.events import Emit, Notice, Warned
from lambent.log_events import CommandEnded, CommandOutput
from lambent.units import size

_STREAMS = {b"o": "stdout", b"e": "stderr"}
_ALIVE, _END = b"a", b"x"
_HEAD = 5
_TIMED_OUT = 124
"""The exit status that `timeout` of coreutils has for it."""


class Command(Struct, frozen=True):
    """The words of a command, and variables that only it gets."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def run_command(aws: Aws, name: str, command: Command, emit: Emit, version: str = "") -> int:
    """Run a command in a version (default: the live one) and return its exit status.

    Raises UsageError if that version takes no commands, CommandError if the command didn't run to its end, and DetachedError
    at Ctrl-C.
    """
    callee = find_callee(aws, name, version)
    _check_enabled(callee)
    emit(Notice(f"running in {_where(callee)}, for at most {callee.function.settings.timeout_s} s (the function's timeout)"))
    frames = FrameReader()
    invoked = _invoke(aws, callee, command, frames, emit)
    for event in frames.rest():
        emit(event)
    return _outcome(callee, command, frames, invoked, emit)


class FrameReader:
    """Turns the parts of a stream, cut anywhere, into output. `result` is how the command ended, None until it has.

    `has_started` says whether anything has arrived, `is_foreign` whether it is something else than frames.
    Bytes that aren't UTF-8 become lone surrogates, from which the terminal gets the same bytes again.
    """

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        self.has_started = False
        self.is_foreign = False
        self._buffer = bytearray()
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {stream: decoder("surrogateescape") for stream in _STREAMS.values()}

    def feed(self, part: bytes) -> Iterator[CommandOutput]:
        self.has_started = True
        self._buffer += part
        while len(self._buffer) >= _HEAD and not self.is_foreign:
            kind, length = bytes(self._buffer[:1]), int.from_bytes(self._buffer[1:_HEAD], "big")
            if kind not in (*_STREAMS, _ALIVE, _END):
                self.is_foreign = True
            if len(self._buffer) < _HEAD + length:
                return
            data = bytes(self._buffer[_HEAD : _HEAD + length])
            del self._buffer[: _HEAD + length]
            if kind == _END:
                self.result = json.loads(data)
            elif stream := _STREAMS.get(kind):
                yield from _output(stream, self._decoders[stream].decode(data))

    def rest(self) -> Iterator[CommandOutput]:
        """Yield what is left of a character that the end has cut."""
        for stream, decoder in self._decoders.items():
            yield from _output(stream, decoder.decode(b"", final=True))


def _output(stream: str, text: str) -> Iterator[CommandOutput]:
    if text:
        yield CommandOutput(stream, text)


def _where(callee: Callee) -> str:
    return f"version {callee.function.version} of {callee.name}"


def _check_enabled(callee: Callee) -> None:
    if not callee.function.settings.takes_commands:
        hint = "lambent deploy --run, or run = true in [tool.lambent] and lambent deploy"
        raise UsageError(f"{_where(callee)} takes no commands", where=f"function {callee.name}", hint=hint)


def _invoke(aws: Aws, callee: Callee, command: Command, frames: FrameReader, emit: Emit) -> Invoked:
    payload = json.dumps({"command": command.words, "environment": dict(command.environment)}).encode()

    def receive(part: bytes) -> bool:
        for event in frames.feed(part):
            emit(event)
        return False

    try:
        return aws.run_command(callee.name, callee.function.version, payload, receive)
    except KeyboardInterrupt:
        limit = f"at the latest when the function's timeout of {callee.function.settings.timeout_s} s is over"
        what = f"you no longer see the command, but it goes on in the function until it ends, {limit}"
        raise DetachedError(what, where=callee.location, hint="lambent logs shows when it has ended") from None
    except AwsError as error:
        if not frames.has_started:
            raise
        hint = "it may still be running: lambent logs shows when it has ended"
        raise CommandError(f"the connection to the command broke: {error.what}", where=callee.location, hint=hint) from error


def _outcome(callee: Callee, command: Command, frames: FrameReader, invoked: Invoked, emit: Emit) -> int:
    """Return the exit status of the command. Raises CommandError if it did not end by itself."""
    settings, where = callee.function.settings, callee.location
    name, result = command.words[0], frames.result
    if invoked.error or result is None:
        raise _failure(callee, invoked)
    if problem := result.get("problem"):
        hint = "python, a file of the app, a script of one of its packages, or a program that Lambda has"
        raise CommandError(str(problem), where=where, hint=hint, exit_code=int(result["status"]))
    if left_out := result.get("left_out"):
        emit(Warned(f"{size(left_out)} of output were left out: Lambda streams 200 MB", "a file in S3 for large output"))
    if result.get("timed_out"):
        what = f"{name} was stopped, because the function's timeout of {settings.timeout_s} s was nearly over"
        hint = "lambent deploy --run --timeout 900; up to 1800 s are possible"
        raise CommandError(what, where=where, hint=hint, exit_code=_TIMED_OUT)
    status, signal = int(result["status"]), str(result.get("signal", ""))
    if signal == "SIGKILL":
        emit(
            Warned(f"{name} was killed, perhaps because it needs more than the function's {settings.memory_mb} MB", "--memory")
        )
    elif signal:
        emit(Warned(f"{name} was ended by {signal}"))
    emit(CommandEnded(status, signal))
    return status


def _failure(callee: Callee, invoked: Invoked) -> CommandError:
    if not invoked.error:
        hint = "its zip is of an older lambent: lambent deploy --run"
        return CommandError(f"{_where(callee)} didn't understand the command", where=callee.location, hint=hint)
    what = f"the function failed while it ran the command: {describe_error(invoked.payload.decode('utf-8', 'replace'))[:500]}"
    hint = "lambent logs shows more; a command gets the function's memory and timeout"
    return CommandError(what, where=callee.location, hint=hint)
