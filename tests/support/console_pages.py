"""Runs a page's own commands, and compares what they print with what the page shows.

A fenced `bash` block holds commands; a `text` block right after it is what they print together. A `console` block holds
both: commands after `$ `, and what each prints. In what is shown, `...` stands for anything within its line, and a line of
nothing but `...` for any lines. All blocks of a page run in order in one bash session.

Comments in the page, which no reader sees, say what a block needs:

    <!-- fails -->             the last command of the next block fails: its exit status is not 0
    <!-- needs zip curl -->    the section (up to the next heading of its level or above) needs these programs
    <!-- not run -->           the next block is for reading only
"""

from __future__ import annotations

import difflib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict

_FENCE = re.compile(r"(`{3,})\s*(\w*)\s*$")
_COMMENT = re.compile(r"<!--\s*(fails|needs|not run)\s*(.*?)\s*-->\s*$")
_HEADING = re.compile(r"(#+)\s+(.*)")


class Command(Struct, frozen=True):
    """One complete command, and the line of the page it starts on."""

    line: int
    text: str


class Block(Struct, frozen=True):
    """Commands that the page shows together. `fails` is about the last one; `sections` are the headings above it."""

    commands: tuple[Command, ...]
    shown: str | None
    fails: bool
    sections: tuple[str, ...]
    needs: tuple[str, ...]


class Wrong(AssertionError):
    """The page does not tell the truth."""


class _Place(Struct):
    """Where the reader of the page is: the open headings by level, and what was said about the next block."""

    headings: dict[int, str] = field(default_factory=dict)
    needs: dict[int, tuple[str, ...]] = field(default_factory=dict)
    fails: bool = False
    run: bool = True

    def enter(self, level: int, title: str) -> None:
        self.headings = {known: text for known, text in self.headings.items() if known < level} | {level: title}
        self.needs = {known: programs for known, programs in self.needs.items() if known < level}

    def remark(self, word: str, rest: str) -> None:
        if word == "fails":
            self.fails = True
        elif word == "needs":
            self.needs[max(self.headings, default=0)] = tuple(rest.split())
        else:
            self.run = False

    def block(self, commands: tuple[Command, ...], shown: str | None) -> Block:
        needs = tuple(program for programs in self.needs.values() for program in programs)
        return Block(commands, shown, self.fails, tuple(self.headings.values()), needs)


def blocks(page: str) -> list[Block]:
    """The blocks of a Markdown page that are to be run, in order."""
    found: list[Block] = []
    place = _Place()
    fresh = False  # whether a `text` block here would be the output of the block before
    lines = iter(enumerate(page.splitlines(), 1))
    for number, line in lines:
        if heading := _HEADING.match(line):
            place.enter(len(heading[1]), heading[2])
        elif comment := _COMMENT.match(line):
            place.remark(comment[1], comment[2])
        elif fence := _FENCE.match(line):
            body = list(_body(lines, fence[1]))
            if fence[2] == "text" and fresh:
                found[-1] = Block(**{**asdict(found[-1]), "shown": "\n".join(body)})
            elif place.run:
                found += _parsed(fence[2], number + 1, body, place)
            fresh = place.run and fence[2] == "bash"
            place.fails, place.run = False, True
            continue
        fresh = fresh and not line.strip()
    return found


