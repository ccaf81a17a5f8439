"""Mixed load on a local Lambda for a while: good and hostile functions, deploys, S3, logs, and kill -9 in between.

Memory, open files, processes and folders are counted before and after. Nothing that was acknowledged may be lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct, to_builtins

from lambent.local import daemon
from lambent.local.file_lock import locked
from lambent.local.sandbox import process_tree
from support.local_service import ECHO, RUNTIME, Service, environment, zipped
from support.reader import free_port

HANDLERS = {
    "prints": "def handler(event, context):\n    while True: print('x')\n",
    "hangs": "import time\ndef handler(event, context): time.sleep(60)\n",
    "memfd": (
        "import os\ndef handler(event, context):\n    fd = os.memfd_create('m')\n"
        "    for _ in range(400): os.write(fd, bytes(1 << 20))\n"
    ),
    "forks": (
        "import os, time\ndef handler(event, context):\n    for _ in range(8):\n        if os.fork() == 0:\n"
        "            os.setsid()\n            while True: time.sleep(0.01)\n    return 'forked'\n"
    ),
    "exits": "import os\ndef handler(event, context): os._exit(1)\n",
}
REFUSED = (ClientError, BotoCoreError, OSError)


class Counts(Struct):
    """What a service holds."""

    memory_mb: int
    descriptors: int
    processes: int
    environments: int
    code: int
    objects: int


class Soak:
    """The load. Each of its methods `do_...` is called again and again in a thread of its own."""

    def __init__(self, state: Path) -> None:
        self.port = free_port()
        self.state = state
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.acknowledged: dict[str, bool] = {}  # by function, whether it should exist
        self.up = threading.Event()
        self.start()
        for name, code in HANDLERS.items():
            self.service.function(name, code)
            self.service.client("lambda").update_function_configuration(FunctionName=name, Timeout=1)
        self.url = self.service.public_url("echo", ECHO)
        self.service.client("s3").create_bucket(Bucket="bucket")

    def start(self) -> None:
        running = daemon.ensure_running(self.state, self.port, None, environment())
        self.service = Service(self.state, running.port, running.pid)
        self.up.set()

    def kill(self) -> None:
        self.up.clear()
        os.kill(self.service.pid, signal.SIGKILL)
        with locked(self.state / "service.lock", wait_s=20):
            pass
        self.start()
        self.done["kill"] += 1

    @property
    def loads(self) -> list[str]:
        return [name.removeprefix("do_") for name in dir(self) if name.startswith("do_")]

    def do_request(self) -> None:
        response = self.service.fetch(self.url)
        if response.status != 200:
            raise OSError(f"status {response.status}")

    def do_hostile(self) -> None:
        self.service.client("lambda").invoke(FunctionName=random.choice(list(HANDLERS)))

    def do_deploy(self) -> None:
        aws, name = self.service.client("lambda"), f"f{random.randrange(20)}"
        code = {"ZipFile": zipped({"app.py": f"{ECHO}# {random.random()}"})}
        if self.acknowledged.get(name):
            self.acknowledged.pop(name)  # unknown until it is answered
            aws.delete_function(FunctionName=name)
            self.acknowledged[name] = False
        else:
            self.acknowledged.pop(name, None)
            aws.create_function(FunctionName=name, Runtime=RUNTIME, Role=self.service.role(), Handler="app.handler", Code=code)
            self.acknowledged[name] = True

    def do_s3(self) -> None:
        s3, key = self.service.client("s3"), f"k{random.randrange(10)}"
        body = os.urandom(random.choice((1000, 1 << 20, 5 << 20)))
        s3.put_object(Bucket="bucket", Key=key, Body=body)
        if s3.get_object(Bucket="bucket", Key=key)["Body"].read() != body:
            self.failed["S3 body"] += 1
        s3.delete_object(Bucket="bucket", Key=key)

    def do_logs(self) -> None:
        logs = self.service.client("logs")
        logs.filter_log_events(logGroupName="/aws/lambda/prints", limit=100)
        logs.describe_log_groups()

    def run(self, seconds: float, kill_every_s: float) -> None:
        ends = time.monotonic() + seconds
        threads = [threading.Thread(target=self._repeat, args=(name, ends), daemon=True) for name in self.loads]
        for thread in threads:
            thread.start()
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, kill_every_s))
            if left > kill_every_s:
                self.kill()
        for thread in threads:
            thread.join()

    def _repeat(self, name: str, ends: float) -> None:
        load = getattr(self, f"do_{name}")
        while time.monotonic() < ends:
            self.up.wait()
            pid = self.service.pid
            try:
                load()
                self.done[name] += 1
            except REFUSED as error:
                if self.up.is_set() and pid == self.service.pid:
                    self.failed[f"{name}: {type(error).__name__} {str(error)[:120]}"] += 1
            time.sleep(0.05)

    def lost(self) -> list[str]:
        """Return the functions that are not as it was acknowledged."""
        names = {each["FunctionName"] for each in self.service.client("lambda").list_functions()["Functions"]}
        return [name for name, exists in self.acknowledged.items() if exists != (name in names)]

    def count(self) -> Counts:
        process = Path("/proc", str(self.service.pid))
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return Counts(
            memory_mb=int(status["VmRSS"].split()[0]) // 1024,
            descriptors=len(list((process / "fd").iterdir())),
            processes=len(process_tree.descendants(self.service.pid)),
            environments=len(list((self.state / "environments").glob("*"))),
            code=len(list((self.state / "code").iterdir())),
            objects=len(list((self.state / "neighbours/objects").iterdir())),
        )


def _variables(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    except OSError:
        return b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--kill-every", type=float, default=60, metavar="SECONDS")
    arguments = parser.parse_args()
    state = Path(tempfile.mkdtemp(prefix="lambent-soak-")) / "state"
    soak = Soak(state)
    try:
        soak.run(20, 1000)  # warm up: each kind of environment exists
        before = soak.count()
        print(json.dumps({"before": to_builtins(before)}), flush=True)
        soak.run(arguments.minutes * 60, arguments.kill_every)
        time.sleep(5)
        lost, log = soak.lost(), soak.service.log()
        bugs = log.count("Traceback")
        after = {"after": to_builtins(soak.count()), "done": soak.done, "failed": soak.failed, "lost": lost, "tracebacks": bugs}
        print(json.dumps(after, indent=1), flush=True)
    finally:
        daemon.stop(state, force=True)
    left = [process.name for process in Path("/proc").glob("[0-9]*") if str(state).encode() in _variables(process)]
    print(json.dumps({"processes left": left, "state": str(state)}))
    idle = [name for name in soak.loads if not soak.done[name]]
    return 1 if lost or bugs or left or idle else 0


if __name__ == "__main__":
    sys.exit(main())
