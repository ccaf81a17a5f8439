"""What a function that failed has said about it: its own traceback, from its log, its response, or AWS's answer. Pure."""

from __future__ import annotations

import html
import re

from msgspec import Struct

from lambent.aws.values import Settings
from lambent.deployment import stack_dump
from lambent.deployment.log_records import ACCESS
from lambent.module_packages import ADD

_PLATFORM_LINE = re.compile(r"(?:START|END|REPORT) RequestId|INIT_")
_LOG_LINES = 40
_TRACE_LINES = 40
"""A longer traceback is cut: its head, the app's own frames and its end are shown."""
_HEAD = "Traceback (most recent call last):"
_CHAINED = r"(?:direct cause of the following|another exception occurred).*\s*\Z"
"""The text between the tracebacks of a chained exception, which belong together."""
_HEADING = re.compile(r"^\[ERROR\] .*(?:\n(?!\[ERROR\] |START RequestId).*){0,12}\Z", re.MULTILINE)
"""AWS's line about the exception, before its traceback. The exception's message may have more lines."""
_FRAME = re.compile(r'^\s*File "(?:/var/task/|/tmp/app/|(?=\w[\w.-]*/))([^"]+)", line (\d+)', re.MULTILINE)
"""A template may have the relative path by which the app names its folder."""
_IN_THREAD = re.compile(r"^Exception in thread .*\nTraceback .*\n(?:[ \t].*\n)+\S.*", re.MULTILINE)
"""What Python prints of a thread that has failed, which may be why the request fails."""
_ACCESS_LINE = re.compile(rf"^{ACCESS.pattern}(?:\n|\Z)", re.MULTILINE)
_DEBUG_PAGES = (
    re.compile(r'<textarea[^>]*id="traceback_area"[^>]*>(.*?)</textarea>', re.DOTALL),  # Django
    re.compile(r"<!--\s*(Traceback \(most recent call last\):.*?)-->", re.DOTALL),  # Werkzeug, and so Flask
)


