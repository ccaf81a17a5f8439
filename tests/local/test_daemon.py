"""Starting, finding and stopping the local Lambda, and what survives a kill."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local import daemon
from lambent.local.file_lock import FileLocked, holder, locked
from lambent.local.port_owner import port_owner
from support.local_service import Service, environment, serving

LAMBENT = (sys.executable, "-m", "lambent", "local")


def kill(service: Service) -> None:
    os.kill(service.pid, signal.SIGKILL)
    with locked(service.state / "service.lock", wait_s=10):  # released once the process has ended
        pass


def test_two_starts_at_the_same_time_give_one_service(tmp_path: Path) -> None:
    try:
        with ThreadPoolExecutor(2) as threads:
            starts = [threads.submit(daemon.ensure_running, tmp_path, 0, None, os.environ) for _ in range(2)]
            first, second = (start.result(timeout=60) for start in starts)
        assert first.pid == second.pid and {first.started_now, second.started_now} == {False, True}
        assert first.sandbox in ("namespaces", "process")
    finally:
        daemon.stop(tmp_path)


def test_stop_ends_every_process(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.fetch(service.public_url("f"))
        assert daemon.stop(tmp_path) == service.pid
        assert daemon.status(tmp_path) is None and daemon.stop(tmp_path) is None
        assert not (tmp_path / "service.json").exists()
        processes = subprocess.run(["pgrep", "-fl", str(tmp_path)], capture_output=True, text=True).stdout
        assert processes == ""


def test_functions_and_other_services_survive_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        url = first.public_url("f")
        iam, logs, s3 = first.client("iam"), first.client("logs"), first.client("s3")
        policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        iam.attach_role_policy(RoleName="r", PolicyArn=policy)
        role = iam.get_role(RoleName="r")["Role"]
        assert first.fetch(url).status == 200
        logs.describe_log_groups()  # delivers the log lines, which creates the group
        logs.put_retention_policy(logGroupName="/aws/lambda/f", retentionInDays=7)
        s3.create_bucket(Bucket="bucket")
        etag = s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 100_000)["ETag"]
        kill(first)

        assert (tmp_path / "service.json").exists() and daemon.status(tmp_path) is None
        with serving(tmp_path, port=first.port) as second:
            assert second.pid != first.pid
            same_role = second.client("iam").get_role(RoleName="r")["Role"]
            assert (same_role["RoleId"], same_role["CreateDate"]) == (role["RoleId"], role["CreateDate"])
            attached = second.client("iam").list_attached_role_policies(RoleName="r")["AttachedPolicies"]
            assert [entry["PolicyArn"] for entry in attached] == [policy]
            [group] = second.client("logs").describe_log_groups()["logGroups"]
            assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/f", 7)
            assert second.client("s3").head_object(Bucket="bucket", Key="k")["ETag"] == etag
            assert second.fetch(url).status == 200


def test_port_in_use_is_reported_with_its_owner(tmp_path: Path) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    port = server.server_address[1]
    with server, pytest.raises(LocalError) as raised:
        daemon.ensure_running(tmp_path, port, None, os.environ)
    if Path("/proc/net/tcp").exists():
        assert f"(pid {os.getpid()})" in raised.value.what
    assert str(port) in raised.value.what and "--port" in raised.value.hint
    assert daemon.status(tmp_path) is None


def test_port_of_another_local_lambda_is_reported_with_its_state_folder(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as running, pytest.raises(LocalError) as raised:
        daemon.ensure_running(tmp_path / "two", running.port, None, os.environ)
    assert f"another local Lambda (pid {running.pid})" in raised.value.what
    assert raised.value.where == str(tmp_path / "one")


def test_owner_of_a_port_is_found() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    port = server.server_address[1]
    if Path("/proc/net/tcp").exists():
        assert str(os.getpid()) in (port_owner(port) or "")
    server.server_close()
    assert port_owner(port) is None


def test_running_service_refuses_another_port_or_date(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        assert daemon.ensure_running(tmp_path, None, None, os.environ).port == service.port
        with pytest.raises(LocalError, match="already running on port"):
            daemon.ensure_running(tmp_path, 1, None, os.environ)
        with pytest.raises(LocalError, match="already running with the rules of 20"):
            daemon.ensure_running(tmp_path, None, date(2020, 1, 1), os.environ)
        assert daemon.ensure_running(tmp_path, service.port, date.today(), os.environ).pid == service.pid
        foreground = subprocess.run(
            [*LAMBENT, "start", "--foreground", "--port", "0", "--state", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert foreground.returncode == 1 and f"is already running (pid {service.pid})" in foreground.stderr


def test_stale_record_with_the_port_of_another_service_is_ignored(tmp_path: Path) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"pid": 1}')

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        record = {"pid": 999_999, "port": server.server_address[1]}
        (tmp_path / "service.json").write_text(json.dumps(record))
        assert daemon.status(tmp_path) is None
        server.shutdown()


def test_foreground_service_ends_cleanly_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "faulthandler", "-m", "lambent", "local", "start", "--foreground"]
    command += ["--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith("the local Lambda is running at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)  # moto is still being imported
        errors = process.stderr.read()
        assert process.wait(timeout=60) == 0, errors
        assert "Traceback" not in errors


def test_state_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="can't create the state folder"):
        daemon.ensure_running(tmp_path / "file" / "state", 0, None, os.environ)


def test_service_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise ImportError('this uvicorn is broken')")
    with pytest.raises(LocalError, match="did not start") as raised:
        daemon.ensure_running(tmp_path / "state", 0, None, {**os.environ, "PYTHONPATH": str(broken)})
    assert "this uvicorn is broken" in raised.value.detail


def test_service_that_cannot_use_its_state_says_why(tmp_path: Path) -> None:
    (tmp_path / "lambda.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(LocalError, match="the local Lambda's state is damaged: file is not a database") as raised:
        daemon.ensure_running(tmp_path, 0, None, os.environ)
    assert "set it aside" in raised.value.hint
    (tmp_path / "lambda.sqlite").unlink()
    (tmp_path / "neighbours").write_text("a file in place of a folder")
    with pytest.raises(LocalError, match="neighbours in the state folder isn't a folder"):
        daemon.ensure_running(tmp_path, 0, None, os.environ)


@contextlib.contextmanager
def serving_with_open_files(state: Path, limit: str) -> Iterator[Service]:
    """A service that a shell started after `ulimit` with these options."""
    start = shlex.join([*LAMBENT, "start", "--port", "0", "--state", str(state)])
    command = ["sh", "-c", f"ulimit {limit}; exec {start}"]
    subprocess.run(command, env=environment(), check=True, capture_output=True, timeout=60)
    try:
        running = daemon.status(state)
        assert running is not None
        yield Service(state, running["port"], running["pid"])
    finally:
        daemon.stop(state)


def test_few_open_files_mean_few_environments(tmp_path: Path) -> None:
    """As after `ulimit -n 300`: the environment that has been idle for longest ends, and no function fails."""
    with serving_with_open_files(tmp_path, "-n 300") as service:
        client = service.client("lambda")
        for number in range(12):
            service.function(f"f{number}")
            assert client.invoke(FunctionName=f"f{number}")["StatusCode"] == 200
        counts = (daemon.status(tmp_path) or {})["engine"]["environments"].values()
        assert sum(count["idle"] + count["busy"] for count in counts) == 8


def test_many_idle_connections_do_not_stop_the_service(tmp_path: Path) -> None:
    with serving_with_open_files(tmp_path, "-n 300") as service, contextlib.ExitStack() as stack:
        url = service.public_url("f")
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10)) for _ in range(400)
        ]
        assert service.fetch(url).status == 200
        assert len(list(Path(f"/proc/{service.pid}/fd").iterdir())) < 300
        connections[0].settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert connections[0].recv(1) == b""  # the oldest was closed


def test_service_raises_its_limit_of_open_files(tmp_path: Path) -> None:
    with serving_with_open_files(tmp_path, "-S -n 256") as service:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert resource.prlimit(service.pid, resource.RLIMIT_NOFILE)[0] == min(hard, 1 << 16)


def test_administrative_paths_need_the_secret_of_the_state_folder(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        record = json.loads((tmp_path / "service.json").read_text())
        assert (tmp_path / "service.json").stat().st_mode & 0o077 == 0
        for path in ("/_lambent/shutdown", "/moto-api/reset", "/%6doto-api/reset"):
            response = service.fetch(f"{service.url}{path}", "POST")
            assert response.status == 403 and b"needs the header x-lambent-secret" in response.body
        for path in ("/_lambent/health", "/_lambent/status"):
            assert record["secret"] not in service.fetch(f"{service.url}{path}").body.decode()
        assert service.fetch(f"{service.url}/moto-api/reset", "POST", **{daemon.SECRET_HEADER: record["secret"]}).status == 200


def test_lock_is_released_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    with locked(path), pytest.raises(FileLocked), locked(path):
        pass
    with locked(path):
        assert holder(path) == os.getpid()
    assert holder(path) is None
    with locked(path):
        pass
