"""Starts of `lambent dev`: this process imports the app's packages once, and each start of the app is a fork of it.

It never imports the app's own files. The local Lambda tells it what to do in the replies to `POST lambent/parent`: "import"
packages, "fork" the process that imports the app and answers events, or "end" that process. The names of packages to import
follow, one a line; they are those that an earlier start of the app has imported.

A package that starts a thread while it is imported can't be forked safely, and one that swallows the error about an app's
file would stay half configured. This process then starts over without that package, in place (execve), so that the app's
process, its child, goes on.
"""

from __future__ import annotations

import posix
import sys
from _signal import SIG_DFL, SIGCHLD, SIGKILL, signal  # type: ignore[import-not-found]  # `signal` itself imports enum

from .api import ConnectionLost, RuntimeApi
from .environment import set_variable, variable
from .fault import Fault
from .writable import own_files, task_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from .api import Invocation
    from .invocation_loop import Server
    from .log import Log

VARIABLE = "LAMBENT_WARM_START"
"""Its value is "1", or after starting over "<pid of the child> <reason> <module that is left out>"."""

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_TASKS = "/proc/self/task"


class WarmStart:
    """What a forked process knows of its parent's imports."""

    def __init__(self, address: str, inherited: frozenset[str]) -> None:
        self._address = address
        self._inherited = inherited

    def watch(self, server: Server) -> Server:
        """Return the server of a process that reports what the app imports at its start and with its first event."""
        self._report()
        return _FirstEvent(server, self._report)

    def _report(self) -> None:
        """Tell the local Lambda which packages the app has imported and the parent has not."""
        own = _OwnModules()
        names = [
            name for name, module in list(sys.modules.items()) if name not in self._inherited and own.is_foreign(name, module)
        ]
        if names:
            self._inherited |= frozenset(names)
            post(self._address, "modules", "\n".join(names))


class _FirstEvent:
    """A server that reports after its first event, and from then on is the other."""

    def __init__(self, server: Server, report: Callable[[], None]) -> None:
        self._server, self._report = server, report
        self.close = server.close

    def serve(self, api: RuntimeApi, log: Log, invocation: Invocation) -> None:
        self._server.serve(api, log, invocation)
        self._report()
        self.serve = self._server.serve  # type: ignore[method-assign]


def fork_starts() -> WarmStart:
    """Serve the local Lambda until it ends this process. Returns in each forked process."""
    parent = _Parent(variable("AWS_LAMBDA_RUNTIME_API"), variable(VARIABLE))
    try:
        return parent.serve()
    except (OSError, ConnectionLost):  # the local Lambda has ended
        posix._exit(1)


def post(address: str, path: str, text: str) -> str:
    """Send a message to the local Lambda on a connection of its own, and return the reply."""
    api = RuntimeApi(address)
    try:
        return api.message(f"/lambent/{path}", text.encode()).decode()
    finally:
        api.drop()


class _Parent:
    def __init__(self, address: str, state: str) -> None:
        child, _, reason = state.partition(" ")
        self._address = address
        self._child = int(child) if reason else 0
        self._report = reason or "new"
        self._own = _OwnModules()

    def serve(self) -> WarmStart:
        signal(SIGCHLD, lambda number, frame: self._reap())
        _adopt_orphans()
        self._reap()
        while True:
            command, *modules = post(self._address, "parent", self._report).split("\n")
            self._report = ""
            self._import(modules)
            if command != "import":
                self._end()
            if command == "fork" and not self._fork():
                return WarmStart(self._address, frozenset(sys.modules))

    def _fork(self) -> int:
        """Fork, and return the child's id, or 0 in the child."""
        import gc

        gc.collect()
        gc.freeze()  # else the first collection in each child would copy most of the memory
        self._child = posix.fork()
        if not self._child:
            signal(SIGCHLD, SIG_DFL)
            set_variable(VARIABLE, None)
            gc.unfreeze()
            for finder in list(sys.path_importer_cache.values()):
                if finder is not None and hasattr(finder, "invalidate_caches"):
                    finder.invalidate_caches()  # the app's files may have changed within the resolution of a folder's date
        return self._child

    def _reap(self) -> None:
        """If the child has ended by itself, say how."""
        if not self._child:
            return
        try:
            pid, status = posix.waitpid(self._child, posix.WNOHANG)
        except ChildProcessError:
            pid, status = self._child, 0
        if pid:
            self._child = 0
            is_signal = posix.WIFSIGNALED(status)
            number = posix.WTERMSIG(status) if is_signal else posix.WEXITSTATUS(status)
            post(self._address, "exit", f"{'signal' if is_signal else 'status'} {number}")

    def _end(self) -> None:
        """Kill the child with all that it has started, which this process adopts as it goes."""
        child, self._child = self._child, 0
        pids = [child] if child else []
        while pids:
            for pid in pids:
                _kill(pid)
            pids = _children()

    def _import(self, names: list[str]) -> None:
        if not names:
            return
        output, errors, nothing = posix.dup(1), posix.dup(2), posix.open("/dev/null", posix.O_WRONLY)
        posix.dup2(nothing, 1)  # the app's first start prints what packages print at import
        posix.dup2(nothing, 2)
        sys.meta_path.insert(0, self._own)
        try:
            for name in names:
                self._import_one(name)
        finally:
            sys.meta_path.remove(self._own)
            for descriptor, number in ((output, 1), (errors, 2)):
                posix.dup2(descriptor, number)
                posix.close(descriptor)
            posix.close(nothing)

    def _import_one(self, name: str) -> None:
        refused = self._own.refused
        try:
            __import__(name)
        except BaseException:  # it can't be imported before the app has configured it: then each start imports it
            return
        if _threads() > 1:
            self._start_over(f"threads {name}")
        if self._own.refused > refused:
            self._start_over(f"own {name}")

    def _start_over(self, reason: str) -> NoReturn:
        with open("/proc/self/cmdline", "rb") as file:  # noqa: PTH123 - sys.orig_argv is new in 3.10
            arguments = file.read().split(b"\0")[:-1]
        set_variable(VARIABLE, f"{self._child} {reason}")
        posix.execve(sys.executable, arguments, dict(posix.environ))


class _OwnModules:
    """The app's own modules. As a finder of the import system it refuses them."""

    def __init__(self) -> None:
        self.refused = 0
        try:
            names = own_files()
        except Fault:  # the zip was built by something else
            names = []
        self._files = {f"{task_folder()}/{name}" for name in names}
        self._tops = {name.partition("/")[0].partition(".")[0] for name in names if name.endswith((".py", ".so"))}

    def find_spec(self, name: str, path: Any, target: Any = None) -> None:
        if name.partition(".")[0] in self._tops:
            self.refused += 1
            raise ImportError(f"{name} may be one of the app's own modules", name=name)

    def is_foreign(self, name: str, module: Any) -> bool:
        """Whether a module is Python's or a package's, and can be imported by its name."""
        spec = getattr(module, "__spec__", None)
        if name == "__main__" or getattr(spec, "name", "") != name:
            return False
        top, runtime = name.partition(".")[0], (__package__ or "").partition(".")[0]
        return top != runtime and top not in self._tops and getattr(module, "__file__", None) not in self._files


def _adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent ends, where the system can do that."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def _children() -> list[int]:
    try:
        with open(f"{_TASKS}/{posix.getpid()}/children", "rb", 0) as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _threads() -> int:
    try:
        return len(posix.listdir(_TASKS))
    except OSError:
        return 1


def _kill(pid: int) -> None:
    try:
        posix.kill(pid, SIGKILL)
        posix.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
