"""Sandboxes with real processes: what a function can't see or do, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import lambda_libraries
from lambent.calendar import find_runtime
from lambent.local.sandbox import process_tree
from lambent.local.sandbox.host_libraries import LINKER_CACHE, HostLibraries
from lambent.local.sandbox.namespace_root import plan_root
from lambent.local.sandbox.namespace_sandbox import NamespaceFactory, Namespaces
from lambent.local.sandbox.output_pipe import OutputPipe
from lambent.local.sandbox.process_sandbox import ProcessFactory, ProcessSandbox, translate
from lambent.local.sandbox.sandbox import ProcessExit, SandboxFactory
from lambent.local.sandbox.system_image import library_folders, prepare
from support.functions import CACHE, RUNTIMES, collect, interpreter, make_spec
from support.ordinary_user import run_as_ordinary_user
from support.paths import TESTS
from support.sandboxes import needs_namespaces, needs_own_network, run_script, with_factory
from support.waiting import eventually_async

INSPECT = """
import ctypes.util, errno, glob, importlib.util, json, os, platform, pwd, resource, signal, socket, stat, subprocess, sys

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

interrupt = error_of(lambda: os.kill(1, signal.SIGINT))
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
json.dump({
    "version": platform.python_version(), "prefix": sys.prefix, "executable": sys.executable,
    "root": sorted(os.listdir("/")), "pids": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "user": pwd.getpwuid(os.getuid()).pw_name, "uid": os.getuid(), "cwd": os.getcwd(), "devices": sorted(os.listdir("/dev")),
    "capabilities": [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privs": status["NoNewPrivs"],
    "write": {folder: error_of(lambda: open(folder + "/new", "w"))
              for folder in ("/var/task", "/var/runtime", "/opt", "/etc", "/usr", "/")},
    "write_sysctl": error_of(lambda: open("/proc/sys/kernel/hostname", "w")),
    "mkdir_home": error_of(lambda: os.makedirs("/home/new")),
    "tmp_fits": error_of(lambda: fill("/tmp/a", 40)), "tmp_full": error_of(lambda: fill("/tmp/b", 40)),
    "modes": {folder: describe(folder) for folder in ("/tmp", "/opt", "/var/task")},
    "limits": {name: resource.getrlimit(getattr(resource, name))[0]
               for name in ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_STACK")},
    "packages": [name for name in ("pip", "setuptools", "lambent", "apt") if importlib.util.find_spec(name)],
    "environment": dict(os.environ), "native": bool(__import__("ssl").OPENSSL_VERSION and __import__("sqlite3").sqlite_version),
    "interrupt": interrupt,
    "resolves": socket.gethostbyname("localhost"),
    "libraries": [os.path.basename(path) for folder in ("lib*", "lib/*-linux-*")
                  for path in glob.glob(f"/usr/{folder}/lib*.so*")],
    "finds_libraries": [bool(ctypes.util.find_library(name)) for name in ("c", "lambent-test")],
    "folders": {path: sorted(os.listdir(path)) for path in ("/usr", "/usr/local/lib", "/usr/share")},
    "own_libraries": {name: subprocess.run([name, "--version"], capture_output=True).returncode
                      for name in os.listdir("/usr/libexec/commands") if name != "lib"}
                     if os.path.exists("/usr/libexec/commands") else {},
    "user_namespaces": open("/proc/sys/user/max_user_namespaces").read().strip(),
}, sys.stdout)
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_function_sees_lambdas_files_and_not_the_hosts(
    runtime: str, namespaces: Callable[[], NamespaceFactory], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "from the service")
    (tmp_path / "secret").write_text("the host's")
    spec = make_spec(tmp_path, INSPECT, interpreter=interpreter(runtime))
    exit, output = with_factory(namespaces, lambda factory: run_script(factory, spec))
    assert exit == ProcessExit(0, None), output
    report = json.loads(output)
    assert report["version"].startswith(runtime.removeprefix("python") + ".")
    assert (report["prefix"], report["executable"]) == ("/var/lang", f"/var/lang/bin/{runtime}")
    assert set(report["root"]) <= {
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
    assert report["pids"][0] == 1
    assert len(report["pids"]) == 2
    assert (report["user"], report["uid"], report["cwd"]) == ("sbx_user1051", 1051, "/var/task")
    assert set(report["capabilities"]) == {"0" * 16}
    assert report["no_new_privs"] == "1"
    assert all(report["write"].values()), report["write"]
    assert report["write"]["/var/task"] == "EROFS"
    assert report["write_sysctl"] == "EROFS"
    assert report["mkdir_home"] in ("EROFS", "EACCES")
    assert (report["tmp_fits"], report["tmp_full"]) == (None, "ENOSPC")
    assert report["modes"]["/tmp"][0] == "drwxrwxrwt"
    assert report["modes"]["/opt"][0] == report["modes"]["/var/task"][0] == "drwxr-xr-x"
    if os.geteuid() == 0:
        assert {owner for _, owner in report["modes"].values()} == {0}
    assert report["limits"] == {"RLIMIT_NOFILE": 1024, "RLIMIT_CORE": 0, "RLIMIT_STACK": 8 << 20}
    assert report["packages"] == []
    assert set(report["environment"]) <= {"PATH", "LC_CTYPE"}  # Python itself adds the second
    assert report["devices"] == ["fd", "full", "null", "random", "stderr", "stdin", "stdout", "urandom", "zero"]
    assert report["native"]
    assert report["resolves"] == "127.0.0.1"
    check_system(report, interpreter(runtime))


def check_system(report: dict[str, Any], python: Path) -> None:
    """Of this machine's libraries, a function sees those that Lambda has, and those that Python itself needs."""
    modules = [path for folder in library_folders(python) for path in (folder / "lib-dynload").glob("*.so")]
    needed = HostLibraries(python).needed_by([python, *modules]).keys()
    runtime = find_runtime(python.name)
    assert runtime
    assert set(report["libraries"]) <= needed | lambda_libraries.names(runtime.glibc)
    assert {"libc.so.6", "libstdc++.so.6", "libz.so.1"} <= set(report["libraries"])
    assert report["finds_libraries"] == [LINKER_CACHE.exists(), False]
    assert set(report["folders"]["/usr"]) <= {"bin", "lib", "lib32", "lib64", "libexec", "libx32", "local", "sbin", "share"}
    assert set(report["folders"]["/usr/local/lib"]) <= {python.name}
    assert set(report["folders"]["/usr/share"]) <= {"ca-certificates", "pki", "terminfo", "zoneinfo"}
    assert set(report["own_libraries"].values()) <= {0}


def test_files_of_the_host_are_hidden(namespaces: Callable[[], NamespaceFactory], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    script = f"import os; print([os.path.exists(p) for p in ({str(secret)!r}, '/etc/shadow', '/etc/hostname', '/sys', '/run')])"
    _, output = with_factory(namespaces, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert output == "[False, False, False, False, False]\n"


def test_unprivileged_user_gets_the_same_isolation(tmp_path: Path) -> None:
    """The user who runs the service has no privileges, and its Python is one that this user may read."""
    needs_namespaces()
    script = f"""
import asyncio, sys
from pathlib import Path
from lambent.local.sandbox.sandbox import SandboxSpec
from lambent.local.sandbox.namespace_sandbox import NamespaceFactory

async def main():
    here = Path(sys.argv[1])
    factory = NamespaceFactory(here / "cache")
    (here / "main.py").write_text({textwrap.dedent(INSPECT)!r})
    python, command = Path("/usr/bin/python3").resolve(), ("{{python}}", "/var/task/main.py")
    sandbox = await factory.start(SandboxSpec(python, here, here, here / "t", 64, 128, (("PATH", "/bin"),), command))
    sandbox.listen(lambda chunk: print(chunk.decode(), end=""))
    assert (await sandbox.wait()).status == 0
    await factory.stop()

asyncio.run(main())
"""
    report = json.loads(run_as_ordinary_user(script))
    assert (report["user"], report["capabilities"][2], report["no_new_privs"]) == ("sbx_user1051", "0" * 16, "1")
    assert (report["user_namespaces"], report["interrupt"]) == ("0", None)
    assert all(report["write"].values()), report["write"]
    assert (report["tmp_fits"], report["tmp_full"]) == (None, "ENOSPC")
    assert len(report["pids"]) == 2
    assert report["packages"] == []
    check_system(report, Path("/usr/bin/python3").resolve())


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
def test_exit_names_status_signal_or_memory(
    any_factory: Callable[[], SandboxFactory], script: str, expected: ProcessExit, tmp_path: Path
) -> None:
    exit, _ = with_factory(any_factory, lambda factory: run_script(factory, make_spec(tmp_path, script)))
    assert exit == expected


def is_stopped(pid: int) -> bool:
    """Whether a process does nothing: it is stopped, or has ended (and its parent is stopped)."""
    if not Path(f"/proc/{pid}").exists():
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ"


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
        await eventually_async(lambda: all(is_stopped(pid) for pid in sandbox._pids()))
        sandbox.drain()
        while not ticks.empty():
            ticks.get_nowait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ticks.get(), 0.3)  # 30 ticks of a process that is not frozen
        sandbox.thaw()
        await asyncio.wait_for(ticks.get(), 5)
        await sandbox.kill()

    with_factory(any_factory, body)


@pytest.mark.parametrize(
    ("word", "status"), [("/var/task/{0}", 127), ("/var/task/{python.x!r}", 127), ("{", 127), ("/bin/\0sh", 126)]
)
def test_odd_command_is_reported_as_by_a_shell(
    any_factory: Callable[[], SandboxFactory], word: str, status: int, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path, "", command=(word, "{python}"))
    assert with_factory(any_factory, lambda factory: run_script(factory, spec)) == (ProcessExit(status, None), "")


def test_processes_that_fork_all_the_time_are_frozen(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import os, time
    for _ in range(8):
        if os.fork() == 0:
            os.setsid()
            while True:  # each process lives for a moment only, and leaves a new one behind
                if os.fork() != 0:
                    os._exit(0)
                os.write(1, b"on")
    time.sleep(60)
    """

    async def body(factory: SandboxFactory) -> None:
        existing = set(process_tree.descendants(os.getpid()))
        sandbox = await factory.start(make_spec(tmp_path, script))
        chunks: asyncio.Queue[bytes] = asyncio.Queue()
        sandbox.listen(chunks.put_nowait)
        for _ in range(20):
            await chunks.get()
        sandbox.freeze()
        # Without namespaces one may escape at first. It is stopped at one of the next checks.
        for _ in range(1 if factory.kind == "namespaces" else 20):
            await eventually_async(lambda: all(map(is_stopped, sandbox._pids())))
            sandbox.drain()
            while not chunks.empty():
                chunks.get_nowait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(chunks.get(), 0.3)
                sandbox._stop_stragglers()
                continue
            break
        else:
            pytest.fail("a process is still running")
        sandbox.thaw()
        await asyncio.wait_for(chunks.get(), 5)
        await sandbox.close()
        await factory.stop()
        assert not set(process_tree.descendants(os.getpid())) - existing

    with_factory(any_factory, body)


def test_kill_ends_processes_that_left_their_process_group(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    script = """
    import os, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print("ready", flush=True)
            time.sleep(60)
        os._exit(0)
    os.wait()
    time.sleep(60)
    """

    async def body(factory: SandboxFactory) -> None:
        sandbox = await factory.start(make_spec(tmp_path, script))
        ready = asyncio.Event()
        sandbox.listen(lambda _: ready.set())
        await ready.wait()
        await eventually_async(lambda: len(sandbox._pids()) == 2)
        descriptors = [os.pidfd_open(pid) for pid in sandbox._pids()]
        await sandbox.kill()
        for descriptor in descriptors:
            assert select.select([descriptor], [], [], 10)[0], "the process is still running"
            os.close(descriptor)
        left = [sandbox.process.pid] if isinstance(sandbox, ProcessSandbox) else []
        assert sandbox._pids() == left

    with_factory(any_factory, body)


@pytest.mark.parametrize("network", ["shared", "own"])
def test_every_process_ends_when_the_service_is_killed(
    network: str, namespaces: Callable[[], NamespaceFactory], tmp_path: Path
) -> None:
    """Also the one beside the namespaces, which carries connections: one that is refused has started it."""
    if network == "own":
        needs_own_network()
    service = tmp_path / "service.py"
    service.write_text(
        textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from support.functions import CACHE, make_spec
        from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
        async def main():
            factory = NamespaceFactory(CACHE, own_network=sys.argv[2] == "own")
            connect = "import socket, time\\ns = socket.socket()\\ns.settimeout(1)\\ns.connect_ex(('169.254.9.9', 1))"
            script = connect + "\\nprint('on', flush=True)\\ntime.sleep(60)"
            sandbox = await factory.start(make_spec(Path(sys.argv[1]), script))
            ready = asyncio.Event()
            sandbox.listen(lambda _: ready.set())
            await ready.wait()
            print(sandbox.namespaces.init, sandbox.namespaces._process.pid, *sandbox._pids(), flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """)
    )
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    process = subprocess.Popen([sys.executable, service, tmp_path, network], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    descriptors = [os.pidfd_open(pid) for pid in pids]
    process.kill()
    process.wait()
    assert len(pids) == 3
    for descriptor in descriptors:
        assert select.select([descriptor], [], [], 10)[0], "the process is still running"
        os.close(descriptor)
    process.stdout.close()


def test_interpreter_that_only_its_owner_may_run_is_run_as_the_owner(
    namespaces: Callable[[], NamespaceFactory], tmp_path: Path
) -> None:
    """Such as one that root installed under a strict umask. The process still has no privileges."""
    spec = make_spec(tmp_path, "import os; print(os.getuid(), open('/proc/self/status').read().count('0000000000000000'))")
    root = replace(plan_root(spec, prepare(spec.interpreter, CACHE)), world_readable=False)

    async def body(factory: SandboxFactory) -> str:
        assert isinstance(factory, NamespaceFactory)
        environment = Namespaces(switch_user=False, own_network=False)
        await environment.build(root, spec, None)
        output = OutputPipe()
        await environment.start(spec, root, output)
        output.close_writer()
        chunks: list[bytes] = []
        output.listen(chunks.append)
        assert (await environment.exit()).status == 0
        output.drain()
        output.close()
        await environment.close()
        return b"".join(chunks).decode()

    user, empty_sets = with_factory(namespaces, body).split()
    assert user == "1051"
    assert int(empty_sets) >= 5


def test_no_process_and_no_descriptor_remains(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    async def body(factory: SandboxFactory) -> tuple[int, int]:
        existing = set(process_tree.descendants(os.getpid()))  # such as a service that several tests share
        counts = []
        for _ in range(2):
            for _ in range(3):
                await run_script(factory, make_spec(tmp_path, "print(1)"))
            await factory.stop()
            counts.append(len(list(Path("/proc/self/fd").iterdir())))
        assert not set(process_tree.descendants(os.getpid())) - existing
        return counts[0], counts[1]

    before, after = with_factory(any_factory, body)
    assert after == before


def test_plain_process_sees_no_packages_and_no_variables_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_lambdas_folders_are_translated_only_at_the_start_of_a_path() -> None:
    folders = {"/var/task": "/code", "/opt": "/layer"}
    assert translate("/var/task/bin:/usr/bin:/opt", folders) == "/code/bin:/usr/bin:/layer"
    assert translate("/var/tasks:/x/var/task", folders) == "/var/tasks:/x/var/task"
