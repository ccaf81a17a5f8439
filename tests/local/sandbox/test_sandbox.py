"""Sandboxes with real processes: what a function cannot see or do, and what ends it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from lambent.local.sandbox import process_tree
from lambent.local.sandbox.detect import detect_sandbox
from lambent.local.sandbox.namespace_root import plan_root
from lambent.local.sandbox.namespace_sandbox import NamespaceFactory, Namespaces, NamespaceSandbox
from lambent.local.sandbox.output_pipe import OutputPipe
from lambent.local.sandbox.process_sandbox import ProcessFactory, translate
from lambent.local.sandbox.sandbox import ProcessExit, SandboxFactory, SandboxSpec
from support.functions import RUNTIMES, collect, interpreter, make_spec
from support.paths import ROOT, TESTS

INSPECT = """
import errno, getpass, importlib.util, json, os, platform, pwd, resource, socket, stat, sys

def error_of(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None

def fill(path, megabytes):
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))
    return megabytes

def describe(path):
    info = os.stat(path)
    return [stat.filemode(info.st_mode), info.st_uid]

status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
json.dump({
    "version": platform.python_version(), "prefix": sys.prefix, "executable": sys.executable,
    "root": sorted(os.listdir("/")), "pids": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "user": pwd.getpwuid(os.getuid()).pw_name, "uid": os.getuid(), "cwd": os.getcwd(), "devices": sorted(os.listdir("/dev")),
    "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privs": status["NoNewPrivs"],
    "write": {place: error_of(lambda: open(place + "/new", "w"))
              for place in ("/var/task", "/var/runtime", "/opt", "/etc", "/usr", "/")},
    "write_sysctl": error_of(lambda: open("/proc/sys/kernel/hostname", "w")),
    "mkdir_home": error_of(lambda: os.makedirs("/home/new")),
    "tmp_fits": error_of(lambda: fill("/tmp/a", 40)), "tmp_full": error_of(lambda: fill("/tmp/b", 40)),
    "modes": {place: describe(place) for place in ("/tmp", "/opt", "/var/task")},
    "limits": {name: resource.getrlimit(getattr(resource, name))[0]
               for name in ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_STACK")},
    "packages": [name for name in ("pip", "setuptools", "lambent", "apt") if importlib.util.find_spec(name)],
    "environment": dict(os.environ), "native": bool(__import__("ssl").OPENSSL_VERSION and __import__("sqlite3").sqlite_version),
    "resolves": socket.gethostbyname("localhost"),
}, sys.stdout)
"""


def with_factory(factory: Callable[[], SandboxFactory], body: Callable[[SandboxFactory], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        made = factory()
        try:
            return await asyncio.wait_for(body(made), 60)
        finally:
            await made.stop()

    return asyncio.run(run())


async def run_script(factory: SandboxFactory, spec: SandboxSpec) -> tuple[ProcessExit, str]:
    sandbox = await factory.start(spec)
    chunks = collect(sandbox)
    ended = await sandbox.wait()
    await sandbox.close()
    return ended, b"".join(chunks).decode()


def needs_namespaces() -> None:
    async def kind() -> str:
        with tempfile.TemporaryDirectory() as scratch:
            factory = await detect_sandbox(Path(scratch))
            await factory.stop()
            return factory.kind

    if asyncio.run(kind()) != "namespaces":
        pytest.skip("namespaces are not permitted here")


@pytest.fixture(scope="module")
def namespaces() -> type[NamespaceFactory]:
    needs_namespaces()
    return NamespaceFactory


@pytest.fixture(params=["namespaces", "process"])
def any_factory(request: pytest.FixtureRequest) -> Callable[[], SandboxFactory]:
    if request.param == "namespaces":
        needs_namespaces()
        return NamespaceFactory
    return ProcessFactory


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_function_sees_lambda_and_nothing_of_the_host(
    runtime: str, namespaces: type[NamespaceFactory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "from the service")
    (tmp_path / "secret").write_text("the host's")
    spec = make_spec(tmp_path, INSPECT, interpreter=interpreter(runtime))
    ended, output = with_factory(namespaces, lambda factory: run_script(factory, spec))
    assert ended == ProcessExit(0, None), output
    seen = json.loads(output)
    assert seen["version"].startswith(runtime.removeprefix("python") + ".")
    assert (seen["prefix"], seen["executable"]) == ("/var/lang", f"/var/lang/bin/{runtime}")
    assert set(seen["root"]) <= {
        "bin",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "opt",
        "proc",
        "sbin",
        "tmp",
        "usr",
        "var",
        "lambda-entrypoint.sh",
    } | {interpreter(runtime).parts[1]}
    assert seen["pids"][0] == 1
    assert len(seen["pids"]) == 2
    assert (seen["user"], seen["uid"], seen["cwd"]) == ("sbx_user1051", 1051, "/var/task")
    assert set(seen["capabilities"]) == {"0" * 16}
    assert seen["no_new_privs"] == "1"
    assert all(seen["write"].values()), seen["write"]
    assert seen["write"]["/var/task"] == "EROFS"
    assert seen["write_sysctl"] == "EROFS"
    assert seen["mkdir_home"] in ("EROFS", "EACCES")
    assert (seen["tmp_fits"], seen["tmp_full"]) == (None, "ENOSPC")
    assert seen["modes"]["/tmp"][0] == "drwxrwxrwt"
    assert seen["modes"]["/opt"][0] == seen["modes"]["/var/task"][0] == "drwxr-xr-x"
    if os.geteuid() == 0:
        assert {owner for _, owner in seen["modes"].values()} == {0}
    assert seen["limits"] == {"RLIMIT_NOFILE": 1024, "RLIMIT_CORE": 0, "RLIMIT_STACK": 8 << 20}
    assert seen["packages"] == []
    assert set(seen["environment"]) <= {"PATH", "LC_CTYPE"}  # Python itself adds the second
    assert seen["devices"] == ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
    assert seen["native"]
    assert seen["resolves"] == "127.0.0.1"


def test_the_hosts_files_are_not_there(namespaces: type[NamespaceFactory], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    script = f"import os; print([os.path.exists(p) for p in ({str(secret)!r}, '/etc/shadow', '/etc/hostname', '/sys', '/run')])"
    _, output = with_factory(namespaces, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert output == "[False, False, False, False, False]\n"


def test_as_an_ordinary_user(tmp_path: Path) -> None:
    """The service of a user without any privilege, with a Python that this user may read."""
    if os.geteuid() != 0:
        pytest.skip("all tests run as an ordinary user already")
    needs_namespaces()
    python = Path("/usr/bin/python3").resolve()
    if (
        not python.exists()
        or subprocess.run(
            [python, "-c", f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"], check=False
        ).returncode
    ):
        pytest.skip("no system Python of this version, to import msgspec")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder)
        shutil.copytree(ROOT / "src", place / "src")
        shutil.copytree(Path(msgspec.__file__).parent, place / "src" / "msgspec")
        for path in [place, *place.rglob("*")]:
            path.chmod(0o755)
        (place / "main.py").write_text(textwrap.dedent(INSPECT))
        (place / "service.py").write_text(
            textwrap.dedent(f"""
            import asyncio, sys
            from pathlib import Path
            from lambent.local.sandbox.sandbox import SandboxSpec
            from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
            async def main():
                factory, here = NamespaceFactory(), Path({folder!r})
                command = ("{{python}}", "/var/task/main.py")
                spec = SandboxSpec(Path({str(python)!r}), here, here, here / "t", 64, 128, (("PATH", "/bin"),), command)
                sandbox = await factory.start(spec)
                sandbox.listen(lambda chunk: print(chunk.decode(), end=""))
                assert (await sandbox.wait()).status == 0
                await factory.stop()
            asyncio.run(main())
            """)
        )
        done = subprocess.run(
            [python, place / "service.py"], user=61234, group=61234, extra_groups=[], env={"PYTHONPATH": str(place / "src")},
            capture_output=True, text=True, timeout=60, check=False, cwd="/",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["user"], seen["capabilities"][2], seen["no_new_privs"]) == ("sbx_user1051", "0" * 16, "1")
    assert all(seen["write"].values()), seen["write"]
    assert (seen["tmp_fits"], seen["tmp_full"]) == (None, "ENOSPC")
    assert len(seen["pids"]) == 2
    assert seen["packages"] == []


def test_tmp_outlives_the_process_but_not_the_environment(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import os, tempfile
    path = tempfile.gettempdir() + "/count"
    count = int(open(path).read()) + 1 if os.path.exists(path) else 0
    open(path, "w").write(str(count))
    print(count)
    """
    spec = make_spec(tmp_path, script)

    async def body(factory: SandboxFactory) -> list[str]:
        outputs = []
        for closes in (False, False, True, False):
            sandbox = await factory.start(spec)
            chunks = collect(sandbox)
            await sandbox.wait()
            outputs.append(b"".join(chunks).decode().strip())
            if closes:
                await sandbox.close()
        return outputs

    assert with_factory(any_factory, body) == ["0", "1", "2", "0"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("raise SystemExit(3)", ProcessExit(3, None)),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", ProcessExit(None, signal.SIGSEGV)),
        ("x = b'x' * 600_000_000", ProcessExit(None, signal.SIGKILL, out_of_memory=True)),
        (
            "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = b\"x\" * 600_000_000'])",
            ProcessExit(None, signal.SIGKILL, True),
        ),
    ],
    ids=["status", "signal", "memory", "memory-of-a-child"],
)
def test_how_it_ended(any_factory: Callable[[], SandboxFactory], script: str, expected: ProcessExit, tmp_path: Path) -> None:
    ended, _ = with_factory(any_factory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert ended == expected


def test_a_spike_between_two_looks_counts(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import mmap, time
    mmap.mmap(-1, 300 << 20).write(b"x" * 10)
    spike = bytearray(300 << 20)
    del spike
    print("done", flush=True)
    time.sleep(30)
    """

    async def body(factory: SandboxFactory) -> ProcessExit:
        sandbox = await factory.start(make_spec(tmp_path, script))
        sandbox._memory.stop()  # type: ignore[attr-defined]  # as if no look fell into the spike
        done = asyncio.Event()
        sandbox.listen(lambda _: done.set())
        await done.wait()
        assert not sandbox.within_memory()
        return await sandbox.wait()

    assert with_factory(any_factory, body).out_of_memory


def test_pages_shared_by_forked_processes_count_once(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import os, time
    held = bytearray(100 << 20)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(0.3)
            os._exit(0)
    for _ in range(4):
        os.wait()
    """
    ended, _ = with_factory(any_factory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert ended == ProcessExit(0, None)


def test_frozen_processes_do_nothing(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import time
    while True:
        print("tick", flush=True)
        time.sleep(0.01)
    """

    async def body(factory: SandboxFactory) -> None:
        sandbox = await factory.start(make_spec(tmp_path, script))
        ticks: asyncio.Queue[bytes] = asyncio.Queue()
        sandbox.listen(ticks.put_nowait)
        await ticks.get()
        sandbox.freeze()
        await asyncio.sleep(0.1)  # what was in the pipe
        while not ticks.empty():
            ticks.get_nowait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ticks.get(), 0.3)
        sandbox.thaw()
        await asyncio.wait_for(ticks.get(), 5)
        await sandbox.kill()

    with_factory(any_factory, body)


def test_kill_ends_processes_that_left_their_group(namespaces: type[NamespaceFactory], tmp_path: Path) -> None:
    script = """
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print("ready", flush=True)
            time.sleep(60)
        os._exit(0)
    time.sleep(60)
    """

    async def body(factory: SandboxFactory) -> list[int]:
        sandbox = await factory.start(make_spec(tmp_path, script))
        assert isinstance(sandbox, NamespaceSandbox)
        ready = asyncio.Event()
        sandbox.listen(lambda _: ready.set())
        await ready.wait()
        assert len(process_tree.descendants(sandbox.namespaces.init)) >= 2
        await sandbox.kill()
        return process_tree.descendants(sandbox.namespaces.init)

    assert with_factory(namespaces, body) == []


def test_everything_dies_with_the_service(namespaces: type[NamespaceFactory], tmp_path: Path) -> None:
    service = tmp_path / "service.py"
    service.write_text(
        textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from support.functions import make_spec
        from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
        async def main():
            factory = NamespaceFactory()
            sandbox = await factory.start(make_spec(Path(sys.argv[1]), "import time; print('on', flush=True); time.sleep(60)"))
            ready = asyncio.Event()
            sandbox.listen(lambda _: ready.set())
            await ready.wait()
            print(sandbox.namespaces.init, *sandbox._pids(), flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """)
    )
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    process = subprocess.Popen([sys.executable, service, tmp_path], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    watched = [os.pidfd_open(pid) for pid in pids]
    process.kill()
    process.wait()
    assert len(pids) == 2
    for watched_fd in watched:
        assert select_readable(watched_fd), "still runs"
        os.close(watched_fd)
    process.stdout.close()


def select_readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 10)[0])


def test_an_interpreter_that_only_its_owner_may_run(namespaces: type[NamespaceFactory], tmp_path: Path) -> None:
    """Such as one that root installed under a strict umask: the owner's id is used, still without any privilege."""
    spec = make_spec(tmp_path, "import os; print(os.getuid(), open('/proc/self/status').read().count('0000000000000000'))")
    root = replace(plan_root(spec), world_readable=False)

    async def body(factory: SandboxFactory) -> str:
        assert isinstance(factory, NamespaceFactory)
        holder = Namespaces()
        await holder.build(root, 64)
        output = OutputPipe()
        await holder.start(spec, root, output)
        output.close_writer()
        chunks: list[bytes] = []
        output.listen(chunks.append)
        assert (await holder.exit()).status == 0
        output.drain()
        output.close()
        await holder.close()
        return b"".join(chunks).decode()

    user, empty_sets = with_factory(namespaces, body).split()
    assert user == "1051"
    assert int(empty_sets) >= 5


def test_nothing_is_left_behind(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    async def body(factory: SandboxFactory) -> tuple[int, int]:
        others = set(process_tree.descendants(os.getpid()))  # other tests' in the same process: a service that several share
        counts = []
        for _ in range(2):
            for _ in range(3):
                await run_script(factory, make_spec(tmp_path, "print(1)"))
            await factory.stop()
            counts.append(len(list(Path("/proc/self/fd").iterdir())))
        assert not set(process_tree.descendants(os.getpid())) - others
        return counts[0], counts[1]

    before, after = with_factory(any_factory, body)
    assert after == before


def test_where_the_interpreter_lies_decides_what_is_bound(tmp_path: Path) -> None:
    root = plan_root(make_spec(tmp_path, "", interpreter=Path("/usr/bin/python3.11")))
    assert ("/usr", "/var/lang") in root.binds
    assert "/usr/local" in root.masks
    root = plan_root(make_spec(tmp_path, "", interpreter=Path("/usr/local/bin/python3.11")))
    assert ("/usr/local", "/var/lang") in root.binds
    assert "/usr/local" not in root.masks
    assert "/var/lang/lib/python3.11/site-packages" in root.masks


def test_a_plain_process_has_no_packages_and_no_variables_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAKED", "from the service")
    script = """
    import json, os, sys, importlib.util
    json.dump([dict(os.environ), [name for name in ("pip", "lambent") if importlib.util.find_spec(name)]], sys.stdout)
    """
    spec = make_spec(tmp_path, script, environment=(("PATH", "/var/task/bin:/bin"), ("LAMBDA_TASK_ROOT", "/var/task")))
    _, output = with_factory(ProcessFactory, lambda factory: run_script(factory, spec))
    environment, packages = json.loads(output)
    environment.pop("LC_CTYPE", None)
    assert environment == {"PATH": f"{spec.task}/bin:/bin", "LAMBDA_TASK_ROOT": str(spec.task), "TMPDIR": str(spec.tmp)}
    assert packages == []


def test_lambdas_folders_are_translated_only_where_they_begin_a_path() -> None:
    places = {"/var/task": "/code", "/opt": "/layer"}
    assert translate("/var/task/bin:/usr/bin:/opt", places) == "/code/bin:/usr/bin:/layer"
    assert translate("/var/tasks:/x/var/task", places) == "/var/tasks:/x/var/task"


def test_usage_is_read_from_proc() -> None:
    text = b"Name:\tpython\nVmHWM:\t   40000 kB\nVmRSS:\t 30000 kB\nRssAnon:\t   20000 kB\n"
    text += b"RssFile:\t    9000 kB\nRssShmem:\t    1000 kB\n"
    assert process_tree.parse_status(text) == process_tree.MemoryUsage(private=21000, file=9000, high=40000)
    assert process_tree.parse_status(b"Name:\tzombie\nState:\tZ (zombie)\n") is None


@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps here")
def test_without_proc_ps_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: slower looks, the same end."""
    monkeypatch.setattr(process_tree, "HAS_PROC", False)
    script = """
    import subprocess, sys
    subprocess.run([sys.executable, "-c", "import time; x = b'x' * 600_000_000; time.sleep(30)"])
    """
    ended, _ = with_factory(ProcessFactory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert ended.out_of_memory
