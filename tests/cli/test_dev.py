"""`lambent dev` as a developer sees it: the real command, a real editor's saves, and a browser."""

from __future__ import annotations

import http.client
import json
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
from support.chromium import browsing, find_chromium
from support.reader import free_port, reader_environment
from support.sandboxes import needs_namespaces
from support.waiting import eventually

LAMBENT = Path(sys.executable).parent / "lambent"
PAGE = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
LIBRARY = """\
[project]
name = "colours"
version = "1"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
"""
WITHOUT_NAMESPACES = (
    "unshare", "--user", "--map-root-user",
    "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh",
)  # fmt: skip
APP = """\
import threading, time

NUMBER = 0
worker = threading.Thread(target=time.sleep, args=(600,), daemon=True)
worker.start()


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/boom":
        raise ValueError("no such colour")
    if path == "/slow":
        time.sleep(3)
    start_response("200 OK", [("content-type", "text/html")])
    working = "" if worker.is_alive() else ", without its thread"
    return [f"<!doctype html><body>number {NUMBER}{working}</body>".encode()]
"""


class Development:
    """A run of the command in a folder. It ends as by Ctrl-C."""

    def __init__(self, folder: Path, *launcher: str, app: str = APP) -> None:
        self.folder = folder / "shop"
        self.folder.mkdir()
        self.port = free_port()
        self.state = folder / "state"
        self.output = folder / "output"
        self.launcher = launcher
        if app:
            self.write("app.py", app)
        self.write("requirements.txt", "")
        self.browser = Browser(f"http://shop.localhost:{self.port}")
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [*self.launcher, LAMBENT, "dev"], cwd=self.folder, env=reader_environment(self.folder.parent, self.port),
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        eventually(lambda: "watching for changes" in self.text, within_s=120, what="the first deploy")
        return process

    def restore(self) -> None:
        """Bring the app back to what it was at first, whatever another test has done."""
        if self.process.poll() is not None:
            self.process = self.start()
        if (self.folder / "app.py").read_text() != APP:
            self.write("app.py", APP)
            self.wait_for("number 0")

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

    def begin_events(self, path: str) -> str:
        """Return a stream of events up to its first state: the rest takes as long as a connection may last."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": self.browser.host})
            response, text = connection.getresponse(), ""
            while "data: " not in text:
                line = response.readline().decode()
                assert line, f"it ended: {text}"
                text += line
            return text
        finally:
            connection.close()

    def logged_requests(self, path: str) -> int:
        """Return how many requests of / the terminal shows, after one of this path."""
        self.browser.get(path)
        eventually(lambda: f"GET    {path}" in self.text, what="the request in the log")
        return self.text.count("GET    / ")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.text

    def end(self) -> None:
        self.process.kill() if self.process.poll() is None else None
        daemon.stop(self.state, force=True)


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    development = Development(tmp_path_factory.mktemp("dev"))
    try:
        yield development
    finally:
        development.end()


@pytest.fixture
def running(development: Development) -> Development:
    development.restore()
    return development


def test_save_is_answered_and_the_open_page_reloads(running: Development) -> None:
    page = running.browser.get("/", **PAGE).text
    state = re.search(r"/_lambent/reload\.js\?([0-9a-f-]+)", page)
    assert state is not None and "number 0" in page
    running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 1"))
    assert running.wait_for("number 1").status == 200
    events = running.begin_events("/_lambent/changes")
    assert events.startswith("retry: ") and "data: " in events and f"data: {state[1]}" not in events


def test_broken_save_shows_its_traceback_until_it_is_fixed(running: Development) -> None:
    running.write("app.py", "import helper\n" + APP)
    running.write("helper.py", "COLOURS = {}\nprint(COLOURS['blue'])\n")
    failed = running.wait_for("KeyError")
    assert failed.status == 500
    assert "File &quot;helper.py&quot;, line 2" in failed.text and "/_lambent/reload.js" in failed.text
    eventually(lambda: "KeyError: 'blue'" in running.text, what="the error in the terminal")
    assert 'File "helper.py", line 2' in running.text and "/var/task/" not in running.text
    running.write("helper.py", "print('leaving')\nraise SystemExit(3)\n")
    running.wait_for("leaving")
    eventually(lambda: "exited with error: exit status 3" in running.text, what="the exit in the terminal")
    assert running.text.count("KeyError: 'blue'") <= 2, "once for the save, and once for a request that came before it was seen"
    assert "LAMBDA_WARNING" not in running.text
    assert "INIT_START" not in running.text and "START RequestId" not in running.text
    assert running.browser.get("/").text.startswith("Runtime.ExitError"), "others than browsers get text"
    running.write("helper.py", "COLOURS = {}\n")
    running.wait_for("number 0")


def test_error_of_a_request_is_a_page_with_its_traceback(running: Development) -> None:
    running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 2"))
    running.wait_for("number 2")
    failed = running.browser.get("/boom", **PAGE)
    assert failed.status == 500 and "ValueError: no such colour" in failed.text
    assert "File &quot;app.py&quot;, line 11" in failed.text
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
    for number in range(101, 126):
        running.write("app.py", APP.replace("NUMBER = 0", f"NUMBER = {number}"))
        running.wait_for(f"number {number}")
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
    assert "number 100" in slow[0]


def test_new_requirement_builds_the_zip_again(running: Development) -> None:
    if (running.folder / "requirements.txt").read_text():
        running.write("requirements.txt", "")
    running.write("app.py", "import itsdangerous\n" + APP.replace("number {", "{itsdangerous.__name__} {"))
    assert running.wait_for("itsdangerous 0").status == 200
    assert "is added: app.py needs it" in running.text
    requests = running.logged_requests("/before")
    running.write("requirements.txt", "itsdangerous\n")
    eventually(lambda: "built again: requirements.txt" in running.text, what="the line in the terminal")
    assert running.logged_requests("/after") == requests, "those that check a new version aren't shown"


def test_local_package_outside_of_the_folder_is_watched(running: Development) -> None:
    module = running.folder.parent / "library" / "colours" / "__init__.py"
    module.parent.mkdir(parents=True)
    (module.parents[1] / "pyproject.toml").write_text(LIBRARY)
    module.write_text("NAME = 'blue'\n")
    running.write("app.py", "import colours\n" + APP.replace("number {", "{colours.NAME} {"))
    running.write("requirements.txt", "itsdangerous\n-e ../library\n")
    running.wait_for("blue 0")
    module.write_text("NAME = 'green'\n")
    running.wait_for("green 0")
    eventually(lambda: "built again: __init__.py" in running.text, what="the line in the terminal")


def test_versions_say_who_published_them(running: Development) -> None:
    environment = reader_environment(running.folder.parent, running.port)
    command = [LAMBENT, "versions", "--local", "--json"]
    listed = subprocess.run(command, cwd=running.folder, env=environment, check=True, capture_output=True, text=True)
    versions = json.loads(listed.stdout)["versions"]
    assert versions and all("@" in each["by"] for each in versions)


def test_page_in_a_browser_reloads_after_each_save(running: Development, tmp_path: Path) -> None:
    """The real script in a real browser: after saves, a broken one and its fix, and when it comes back from the history."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("there is no Chromium")
    with browsing(executable, tmp_path) as browser:
        page = browser.open(f"http://shop.localhost:{running.port}/")
        page.wait("document.body?.innerText.includes('number 0')")
        for number in range(1, 6):
            running.write("app.py", APP.replace("NUMBER = 0", f"NUMBER = {number}"))
            page.wait(f"document.body?.innerText.includes('number {number}')")
        running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = missing"))
        page.wait("document.querySelector('h1')?.innerText.includes('NameError')")
        running.write("app.py", APP)
        page.wait("document.body?.innerText.includes('number 0')")
        page.go("about:blank")
        page.wait("location.href === 'about:blank'")
        running.write("app.py", APP.replace("NUMBER = 0", "NUMBER = 7"))
        running.wait_for("number 7")
        page.run("history.back()")
        page.wait("document.body?.innerText.includes('number 7')")
        assert not [text for text in page.complaints() if "500" not in text and "favicon" not in text]


def test_plain_processes_reload_too(tmp_path: Path) -> None:
    """On a machine that permits no namespaces."""
    needs_namespaces()  # to forbid them
    development = Development(tmp_path, *WITHOUT_NAMESPACES, app="")
    try:
        assert re.search("no app found.*watching for changes", development.text, re.DOTALL), "it waits for an app"
        status = daemon.status(development.state)
        assert status is not None and status["engine"]["sandbox"] == "process"
        for number in range(1, 6):
            development.write("app.py", APP.replace("NUMBER = 0", f"NUMBER = {number}"))
            assert development.wait_for(f"number {number}").text.startswith(f"<!doctype html><body>number {number}<")
        development.interrupt()
        assert not _processes(development.state), development.text
    finally:
        development.end()


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
