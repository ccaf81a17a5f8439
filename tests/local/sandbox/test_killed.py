"""A plain process does not outlive the service that started it, however the service ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.local.sandbox.orphans import end_abandoned
from support.ordinary_user import run_as_ordinary_user

SERVICE = """
import asyncio, sys
from pathlib import Path
from lambent.local.sandbox.sandbox import SandboxSpec
from lambent.local.sandbox.process_sandbox import ProcessFactory

async def main(folder):
    spec = SandboxSpec(interpreter=Path(sys.executable).resolve(), task=folder, runtime=folder, tmp=folder / "tmp", tmp_mb=64,
                memory_mb=128, environment=(), command=("/bin/sleep", "600"))
    sandbox = await ProcessFactory().start(spec)
    print(sandbox.process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a process with its parent")
def test_frozen_process_ends_when_the_service_is_killed(tmp_path: Path) -> None:
    service = subprocess.Popen([sys.executable, "-c", SERVICE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    pid = int(service.stdout.readline())
    descriptor = os.pidfd_open(pid)  # readable once the process has ended, whichever process reaps it
    try:
        os.kill(pid, signal.SIGSTOP)
        service.kill()
        service.wait()
        assert select.select([descriptor], [], [], 10)[0] == [descriptor]
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
        service.stdout.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")
def test_process_that_outlived_a_killed_service_ends_at_the_next_start(tmp_path: Path) -> None:
    variables = {"TMPDIR": str(tmp_path / "environments" / "one")}
    other = {"TMPDIR": str(tmp_path / "environments-of-another")}
    with (
        subprocess.Popen(["/bin/sleep", "600"], env=variables, start_new_session=True) as abandoned,
        subprocess.Popen(["/bin/sleep", "600"], env=other) as unrelated,
    ):
        end_abandoned(tmp_path / "environments")
        assert abandoned.wait(10) == -signal.SIGKILL
        assert unrelated.poll() is None
        unrelated.kill()


DOUBLE_FORK = """
import asyncio, os, sys
from pathlib import Path
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxSpec

FUNCTION = '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    print(os.getpid(), flush=True)
    time.sleep(600)
os.wait()
time.sleep(0.2)
'''

async def main():
    factory, here = ProcessFactory(), Path(sys.argv[1])
    (here / "main.py").write_text(FUNCTION)
    python, command = Path("/usr/bin/python3").resolve(), ("{python}", "/var/task/main.py")
    sandbox = await factory.start(SandboxSpec(python, here, here, here / "t", 64, 128, (("PATH", "/bin"),), command))
    output = []
    sandbox.listen(output.append)
    await sandbox.wait()
    pid = int(b"".join(output))
    await sandbox.close()
    print("running" if Path(f"/proc/{pid}").exists() else "ended")

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has subreapers")
def test_double_fork_ends_with_its_sandbox_as_an_ordinary_user() -> None:
    assert run_as_ordinary_user(DOUBLE_FORK) == "ended\n"