class Failure(Struct, frozen=True):
    """What is known: AWS's error type, message and stack trace, the end of the log, and the status of a web app's 5xx.

    `body` is the response of that status. `add_command` says how to add a package to the app's requirements, and `own_names`
    are the app's own folders and modules at the top of the zip. `packages` are those that it has.
    """

    settings: Settings
    error_type: str = ""
    message: str = ""
    trace: str = ""
    log: str = ""
    status: int = 0
    body: str = ""
    add_command: str = ADD
    own_names: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """Everything that may name the cause."""
        return "\n".join((f"{self.error_type}: {self.message}", self.trace, self.lines, read_debug_page(self.body)))

    @property
    def lines(self) -> str:
        """The log in readable form, without the runtime's own lines about the request.

        AWS's client indents with NBSP and joins the lines of a traceback with CR.
        """
        return _ACCESS_LINE.sub("", self.log.replace("\xa0", " ").replace("\r\n", "\n").replace("\r", "\n"))

    @property
    def module(self) -> str:
        return self.settings.handler.rpartition(".")[0]

    @property
    def traceback(self) -> str:
        """The function's own traceback: the last one in the log, else AWS's stack trace, else that of a debug page, or ""."""
        logged = _last_traceback(self.lines)
        if logged:
            return logged
        if self.trace:
            return f"{_HEAD}\n{self.trace}\n{self.error_type}: {self.message}".rstrip(": ")
        return read_debug_page(self.body)

    @property
    def exception(self) -> str:
        """The line that names the exception: the first ("[ERROR] ...") of AWS's form of a traceback, the last of Python's."""
        lines = self.traceback.rstrip().splitlines()
        for line in (lines[0].removeprefix("[ERROR] "), *reversed(lines)) if lines else ():
            if re.match(r"[A-Za-z_][\w.]*(?::|$)", line) and not line.startswith(("Traceback", "During", "The above")):
                return line
        return ""

    @property
    def has_unanswered_exception(self) -> bool:
        """Whether a request that was answered logged an exception, of a background task for example.

        Litestar also logs one that is the answer, such as 404 for a path without a route.
        """
        is_answer = re.search(r"\bhttp_exceptions\.\w+: 4\d\d: ", self.exception)
        return bool(self.traceback and self.exception) and not is_answer

    @property
    def member(self) -> str:
        """The last exception in an exception group, in the form of AWS's client or of Python's own traceback, or ""."""
        lines = re.findall(
            r"^(?:Caused by |[ |+-]*\| )([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\w*: .*)$", self.text, re.MULTILINE
        )
        return next((line for line in reversed(lines) if "ExceptionGroup" not in line), "")

    @property
    def position(self) -> str:
        """The last of the app's own lines on the way to the exception ("main.py, line 6"), or ""."""
        frames = [f"{path}, line {line}" for path, line in _FRAME.findall(self.traceback) if self._is_own(path)]
        return frames[-1] if frames else ""

    @property
    def source_line(self) -> str:
        """The text of that line, or ""."""
        frames = [match for match in _FRAME.finditer(self.traceback) if self._is_own(match[1])]
        following = self.traceback[frames[-1].end() :].splitlines()[1:2] if frames else []
        return "".join(line.strip() for line in following if not _FRAME.match(line))

    @property
    def where(self) -> str:
        """The position in parentheses, to follow a sentence; or ""."""
        return f" ({self.position})" if self.position else ""

    @property
    def stopped_at(self) -> str:
        """Where the app's own code was when its process crashed or its time was nearly over, or ""."""
        return stack_dump.last_position(self.lines, self._is_own)

    @property
    def shortly_before(self) -> str:
        """Where that was, to append to a sentence about the time, or ""."""
        return f" (shortly before, it was at {self.stopped_at})" if self.stopped_at else ""

    @property
    def detail(self) -> str:
        """The traceback, or else the last lines of the log, or else the response or AWS's message."""
        if self.traceback and not self.exception.startswith("SystemExit"):  # what it printed before says why
            threads = [trace for trace in _IN_THREAD.findall(self.lines) if trace not in self.traceback]
            return "\n".join((*threads[-1:], self._shorten(self.traceback)))
        own = [line for line in self.lines.splitlines() if not _PLATFORM_LINE.match(line)]
        return "\n".join(own[-_LOG_LINES:]).strip() or self.message or self.response

    @property
    def response(self) -> str:
        """The text of the response; of a page its title and headings only."""
        return _readable(self.body)

    def _is_own(self, path: str) -> bool:
        """Whether a file of the zip is surely the user's: at the top, in an own folder, or in that of the handler."""
        top, slash, _ = path.partition("/")
        return not slash or top in self.own_names or top == self.module.replace("/", ".").split(".")[0]

    def _shorten(self, traceback: str) -> str:
        lines = traceback.splitlines()
        if len(lines) <= _TRACE_LINES:
            return traceback
        end = len(lines) - _TRACE_LINES // 2
        head = lines.index(_HEAD) if _HEAD in lines else 0
        shown = {*range(min(head, _TRACE_LINES // 2) + 2), *range(end, len(lines))}
        for index, line in enumerate(lines[:end]):
            frame = _FRAME.match(line)
            if frame and self._is_own(frame[1]) and line not in lines[:index]:  # chained exceptions repeat them
                shown |= {index, index + 1}
        text: list[str] = []
        for index, line in enumerate(lines):
            if index in shown:
                text.append(line)
            elif text[-1] != "  ...":
                text.append("  ...")
        return "\n".join(text)


def _last_traceback(lines: str) -> str:
    log = re.split(r"^(?:END RequestId|REPORT RequestId|INIT_REPORT)", lines, maxsplit=1, flags=re.MULTILINE)[0]
    start = log.rfind(_HEAD)
    while start > 0 and re.search(_CHAINED, log[:start]) and log.rfind(_HEAD, 0, start) >= 0:
        start = log.rfind(_HEAD, 0, start)
    if start < 0:
        return ""
    heading = _HEADING.search(log[:start].rstrip("\n"))
    own = log[start:].rstrip()
    # AWS's client prints the heading even without frames, as for a module that can't be imported.
    own = "" if own == _HEAD else own
    return "\n".join(part for part in (heading[0] if heading else "", own) if part)


def read_debug_page(body: str) -> str:
    """Return the traceback that a framework's debug page shows, or ""."""
    for pattern in _DEBUG_PAGES:
        page = pattern.search(body)
        if page:
            text = html.unescape(page[1])
            return text[max(text.find(_HEAD), 0) :].strip()
    plain = body.lstrip()
    return plain.rstrip() if plain.startswith(_HEAD) else ""


def _readable(body: str) -> str:
    """Return the text of a response; of a page its title and headings only."""
    if not re.match(r"\s*(?:<!doctype|<html|<head|<title)", body, re.IGNORECASE):
        return body[:2000]
    titles = re.findall(r"<(?:title|h1|h2)[^>]*>(.*?)</", body, re.DOTALL | re.IGNORECASE)
    texts = (" ".join(html.unescape(re.sub(r"<[^>]*>", " ", title)).split()) for title in titles[:4])
    return "\n".join(dict.fromkeys(text for text in texts if text))
