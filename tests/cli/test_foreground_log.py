"""What `lambent local start --foreground` shows, and that it shows it without the app's secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from lambent.local import daemon
from support.local_service import RUNTIME, Service, environment, zipped
from support.waiting import eventually

APP = """
import os
def handler(event, context):
    print("key", os.environ["API_KEY"])
    raise ValueError("no such colour")
"""


def test_the_foreground_shows_requests_as_they_come(tmp_path: Path) -> None:
    state, output = tmp_path / "state", tmp_path / "output"
    arguments = [sys.executable, "-m", "lambent", "local", "start", "--foreground", "--port", "0", "--state", str(state)]
    with output.open("w") as file:
        process = subprocess.Popen(arguments, env=environment(), stdout=file, stderr=subprocess.STDOUT)
    try:
        running = eventually(lambda: daemon.status(state), what="the service")
        service = Service(state, running["port"], running["pid"])
        client = service.client("lambda")
        code, variables = {"ZipFile": zipped({"app.py": APP})}, {"Variables": {"API_KEY": "k3y-of-shop"}}
        client.create_function(
            FunctionName="shown", Runtime=RUNTIME, Role=service.role(), Handler="app.handler", Code=code, Environment=variables
        )
        client.get_waiter("function_active_v2").wait(FunctionName="shown", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        client.invoke(FunctionName="shown", Payload=b"1")
        shown = eventually(lambda: output.read_text() if "ValueError" in output.read_text() else "", what="the traceback")
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "  shown  invoke " in shown and "  key …\n" in shown and "k3y-of-shop" not in shown
    assert '  Traceback (most recent call last):\n    File "app.py", line 5, in handler\n' in shown
