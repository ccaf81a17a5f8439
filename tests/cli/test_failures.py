"""What goes wrong for a newcomer, through the real command: one error form, an exit code, and nothing half-done."""

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

from support.browser import Browser

LAMBENT = Path(sys.executable).parent / "lambent"
OK = 'def lambda_handler(event, context):\n    return "fine"\n'


class Place:
    """A state folder with a local Lambda, and a folder for projects."""

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

    def command(self, *words: str | Path) -> list[str]:
        return [str(word) for word in (LAMBENT, "deploy", "--local", "--state", self.state, "--port", "0", *words)]

    def deploy(self, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120, env=clean(**environ))


def clean(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))} | more


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("failures"))
    yield made
    subprocess.run([LAMBENT, "local", "stop", "--state", made.state], capture_output=True, timeout=60, check=True)


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """It ended with this exit code and one error in our form that holds these words; no URL, no traceback of ours."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1, done.stderr
    assert not any(line.startswith(("Traceback", "bug: ")) for line in lines), done.stderr
    for word in words:
        assert word in done.stderr


def test_no_app(place: Place) -> None:
    folder = place.project("nothing", "x = 1\n")
    refused(place.deploy(folder), 1, "app.py", "  try  ")


def test_no_folder(place: Place) -> None:
    refused(place.deploy(place.folder / "nowhere"), 2, "nowhere")


def test_syntax_error(place: Place) -> None:
    folder = place.project("syntax", "def lambda_handler(event, context)\n    return 1\n")
    refused(place.deploy(folder), 1, "syntax error", "app.py:1", "def lambda_handler(event, context)")


def test_missing_module(place: Place) -> None:
    folder = place.project("missing", f"import nothing_like_it\n{OK}")
    refused(place.deploy(folder), 1, "imports nothing_like_it", "app.py:1", "add nothing-like-it to your requirements")


def test_missing_module_of_a_web_app(place: Place) -> None:
    web = "import nothing_like_it\n\nasync def app(scope, receive, send):\n    pass\n"
    refused(place.deploy(place.project("missing-web", web)), 1, "imports nothing_like_it", "neither in the zip nor")


def test_the_app_raises_and_the_old_version_stays_live(place: Place) -> None:
    folder = place.project("raises")
    first = place.deploy(folder)
    assert first.returncode == 0, first.stderr
    place.project("raises", "def lambda_handler(event, context):\n    return {}['absent']\n")
    refused(place.deploy(folder), 1, "KeyError", "app.py", "return {}['absent']")
    assert fetch(first.stdout.strip()) == "fine"
    place.project("raises")
    again = place.deploy(folder)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout


def test_a_web_app_that_answers_500_shows_its_own_traceback(place: Place) -> None:
    web = "def app(environ, start_response):\n    raise ValueError('the database is on fire')\n"
    refused(
        place.deploy(place.project("wsgi-raises", web)),
        1,
        "ValueError: the database is on fire",
        'File "/var/task/app.py", line 2',
    )


def test_timeout(place: Place) -> None:
    folder = place.project("slow", "import time\n\ndef lambda_handler(event, context):\n    time.sleep(60)\n")
    refused(place.deploy(folder, "--timeout", "1"), 1, "timed out", "1 s", "--timeout")


def test_out_of_memory(place: Place) -> None:
    folder = place.project("hungry", "def lambda_handler(event, context):\n    return len(b'x' * 400_000_000)\n")
    refused(place.deploy(folder, "--memory", "128"), 1, "out of memory", "128 MB", "--memory")


def test_exit_at_import(place: Place) -> None:
    refused(place.deploy(place.project("exits", f"import sys\nsys.exit(3)\n{OK}")), 1, "exit status 3")


def test_too_large(place: Place) -> None:
    folder = place.project("large")
    with (folder / "blob.bin").open("wb") as blob:
        blob.truncate(300 * 1024 * 1024)
    refused(place.deploy(folder), 1, "too large", "blob.bin")


def test_no_such_package(place: Place) -> None:
    refused(
        place.deploy(place.project("typo", requirements="lambent-has-no-such-package-xyz\n")),
        1,
        "lambent-has-no-such-package-xyz",
    )


def test_a_native_package_without_a_wheel(place: Place) -> None:
    folder = place.project("no-wheel", requirements="pysqlite3==0.5.0\n")
    refused(place.deploy(folder), 1, "pysqlite3", "wheel", "  try  ")


def test_no_network(place: Place, tmp_path: Path) -> None:
    folder = place.project("offline", requirements="cowsay\n")
    nowhere = "http://127.0.0.1:9"  # the discard port: nobody listens there
    done = place.deploy(
        folder,
        UV_DEFAULT_INDEX=nowhere,
        UV_CACHE_DIR=str(tmp_path / "uv"),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        UV_HTTP_RETRIES="0",
    )
    refused(done, 1, "network")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--memory", "100"), "between 128 and 10240"),
        (("--memory", "lots"), "lots"),
        (("--timeout", "0"), "timeout"),
        (("--runtime", "python3.9"), "python3.9"),
        (("--runtime", "nodejs22.x"), "nodejs22.x"),
        (("--env", "NOVALUE"), "NOVALUE"),
        (("--env", "AWS_REGION=x"), "AWS_REGION"),
        (("--name", "a/b"), "a/b"),
        (("--port", "70000"), "70000"),
        (("--wrong",), "--wrong"),
    ],
)
def test_bad_values(place: Place, words: tuple[str, ...], said: str) -> None:
    refused(place.deploy(place.project("plain"), *words), 2, said)


def test_interpreter_missing(place: Place, tmp_path: Path) -> None:
    done = place.deploy(
        place.project("newer"), "--runtime", "python3.12", PATH="/nonexistent", HOME=str(tmp_path), PYENV_ROOT=str(tmp_path)
    )
    refused(done, 1, "Python 3.12", "uv python install 3.12")


def test_port_taken(place: Place, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = [LAMBENT, "deploy", "--local", place.project("plain"), "--state", tmp_path / "other", "--port", str(port)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=clean())
    refused(done, 1, str(port), "--port")


def test_no_credentials_offers_the_local_lambda(place: Place, tmp_path: Path) -> None:
    environ = clean(HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true")
    done = subprocess.run([LAMBENT, "deploy", place.project("plain")], capture_output=True, text=True, timeout=60, env=environ)
    refused(done, 1, "credentials", "lambent deploy --local")


def test_json_tells_the_failure_too(place: Place) -> None:
    done = place.deploy(place.project("exits", f"import sys\nsys.exit(3)\n{OK}"), "--json")
    assert done.returncode == 1
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["exit_code"]) == ("Failed", 1)


def test_interrupted_at_any_step_and_run_again(place: Place) -> None:
    """Ctrl-C after each line of progress in turn; the last run completes what is left and the URL answers."""
    folder = place.project("interrupted")
    for lines in range(1, 16, 2):
        place.project("interrupted", f"{OK}# {lines}\n")
        with subprocess.Popen(
            place.command(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean(),
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            for _ in range(lines):
                process.stderr.readline()
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
        assert process.returncode in (0, 130), rest
        assert "Traceback" not in rest
    done = place.deploy(folder)
    assert done.returncode == 0, done.stderr
    assert fetch(done.stdout.strip()) == "fine"


def test_two_deploys_at_once(place: Place) -> None:
    folder = place.project("twice")
    both = [
        subprocess.Popen(place.command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean())
        for _ in range(2)
    ]
    ends = [(*process.communicate(timeout=120), process.returncode) for process in both]
    assert [code for _, _, code in ends] == [0, 0], ends
    assert ends[0][0] == ends[1][0], "one URL"
    assert fetch(ends[0][0].strip()) == "fine"


def fetch(url: str) -> str:
    return Browser(url).get("/").text
