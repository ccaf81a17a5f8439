"""What can go wrong for a newcomer, with the real command: one error, an exit code, and nothing left half-deploy."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import forked
from support.browser import Browser
from support.forked import ForkedProcess

LAMBENT = Path(sys.executable).parent / "lambent"
OK = 'def lambda_handler(event, context):\n    return "fine"\n'


class Sandbox:
    """A local Lambda with its own state folder, and a folder for projects."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"

    def project(self, name: str, app: str = OK, requirements: str | None = None) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(app)
        if requirements is not None:
            (folder / "requirements.txt").write_text(requirements)
        return folder

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(word) for word in (LAMBENT, "deploy", "--local", "--state", self.state, "--port", "0", *arguments)]

    def deploy(self, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return forked.run(self.command(*arguments), timeout=120, env=clean_environment(**environ))


def clean_environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))} | more


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("failures"))
    yield sandbox
    subprocess.run([LAMBENT, "local", "stop", "--state", sandbox.state], capture_output=True, timeout=60, check=True)


def assert_refused(deploy: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    """Assert that the deploy failed with this exit code and one error that contains the texts."""
    assert deploy.returncode == code, deploy.stderr
    assert deploy.stdout == ""
    lines = deploy.stderr.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1, deploy.stderr
    assert not any(line.startswith(("Traceback", "bug: ")) for line in lines), deploy.stderr
    for text in texts:
        assert text in deploy.stderr


def test_a_folder_without_an_app(sandbox: Sandbox) -> None:
    folder = sandbox.project("nothing", "x = 1\n")
    assert_refused(sandbox.deploy(folder), 1, "app.py", "  try  ")


def test_a_missing_folder(sandbox: Sandbox) -> None:
    assert_refused(sandbox.deploy(sandbox.folder / "nowhere"), 2, "nowhere")


def test_a_syntax_error(sandbox: Sandbox) -> None:
    folder = sandbox.project("syntax", "def lambda_handler(event, context)\n    return 1\n")
    assert_refused(sandbox.deploy(folder), 1, "syntax error", "app.py:1", "def lambda_handler(event, context)")


def test_a_missing_module(sandbox: Sandbox) -> None:
    folder = sandbox.project("missing", f"import nothing_like_it\n{OK}")
    assert_refused(
        sandbox.deploy(folder), 1, "imports nothing_like_it", "app.py:1", "put nothing-like-it into a new requirements.txt"
    )


def test_a_missing_module_of_a_web_app(sandbox: Sandbox) -> None:
    web = "import nothing_like_it\n\nasync def app(scope, receive, send):\n    pass\n"
    assert_refused(sandbox.deploy(sandbox.project("missing-web", web)), 1, "imports nothing_like_it", "neither in the zip nor")


def test_the_old_version_stays_live_if_the_new_one_fails(sandbox: Sandbox) -> None:
    folder = sandbox.project("raises")
    first = sandbox.deploy(folder)
    assert first.returncode == 0, first.stderr
    sandbox.project("raises", "def lambda_handler(event, context):\n    return {}['absent']\n")
    assert_refused(sandbox.deploy(folder), 1, "KeyError", "app.py", "return {}['absent']")
    assert fetch(first.stdout.strip()) == "fine"
    sandbox.project("raises")
    second = sandbox.deploy(folder)
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


def test_a_web_app_that_answers_500_shows_its_own_traceback(sandbox: Sandbox) -> None:
    web = "def app(environ, start_response):\n    raise ValueError('the database is on fire')\n"
    assert_refused(
        sandbox.deploy(sandbox.project("wsgi-raises", web)),
        1,
        "ValueError: the database is on fire",
        'File "app.py", line 2',
    )


def test_a_timeout(sandbox: Sandbox) -> None:
    folder = sandbox.project("slow", "import time\n\ndef lambda_handler(event, context):\n    time.sleep(60)\n")
    assert_refused(sandbox.deploy(folder, "--timeout", "1"), 1, "timed out", "1 s", "--timeout")


def test_out_of_memory(sandbox: Sandbox) -> None:
    folder = sandbox.project("hungry", "def lambda_handler(event, context):\n    return len(b'x' * 400_000_000)\n")
    assert_refused(sandbox.deploy(folder, "--memory", "128"), 1, "out of memory", "128 MB", "--memory")


def test_exit_at_import(sandbox: Sandbox) -> None:
    assert_refused(sandbox.deploy(sandbox.project("exits", f"import sys\nsys.exit(3)\n{OK}")), 1, "exit status 3")


def test_an_app_that_is_too_large(sandbox: Sandbox) -> None:
    folder = sandbox.project("large")
    with (folder / "blob.bin").open("wb") as blob:
        blob.truncate(300 * 1024 * 1024)
    assert_refused(sandbox.deploy(folder), 1, "too large", "blob.bin")


def test_an_unknown_package(sandbox: Sandbox) -> None:
    assert_refused(
        sandbox.deploy(sandbox.project("typo", requirements="lambent-has-no-such-package-xyz\n")),
        1,
        "lambent-has-no-such-package-xyz",
    )


def test_a_native_package_without_a_wheel(sandbox: Sandbox) -> None:
    folder = sandbox.project("no-wheel", requirements="pysqlite3==0.5.0\n")
    assert_refused(sandbox.deploy(folder), 1, "pysqlite3", "wheel", "  try  ")


def test_no_network(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = sandbox.project("offline", requirements="cowsay\n")
    unreachable = "http://127.0.0.1:9"  # the discard port, where nothing listens
    deploy = sandbox.deploy(
        folder,
        UV_DEFAULT_INDEX=unreachable,
        UV_CACHE_DIR=str(tmp_path / "uv"),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        UV_HTTP_RETRIES="0",
    )
    assert_refused(deploy, 1, "network")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "100"), "between 128 and 10240"),
        (("--memory", "lots"), "lots"),
        (("--timeout", "0"), "timeout"),
        (("--runtime", "python3.6"), "python3.6"),
        (("--runtime", "nodejs22.x"), "nodejs22.x"),
        (("--env", "NOVALUE"), "NOVALUE"),
        (("--env", "AWS_REGION=x"), "AWS_REGION"),
        (("--name", "a/b"), "a/b"),
        (("--port", "70000"), "must be between 0 and 65535, got 70000"),
        (("--wrong",), "--wrong"),
    ],
)
def test_invalid_values_are_refused(sandbox: Sandbox, options: tuple[str, ...], message: str) -> None:
    assert_refused(sandbox.deploy(sandbox.project("plain"), *options), 2, message)