def _body(lines: Iterator[tuple[int, str]], fence: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip() == fence:
            return
        yield line


def _parsed(language: str, number: int, body: Sequence[str], place: _Place) -> list[Block]:
    if language == "bash":
        return [place.block(tuple(_commands(number, body)), None)]
    if language != "console":
        return []
    found: list[Block] = []
    index = 0
    while index < len(body):
        if not body[index].startswith("$ "):
            raise Wrong(f"line {number + index}: a console block starts with `$ `")
        start, text = index, body[index][2:]
        while not complete(text):
            index += 1
            if index == len(body):
                raise Wrong(f"line {number + start}: this command does not end")
            text += "\n" + body[index]
        end = next((at for at in range(index + 1, len(body)) if body[at].startswith("$ ")), len(body))
        found.append(place.block((Command(number + start, text),), "\n".join(body[index + 1 : end])))
        index = end
    return found


def _commands(number: int, body: Sequence[str]) -> Iterator[Command]:
    """The complete commands among these lines."""
    text, start = "", number
    for at, line in enumerate(body, number):
        if not text and (not line.strip() or line.startswith("#")):
            continue
        start = start if text else at
        text = f"{text}\n{line}" if text else line
        if complete(text):
            yield Command(start, text)
            text = ""
    if text:
        raise Wrong(f"line {start}: this command does not end")


def complete(text: str) -> bool:
    """Whether bash would run this now, and not wait for another line."""
    if text.endswith("\\"):
        return False
    check = subprocess.run(["bash", "-n"], input=text + "\n", capture_output=True, text=True, timeout=30)
    return check.returncode == 0 and not check.stderr


def matches(shown: str, printed: str) -> bool:
    """Whether this was printed, give or take the `...` and white space at the ends of lines."""
    pattern = r"\n".join(_line_pattern(line) for line in _tidy(shown))
    # A line of only dots stands for any lines, none among them: its own newline may be missing too.
    pattern = pattern.replace(r"\n(?s:.*?)\n", r"\n(?:(?s:.*?)\n)??")
    pattern = pattern.removesuffix(r"\n(?s:.*?)") + r"(?s:\n.*)?" if pattern.endswith(r"\n(?s:.*?)") else pattern
    return re.fullmatch(pattern, "\n".join(_tidy(printed))) is not None


def _line_pattern(line: str) -> str:
    if line.strip() == "...":
        return "(?s:.*?)"
    return ".*?".join(re.escape(part) for part in line.split("..."))


def _tidy(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip("\n").split("\n")]


class Session:
    """A bash in which one command follows the other. `replaced` maps what is printed to what the page shows instead."""

    def __init__(self, folder: Path, environment: Mapping[str, str], replaced: Mapping[str, str] | None = None) -> None:
        self._script = folder.parent / f"{folder.name}.sh"
        self._printed = folder.parent / f"{folder.name}.out"
        self._replaced = dict(replaced or {})
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait(timeout=20)
        for stream in (self._bash.stdin, self._bash.stdout):
            if stream:
                stream.close()

    def run(self, command: str, timeout: float) -> tuple[int, str]:
        """The exit status and all that was printed. `timeout` in seconds; afterwards the session is of no use.

        What is printed goes to a file: a pipe would stay open as long as any process that the command leaves behind.
        """
        self._script.write_text(command + "\n")
        wrapped = f'. "{self._script}" </dev/null >"{self._printed}" 2>&1; echo "status $?"\n'
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(wrapped.encode())
        self._bash.stdin.flush()
        answer = b""
        deadline = time.monotonic() + timeout
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0, deadline - time.monotonic()))
            got = os.read(self._bash.stdout.fileno(), 4096) if ready else b""
            if not got:
                raise Wrong(f"not done in {timeout:g} seconds:\n{command}\n\nIt printed:\n{self._text()}")
            answer += got
        return int(answer.split()[-1]), self._text()

    def _text(self) -> str:
        text = self._printed.read_text(errors="replace") if self._printed.exists() else ""
        for real, shown in self._replaced.items():
            text = text.replace(real, shown)
        return text


def play(block: Block, session: Session, page: str, timeout: float = 300) -> None:
    """Runs a block. Raises Wrong at the first command that fails, or when something else is printed than is shown."""
    printed = ""
    for command in block.commands:
        status, output = session.run(command.text, timeout)
        printed += output
        if (status != 0) is not (block.fails and command is block.commands[-1]):
            raise Wrong(f"{page}:{command.line}: exit status {status}:\n{command.text}\n\nIt printed:\n{output}")
    if block.shown is not None and not matches(block.shown, printed):
        lines = difflib.unified_diff(_tidy(block.shown), _tidy(printed), "the page shows", "printed", lineterm="")
        raise Wrong(f"{page}:{block.commands[0].line}: printed something else:\n" + "\n".join(lines))
