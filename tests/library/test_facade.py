"""`import lambent`: the functions work without a terminal, print nothing, and raise what the commands show."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import proxy_bypass, urlopen

import pytest

import lambent
from lambent.local import daemon
from support.local_service import Service
from support.waiting import eventually

APP = 'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b"hello"]\n'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    return folder


def test_the_import_costs_nothing() -> None:
    code = "import sys, lambent; print(*sorted(name for name in sys.modules if name.split('.')[0] in %r))"
    heavy = ("lambent", "msgspec", "botocore", "boto3", "moto", "click", "platformdirs")
    ended = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["lambent"]


def test_every_name_exists() -> None:
    assert all(getattr(lambent, name) is not None for name in lambent.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        lambent.nothing  # noqa: B018


def test_find_and_build(shop: Path) -> None:
    app = lambent.find_app(shop)
    assert (app.spec, app.kind) == ("app:app", "wsgi")
    events: list[lambent.events.Event] = []
    artifact = lambent.build(shop, emit=events.append)
    assert artifact.path.is_file() and artifact.zipped == artifact.path.stat().st_size
    assert isinstance(events[0], lambent.events.Detected)


def test_deploy_to_a_local_lambda_of_its_own(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with lambent.LocalLambda() as local:
        planned = lambent.plan(str(shop), local)
        assert planned.changes and planned.url == ""
        deployed = lambent.deploy(shop, local, lambent.Flags(memory=512))
        assert urlopen(deployed.url).read() == b"hello"
        function = local.client().get_function_configuration(FunctionName="shop")
        assert function["MemorySize"] == 512
        assert local.client("logs").describe_log_groups()["logGroups"]
        assert local.environment["AWS_ENDPOINT_URL"] == local.url
        assert not lambent.deploy(shop, local, lambent.Flags(memory=512)).changed
        state, pid = local.destination.state, daemon.status(local.destination.state)
    assert pid is not None and not state.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid["pid"], 0)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(lambent.errors.UsageError, match="isn't running"):
        _ = local.url


def test_an_app_that_fails_is_an_error_with_its_traceback(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (shop / "app.py").write_text("1 / 0\n" + APP)
    with lambent.LocalLambda() as local, pytest.raises(lambent.errors.DeployError) as failure:
        lambent.deploy(shop, local)
    assert "ZeroDivisionError" in failure.value.detail
    assert capfd.readouterr() == ("", "")


def test_a_running_local_lambda_is_used_and_goes_on(service: Service, shop: Path) -> None:
    with lambent.LocalLambda(service.state) as local:
        assert local.url == service.url
        lambent.deploy(shop, local)
    assert daemon.status(service.state) is not None


def test_a_public_url_in_aws_must_be_allowed(service: Service, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is a local Lambda that the environment presents as AWS."""
    for name, value in service.environ().items():
        monkeypatch.setenv(name, value)
    flags = lambent.Flags(name="public")
    with pytest.raises(lambent.errors.UsageError, match="public URL") as refusal:
        lambent.deploy(shop, flags=flags, smoke_test=False)
    assert 'Flags(auth="none")' in refusal.value.hint
    deployed = lambent.deploy(shop, lambent.Account(), lambent.Flags(name="public", auth="none"), smoke_test=False)
    assert deployed.public and deployed.url


def test_names_under_localhost_are_reached_only_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com")
    monkeypatch.delenv("NO_PROXY", raising=False)
    original = socket.getaddrinfo
    with lambent.LocalLambda():
        assert proxy_bypass("a.b.localhost") and proxy_bypass("example.com") and not proxy_bypass("example.org")
        assert socket.getaddrinfo("a.b.localhost", 80)[0][4][0] == "127.0.0.1"
        assert socket.getaddrinfo("127.0.0.1", 80)[0][4][0] == "127.0.0.1"
    assert socket.getaddrinfo is original
    assert os.environ["no_proxy"] == "example.com" and "NO_PROXY" not in os.environ


def test_it_ends_with_its_process_even_if_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import lambent, os, signal\n"
        f"with lambent.LocalLambda({str(tmp_path)!r}) as local:\n"
        "    print(os.getpid(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL and ended.stdout, ended.stderr
    eventually(lambda: daemon.status(tmp_path) is None and daemon.unresponsive_pid(tmp_path) is None)
