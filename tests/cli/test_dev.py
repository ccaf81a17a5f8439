"""`lambent dev` as a developer sees it: the real command, a real editor's saves, and a browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.local import daemon
from support.browser import Browser, Response
from support.reader import free_port, reader_environment
from support.waiting import eventually

LAMBENT = Path(sys.executable).parent / "lambent"
PAGE = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
APP = """\
import time

NUMBER = 0


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("no such colour")
    if path == "/slow":
        time.sleep(3)
    start_response("200 OK", [("content-type", "text/html")])
    return [f"<!doctype html><body>number {NUMBER}</body>".encode()]
"""


class Development:
    """A run of the command in a folder. It ends as by Ctrl-C."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        self.port = free_port()
        self.state = folder / "state"
        self.output = folder / "output"
        self.write("app.py", APP)
        self.write("requirements.txt", "")
        self.browser = Browser(f"http://shop.localhost:{self.port}")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [LAMBENT, "dev", *options], cwd=self.folder, env=reader_environment(folder, self.port), stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip
        eventually(lambda: "watching for changes" in self.text, within_s=120, what="the first deploy")

    @property
    def text(self) -> str:
        return self.output.read_text()

    def write(self, name: str, text: str) -> None:
        """Save as editors do: a new file in place of the old one."""
        temporary = self.folder / f"{name}.tmp~"
        temporary.write_text(text)
        temporary.rename(self.folder / name)

    def wait_for(self, text: str, path: str = "/") -> Response:
        """Return the first response with this text."""

        def matching() -> Response | None:
            response = self.browser.get(path, **PAGE)
            return response if text in response.text else None

        response = eventually(matching, within_s=60, what=f"{text!r} at {path}")
        assert response is not None
        return response

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    development = Development(tmp_path_factory.mktemp("dev"))
    try:
        yield development
    finally:
        development.process.kill() if development.process.poll() is None else None
        daemon.stop(development.state, force=True)


def test_save_is_answered_and_the_open_page_reloads(running: Development) -> None:
    page = running.browser.get("/", **PAGE).text
    state = re.search(r"/_lambent/reload\.js\?([0-9a-f-]+)", page)
    assert state is not None and "number 0" in page
    running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 1"))
    assert running.wait_for("number 1").status == 200
    events = running.browser.get("/_lambent/changes").text
    assert events.startswith("retry: ") and f"data: {state[1]}" not in events


def test_broken_save_shows_its_traceback_until_it_is_fixed(running: Development) -> None:
    running.write("app.py", "import helper\n" + APP)
    running.write("helper.py", "COLOURS = {}\nprint(COLOURS['blue'])\n")
    failed = running.wait_for("KeyError")
    assert failed.status == 500
    assert "helper.py&quot;, line 2" in failed.text and "/_lambent/reload.js" in failed.text
    eventually(lambda: "KeyError: 'blue'" in running.text, what="the error in the terminal")
    assert running.browser.get("/").text.startswith("KeyError"), "others than browsers get text"
    running.write("helper.py", "COLOURS = {}\n")
    running.wait_for("number 0")


def test_error_of_a_request_is_a_page_with_its_traceback(running: Development) -> None:
    running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 2"))
    running.wait_for("number 2")
    failed = running.browser.get("/boom", **PAGE)
    assert failed.status == 500 and "ValueError: no such colour" in failed.text and "app.py&quot;, line 9" in failed.text
    assert "ValueError" not in running.browser.get("/boom").text, "only a browser's page is replaced"


def test_no_request_fails_while_files_are_saved(running: Development) -> None:
    """One that runs during a save ends with the code that it began with."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            statuses.append(running.browser.get("/").status)

    slow: list[str] = []
    running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 100"))
    running.wait_for("number 100")
    threads = [threading.Thread(target=ask), threading.Thread(target=lambda: slow.append(running.browser.get("/slow").text))]
    for thread in threads:
        thread.start()
    eventually(lambda: "GET    /slow" in running.text, what="the request in the log, which shows it while it runs")
    for number in range(101, 121):
        running.write("app.py", APP.replace("NUMBER = 0", f"NUMBER = {number}"))
        running.wait_for(f"number {number}")
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert "number 100" in slow[0]


def test_new_requirement_builds_the_zip_again(running: Development) -> None:
    running.write("app.py", "import itsdangerous\n" + APP.replace("number {", "{itsdangerous.__name__} {"))
    assert running.wait_for("itsdangerous 0").status == 200
    assert "is added: app.py needs it" in running.text
    running.write("requirements.txt", "itsdangerous\n")
    eventually(lambda: "built again: requirements.txt" in running.text, what="the line in the terminal")


def test_ctrl_c_ends_everything(running: Development) -> None:
    status = daemon.status(running.state)
    assert status is not None
    running.interrupt()
    assert not _processes(running.state), running.text
    assert daemon.status(running.state) is None


def _processes(state: Path) -> list[str]:
    """The command lines of processes that belong to this state folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(state) in words:
            found.append(words)
    return found
