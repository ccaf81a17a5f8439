"""The bench of `lambent dev`: from a save to the new answer, against `uvicorn --reload` with the same app, side by side."""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import platformdirs

from lambent.interpreters import Interpreter

from . import peers, report
from .machine import circumstances
from .model import Effort, Row, Sample, Side, Site
from .outcome import Outcome
from .runtime_api import Trouble

_PINS = Path(__file__).parent / "dev_peers.txt"
_SOURCE = (Path(__file__).parent / "apps" / "fastapi_app.py").read_text()
_ANSWER = '"world"'
_BAR = 0.25
_PAUSE_S = 0.3  # a save comes when nothing else goes on
_LIMIT_S = 120.0
_LOOK_S = 0.001
_SHOWN = ("fastapi", "uvicorn", "watchfiles")

_HOW = """\
### How it is measured

Both sides run FastAPI's smallest app in a folder of its own, with the same versions of the packages and the same Python:
`lambent dev` on a local Lambda of its own, and `uvicorn --reload` with watchfiles, its fastest way to notice a change. In each
round a number in the app's answer is changed, by writing the file, and the time is taken until a GET of `/` returns it;
requests are sent one after the other all the while. The sides take turns in random order, each when the other is idle. The
ratio is taken round by round.

### Repeat it

```
scripts/bench dev            # all rows; writes this part of the page
scripts/bench dev --quick    # fewer rounds; writes nothing
```
"""


class _Server(ABC):
    """One side: a process that serves the app in `folder`, and reloads it."""

    def __init__(self, folder: Path, python: Interpreter, packages: Path) -> None:
        self.folder, self.python, self.packages = folder, python, packages
        self._number = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        folder.mkdir()
        self._write()
        self._log = (folder.parent / f"{folder.name}.log").open("wb+")
        self._process = self._start(self._log)

    @property
    @abstractmethod
    def host(self) -> str: ...

    @abstractmethod
    def _start(self, log: IO[bytes]) -> subprocess.Popen[bytes]: ...

    def save(self) -> float:
        """Save a change, and return the milliseconds until the answer has changed."""
        self._number += 1
        self._write()
        started = time.perf_counter()
        self.wait()
        return (time.perf_counter() - started) * 1000

    def wait(self) -> None:
        """Wait until the app answers as its file says."""
        deadline = time.monotonic() + _LIMIT_S
        expected = f'"world {self._number}"'.encode()
        while expected not in self._answer():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._log.seek(0)
                raise Trouble(f"no answer: {self._log.read()[-300:]!r}")
            time.sleep(_LOOK_S)

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)
        self._log.close()

    def _write(self) -> None:
        (self.folder / "main.py").write_text(_SOURCE.replace(_ANSWER, f'"world {self._number}"'))

    def _answer(self) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMIT_S)
        try:
            connection.request("GET", "/", headers={"Host": f"{self.host}:{self.port}"})
            return connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return b""
        finally:
            connection.close()


class _Lambent(_Server):
    options: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        return f"{self.folder.name}.localhost"

    def _start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        fastapi = next(line for line in _PINS.read_text().splitlines() if line.startswith("fastapi=="))
        (self.folder / "requirements.txt").write_text(f"{fastapi}\n")
        words = ["dev", "--port", str(self.port), "--state", str(self.folder.parent / f"{self.folder.name}-state")]
        words += ["--cache-dir", str(platformdirs.user_cache_path("lambent")), "--runtime", f"python{self.python.version}"]
        command = [sys.executable, "-P", "-m", "lambent", *words, *self.options]
        return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)


class _LambentCold(_Lambent):
    options = ("--cold",)


class _Uvicorn(_Server):
    host = "localhost"

    def _start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [str(self.python.path), "-m", "uvicorn", "main:app", "--reload", "--port", str(self.port)]
        environ = {**os.environ, "PYTHONPATH": str(self.packages)}
        return subprocess.Popen(command, cwd=self.folder, env=environ, stdout=log, stderr=log, start_new_session=True)


_SERVERS = {"lambent dev": _Lambent, "lambent dev --cold": _LambentCold, "uvicorn --reload": _Uvicorn}


def _measure(row: Row, site: Site, effort: Effort) -> list[Sample]:
    assert row.theirs is not None
    with ExitStack() as stack:
        servers: list[_Server] = []
        for side in (row.ours, row.theirs):
            folder = site.folder / re.sub(r"[^a-z]+", "-", f"{row.name}-{side.client}")
            servers.append(_SERVERS[side.client](folder, site.interpreter, site.packages))
            stack.callback(servers[-1].close)
            servers[-1].wait()
            servers[-1].save()
        samples = []
        for _ in range(effort.rounds):
            figures = {}
            for number in random.sample((0, 1), 2):
                time.sleep(_PAUSE_S)
                figures[number] = servers[number].save()
            samples.append(Sample(figures[0], figures[1]))
        return samples


def _row(name: str, client: str, title: str, bar: float | None) -> Row:
    sides = Side(client, "main:app"), Side("uvicorn --reload", "main:app")
    return Row(name, title, bar, *sides, {}, _measure, "ms")


ROWS = (
    _row("save", "lambent dev", "save to answer, FastAPI, against `uvicorn --reload`", _BAR),
    _row("save-cold", "lambent dev --cold", "the same with `--cold`: each start as on AWS", None),
)


def names() -> list[str]:
    return [row.name for row in ROWS]


def run(chosen: Sequence[str], *, quick: bool) -> Outcome:
    """Measure the rows. Raise NoPeers if an interpreter or uvicorn is missing."""
    effort = Effort(rounds=5 if quick else 30, generations=1, seconds=0)
    load = os.getloadavg()
    python = peers.interpreter()
    packages = peers.installed(python, _PINS)
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        site = Site(python, packages, Path(folder).resolve())
        results = [report.measure(row, site, effort) for row in ROWS if row.name in chosen]
    met = all(result.met for result in results)
    pins = [line.replace("==", " ") for line in _PINS.read_text().splitlines() if line.startswith(_SHOWN)]
    more = [
        f"Python {python.version}, {', '.join(pins)} (the rest: bench/{_PINS.name})",
        f"effort: {effort.rounds} saves a side",
    ]
    part = (
        "## lambent dev\n\nWritten by `scripts/bench dev`; do not edit by hand. A ratio is lambent's figure divided by the"
        f" other's: smaller is better.\n\n{report.table(results)}\n### Where and when\n\n{circumstances(load, more)}\n{_HOW}"
    )
    return Outcome(report.table(results), part, met)
