"""The pytest plugin in projects of its users: what its fixtures give, what it costs, and that it ends what it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import local_service

APP = 'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b"hello"]\n'
URL_TEST = """\
from urllib.request import urlopen

def test_url(lambent_url, lambent_local):
    assert urlopen(lambent_url + "path").read() == b"hello"
    print(lambent_local.destination.state)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-q -p no:cacheprovider"\n')
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=project, capture_output=True, text=True, env=environment(project))


def environment(project: Path) -> dict[str, str]:
    """Return an environment without the variables of this run's own pytest."""
    return {key: value for key, value in local_service.environment().items() if not key.startswith("PYTEST_")} | {
        "TMPDIR": str(project.parent)
    }


def leftovers(project: Path) -> list[Path]:
    return list(project.parent.glob("lambent-*"))


def test_a_run_without_its_fixtures_imports_nothing_of_it(project: Path) -> None:
    heavy = ("boto3", "botocore", "moto", "msgspec", "click", "lambent.library")
    (project / "tests/test_other.py").write_text(
        f"import sys\ndef test_nothing():\n    assert not [name for name in sys.modules if name.startswith({heavy})]\n"
    )
    ended = run_pytest(project)
    assert ended.returncode == 0, ended.stdout


def test_two_workers_have_one_each_and_leave_nothing(project: Path) -> None:
    (project / "tests/test_one.py").write_text(URL_TEST)
    (project / "tests/test_two.py").write_text(
        "def test_client(lambda_client):\n    assert lambda_client.get_function(FunctionName='shop')\n"
    )
    ended = run_pytest(project, "-n", "2", "--dist", "loadfile", "-W", "error")
    assert ended.returncode == 0 and "2 passed" in ended.stdout, ended.stdout
    assert leftovers(project) == []


def test_an_app_that_fails_is_shown_as_deploy_shows_it(project: Path) -> None:
    (project / "app.py").write_text("1 / 0\n" + APP)
    (project / "tests/test_one.py").write_text(URL_TEST)
    ended = run_pytest(project)
    assert ended.returncode == 1
    assert "ZeroDivisionError: division by zero" in ended.stdout and "  try  " in ended.stdout
    assert "library/facade.py" not in ended.stdout
    assert leftovers(project) == []


def test_a_failed_test_shows_what_the_app_logged(project: Path) -> None:
    (project / "tests/test_one.py").write_text(URL_TEST)
    (project / "app.py").write_text(
        APP.replace(
            "    start", "    if environ['PATH_INFO'] == '/path':\n        raise ValueError('the reason')\n    start", 1
        )
    )
    ended = run_pytest(project)
    assert ended.returncode == 1
    assert "Lambda log" in ended.stdout and "ValueError: the reason" in ended.stdout, ended.stdout


def test_a_local_lambda_that_has_ended_does_not_end_the_run(project: Path) -> None:
    (project / "tests/test_one.py").write_text(
        "from lambent.local import daemon\n"
        "def test_stop(lambent_local):\n"
        "    daemon.stop(lambent_local.destination.state)\n"
        "    assert False\n"
        "def test_next():\n"
        "    pass\n"
    )
    ended = run_pytest(project)
    assert "1 failed, 1 passed" in ended.stdout and "can't be read: " in ended.stdout, ended.stdout


def test_the_settings(project: Path) -> None:
    (project / "web").mkdir()
    (project / "app.py").rename(project / "web/first.py")
    (project / "web/pyproject.toml").write_text('[tool.lambent.stages.test.env]\nCOLOR = "blue"\n')
    (project / "web/second.py").write_text(APP)
    (project / "tests/test_settings.py").write_text(
        "def test_variable(lambda_client):\n"
        "    function = lambda_client.get_function_configuration(FunctionName='web-test')\n"
        "    assert function['Environment']['Variables']['COLOR'] == 'blue'\n"
    )
    options = ("--lambent-path", "web", "--lambent-app", "second:app", "--lambent-stage", "test")
    ended = run_pytest(project, *options)
    assert ended.returncode == 0, ended.stdout


def test_a_port_that_is_no_number(project: Path) -> None:
    (project / "tests/test_one.py").write_text(URL_TEST)
    ended = run_pytest(project, "--lambent-port", "x")
    assert ended.returncode == 1 and "error: lambent_port must be a number, got x" in ended.stdout
    assert "pytest_plugin.py" not in ended.stdout, "where it was raised says nothing to the user"


def test_hints_name_the_options_of_pytest(project: Path) -> None:
    (project / "tests/test_one.py").write_text(URL_TEST)
    ended = run_pytest(project, "--lambent-app", "nope:app")
    assert "error: no module nope" in ended.stdout and "  try  --lambent-app app:app\n" in ended.stdout, ended.stdout
    assert "During handling" not in ended.stdout
    for folder in ("one", "two"):
        (project / folder).mkdir()
        (project / folder / "app.py").write_text(APP)
    (project / "app.py").unlink()
    ended = run_pytest(project)
    assert "  try  --lambent-path one\n       --lambent-path two\n" in ended.stdout, ended.stdout