def test_a_missing_interpreter(sandbox: Sandbox, tmp_path: Path) -> None:
    deploy = sandbox.deploy(
        sandbox.project("newer"), "--runtime", "python3.12", PATH="/nonexistent", HOME=str(tmp_path), PYENV_ROOT=str(tmp_path)
    )
    assert_refused(deploy, 1, "Python 3.12", "uv python install 3.12")


def test_a_port_in_use(sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [LAMBENT, "deploy", "--local", sandbox.project("plain"), "--state", tmp_path / "other", "--port", str(port)]
        deploy = forked.run(command, env=clean_environment())
    assert_refused(deploy, 1, str(port), "--port")


def test_missing_credentials_suggest_the_local_lambda(sandbox: Sandbox, tmp_path: Path) -> None:
    environ = clean_environment(HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true")
    deploy = forked.run([LAMBENT, "deploy", sandbox.project("plain")], env=environ)
    assert_refused(deploy, 1, "credentials", "lambent deploy --local")


def test_json_output_ends_with_the_failure(sandbox: Sandbox) -> None:
    deploy = sandbox.deploy(sandbox.project("exits", f"import sys\nsys.exit(3)\n{OK}"), "--json")
    assert deploy.returncode == 1
    last = json.loads(deploy.stdout.splitlines()[-1])
    assert (last["event"], last["exit_code"]) == ("Failed", 1)


def test_a_deploy_resumes_after_an_interruption_at_any_step(sandbox: Sandbox) -> None:
    """Press Ctrl-C after more and more lines of progress. The last run completes the deploy, and the URL answers."""
    folder = sandbox.project("interrupted")
    for lines in range(1, 16, 2):
        sandbox.project("interrupted", f"{OK}# {lines}\n")
        with subprocess.Popen(
            sandbox.command(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            if all(process.stderr.readline() for _ in range(lines)):  # else it has ended, or is about to
                process.send_signal(signal.SIGINT)
            output = process.stderr.read()
        assert process.returncode in (0, 130), output
        assert "Traceback" not in output
    deploy = sandbox.deploy(folder)
    assert deploy.returncode == 0, deploy.stderr
    assert fetch(deploy.stdout.strip()) == "fine"


def test_two_deploys_at_once(sandbox: Sandbox) -> None:
    folder = sandbox.project("twice")
    processes = [
        ForkedProcess(
            sandbox.command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        for _ in range(2)
    ]
    results = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert [code for _, _, code in results] == [0, 0], results
    assert results[0][0] == results[1][0], "one URL"
    assert fetch(results[0][0].strip()) == "fine"


def fetch(url: str) -> str:
    return Browser(url).get("/").text


NOTES = """
import sqlite3
def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        with sqlite3.connect("notes.db") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS notes (text)")
            connection.execute("INSERT INTO notes VALUES ('a')")
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"saved" if environ["REQUEST_METHOD"] == "POST" else b"home"]
"""


def test_app_that_writes_when_a_form_is_sent_works_at_once(sandbox: Sandbox) -> None:
    project = sandbox.project("notes", NOTES)
    deploy = sandbox.deploy(project)
    assert deploy.returncode == 0, deploy.stderr
    assert "writes to notes.db (app.py:5), next to its code, so it runs from a copy in /tmp" in deploy.stderr
    assert Browser(deploy.stdout.strip()).post("/", {"a": "b"}).text == "saved"
    deploy = sandbox.deploy(project, "--no-writable")
    assert Browser(deploy.stdout.strip()).post("/", {"a": "b"}).status == 500


VARIABLES = """
import os
KEY, PORT = os.environ["SHOP_KEY"], int(os.getenv("SHOP_PORT"))
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{KEY} {PORT}".encode()]
"""


def test_missing_variables_are_named_before_anything_is_built(sandbox: Sandbox) -> None:
    project = sandbox.project("variables", VARIABLES)
    (project / ".env.example").write_text("SHOP_KEY=abc\nSHOP_PORT=80\n")
    deploy = sandbox.deploy(project)
    assert_refused(deploy, 2, "SHOP_KEY and SHOP_PORT aren't set", "app.py:3", "--env-file ", "/variables/.env.example")
    assert "built" not in deploy.stderr
    deploy = sandbox.deploy(project, "--env-file", project / ".env.example")
    assert Browser(deploy.stdout.strip()).get("/").text == "abc 80"
