"""The servers that a module starts, read from its calls: when it is imported, and when it is run as a program."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.detection.expression_scan import ExpressionScan, LookUp
from lambent.config.detection.framework_lookup import find_key
from lambent.config.detection.late_setup import LateSetup, find_late_setup
from lambent.config.detection.scanned import ServerStart, Value

Follow = Callable[[str, str, Callable[["ServerScan", str], Any]], Any]
"""Asks the scan of another own module about one of its functions (both as text). None if there is no such module."""
_SERVES = re.compile(
    r"\bserve\w*\(|run_forever|start_polling|TCPSite|while True|run_app|Event\(\)\.wait|asyncio\.Future\(\)|\.start\(.*token",
    re.I,
)
_ASYNC_RUNNERS = ("asyncio.run", "anyio.run", "trio.run")


class ServerScan(ExpressionScan):
    """The part of a module's scan that finds the starts of servers. `follow` leads into other own modules."""

    def __init__(self, module: str, package: str, look_up: LookUp, follow: Follow, outer: ServerScan | None = None) -> None:
        super().__init__(module, package, look_up, outer)
        self.guarded: list[ast.If] = []
        self.called: set[str] = set()  # own functions, by statements of the module itself
        self.server_starts: list[ServerStart] = []
        self._follow = follow
        self._imported: dict[str, tuple[str, str]] = dict(outer._imported) if outer else {}

    def scan_inside(self, body: Iterable[ast.stmt]) -> ServerScan:
        """Return the scan of statements that see the names of this scan."""
        raise NotImplementedError

    def program_start(self) -> ServerStart | None:
        """Return the start of a server that the runtime can take the app from, when the module is run as a program.

        A module without `if __name__ == "__main__"` is run as an installed script runs it: its function `main` is called.
        """
        starts = list(self.server_starts)
        for guard in self.guarded:
            starts += self.scan_inside(guard.body).server_starts
        main = self._functions.get("main")
        if not self.guarded and isinstance(main, ast.FunctionDef) and (start := self.start_inside("main")):
            starts.append(start)
        return next((start for start in starts if start.serves), None)

    def late_setup(self, app: str) -> LateSetup | None:
        """Return what sets up an app only when the module is run as a program, if the runtime can take the app from it."""
        start = self.program_start() if self.guarded else None
        if start is None or re.search(r"\(\s*['\"]", start.text):  # uvicorn.run("main:app") imports the module again
            return None
        return find_late_setup(app, self.guarded, self._functions, self.called)

    def start_inside(self, name: str) -> ServerStart | None:
        """Return the server that a call of an own or imported function starts, or None."""
        if name not in self._functions:
            start: ServerStart | None = self._ask(name, ServerScan.start_inside)
            return start
        if self._depth > 2:
            return None
        starts = self.scan_inside(self._functions[name].body).server_starts
        return starts[0] if starts else None

    def made_by(self, name: str) -> Value | None:
        """Return the object that a call of an own or imported function returns, if it holds an app. Else None."""
        if name not in self._functions:
            value: Value | None = self._ask(name, ServerScan.made_by)
            return value
        returned = self._returned(self._functions[name])
        return returned if returned.holder else None

    def _ask(self, name: str, question: Callable[[ServerScan, str], Any]) -> Any:
        return self._follow(*self._imported[name], question) if name in self._imported else None

    def _note_server_starts(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.If) and statement.orelse:  # certain if every branch starts one
                before = len(self.server_starts)
                self._note_server_starts(statement.body)
                middle = len(self.server_starts)
                self._note_server_starts(statement.orelse)
                if before == middle or middle == len(self.server_starts):
                    del self.server_starts[before:]
            elif isinstance(statement, ast.With | ast.AsyncWith | ast.Try):
                self._note_server_starts(statement.body)
            call = statement.value if isinstance(statement, ast.Expr | ast.Assign | ast.Return) else None
            call = call.value if isinstance(call, ast.Await) else call
            start = self._server_start(call) if isinstance(call, ast.Call) else None
            if start is not None and (start := replace(start, line=statement.lineno)) not in self.server_starts:
                self.server_starts.append(start)

    def _server_start(self, call: ast.Call) -> ServerStart | None:
        """Return the start of a server if a call is one, which doesn't return then. Own functions are followed."""
        function = call.func
        if isinstance(function, ast.Name) and (function.id in self._functions or function.id in self._imported):
            if start := self.start_inside(function.id):
                return start
            if function.id in self._functions:
                return None
        dotted = self._value(function).dotted
        text = ast.unparse(call)
        if dotted in _ASYNC_RUNNERS:
            return self._coroutine_start(call, text)
        if dotted.startswith("tornado.ioloop.IOLoop.") and dotted.endswith(".start"):
            return ServerStart(call.lineno, text, True)
        if runner := find_key(dotted, fw.RUNNERS):
            return ServerStart(call.lineno, text, runner not in fw.UNSERVED)
        return self._run_method(function, call, text) if isinstance(function, ast.Attribute) else None

    def _run_method(self, function: ast.Attribute, call: ast.Call, text: str) -> ServerStart | None:
        base = self._value(function.value)
        is_known = base.dotted.partition(".")[0] in fw.SERVERS
        if function.attr in fw.LOOPS:
            return ServerStart(call.lineno, text, is_known)
        if function.attr not in fw.RUN_METHODS:
            return None
        if base.kind in ("asgi", "wsgi", "web") or base.holder or base.unsupported:
            return ServerStart(call.lineno, text, bool(base.kind) or base.holder in fw.SERVED_HOLDERS)
        return ServerStart(call.lineno, text, is_known) if base.opaque and self._app_argument(call) is not None else None

    def _coroutine_start(self, call: ast.Call, text: str) -> ServerStart | None:
        """Return the server that the coroutine of `asyncio.run` starts, or that it serves forever, by the words in it."""
        coroutine = call.args[0] if call.args else None
        if isinstance(coroutine, ast.Name):  # anyio.run(main)
            coroutine = ast.copy_location(ast.Call(coroutine, call.args[1:], []), coroutine)
        if not isinstance(coroutine, ast.Call):
            return None
        if (start := self._server_start(coroutine)) and start.serves:
            return ServerStart(call.lineno, text, True)
        name = coroutine.func.id if isinstance(coroutine.func, ast.Name) else ""
        body = self._functions.get(name)
        is_server = _SERVES.search(ast.unparse(body if body is not None else call)) is not None
        return ServerStart(call.lineno, text, False) if is_server else None
