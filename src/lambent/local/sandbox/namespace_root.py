"""What the file system of a namespace sandbox contains. Reads the host's folders and changes nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec import Struct

from . import commands
from .sandbox import SandboxSpec

USER, GROUP = 1051, 990  # sbx_user1051 and its group on AWS
HOSTNAME = "lambda"
Address = tuple[str, int]

_DNS = 53
_NAME_SERVER = "169.254.100.{}"  # next to the environment's own address, which ends in 6
_NAME_SERVERS_MAX = 3  # what glibc uses (resolv.conf(5))

_ETC = ("ssl/certs", "ssl/openssl.cnf", "pki/tls", "pki/ca-trust", "ca-certificates", "alternatives", "ld.so.cache", "fonts")
_ETC_TEXT = ("resolv.conf", "nsswitch.conf", "protocols", "services", "mime.types", "gai.conf", "host.conf")
_PASSWD = f"""root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
sbx_user{USER}:x:{USER}:{GROUP}::/home/sbx_user{USER}:/sbin/nologin
"""
_GROUPS = f"root:x:0:\nnobody:x:65534:\nsbx_user{USER}:x:{GROUP}:\n"
_ENTRYPOINT = """#!/bin/sh
# As in AWS's images: starts the runtime with the handler that is its argument.
export _HANDLER="$1"
exec "/var/lang/bin/${AWS_EXECUTION_ENV#AWS_Lambda_}" /var/runtime/bootstrap.py
"""


class CommandFolder(Struct, frozen=True):
    """A folder of commands: where it is on the host and inside, and which commands are visible.

    `interpreter` is a file in it that must not be a link, since Python finds its library by its own path; "" if it has none.
    """

    source: str
    path: str
    names: tuple[str, ...]
    interpreter: str = ""


class RootFilesystem(Struct, frozen=True):
    """Symbolic links (target, path), read-only binds (source, path), folders to hide, and files (path, mode, text).

    `commands` are folders (path on the host, path inside) of which only the named commands are visible, and a file is bound.
    `python` is the interpreter's path inside. `world_readable`: whether a user other than the service's may run it.
    `forwards` are addresses in the environment's own network, and those of this machine that they stand for.
    """

    links: tuple[tuple[str, str], ...]
    binds: tuple[tuple[str, str], ...]
    masks: tuple[str, ...]
    files: tuple[tuple[str, int, str], ...]
    commands: tuple[CommandFolder, ...]
    python: str
    world_readable: bool = True
    forwards: tuple[tuple[Address, Address], ...] = ()


def plan_root(spec: SandboxSpec, *, own_network: bool = False) -> RootFilesystem:
    """Plan the root of a sandbox. With a network of its own, it finds this machine's name servers at other addresses."""
    links, binds = _system_folders()
    prefix = spec.interpreter.parent.parent
    version = spec.interpreter.name
    binds.append((str(prefix), "/var/lang"))
    if prefix != Path("/usr"):
        binds.append((str(prefix), str(prefix)))
    binds += [(str(spec.task.resolve()), "/var/task"), (str(spec.runtime.resolve()), "/var/runtime")]
    if spec.opt is not None:
        binds.append((str(spec.opt.resolve()), "/opt"))
    masks = [] if prefix == Path("/usr/local") else ["/usr/local"]
    for folder in dict.fromkeys(("/var/lang", str(prefix), "/usr")):
        masks += _package_folders(folder, version)
    relocatable = (prefix / "lib" / version / "os.py").exists()
    python = f"/var/lang/bin/{version}" if relocatable else str(spec.interpreter)
    world_readable = all(_is_world_readable(path) for path in (spec.interpreter, prefix, prefix / "lib"))
    texts = _texts()
    forwards: tuple[tuple[Address, Address], ...] = ()
    if own_network:
        texts["/etc/resolv.conf"], forwards = stand_in_for_name_servers(texts.get("/etc/resolv.conf", ""))
    files = (*((path, 0o644, text) for path, text in texts.items()), ("/lambda-entrypoint.sh", 0o755, _ENTRYPOINT))
    return RootFilesystem(
        tuple(links), tuple(binds), tuple(masks), files, _command_folders(spec), python, world_readable, forwards
    )


def stand_in_for_name_servers(resolv_conf: str) -> tuple[str, tuple[tuple[Address, Address], ...]]:
    """Return a resolv.conf with other addresses for its name servers, and what they stand for.

    Name servers are often on this machine's loopback, or have addresses of IPv6, which the environment's own network lacks.
    """
    lines = resolv_conf.splitlines()
    servers = [words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"] and words[1:]] or ["127.0.0.1"]
    stand_ins = [_NAME_SERVER.format(number) for number in range(1, len(servers[:_NAME_SERVERS_MAX]) + 1)]
    others = [line for line in lines if not line.lstrip().startswith("nameserver")]
    text = "".join(f"{line}\n" for line in [*others, *(f"nameserver {address}" for address in stand_ins)])
    forwards = [((stand_in, _DNS), (server, _DNS)) for stand_in, server in zip(stand_ins, servers, strict=False)]
    return text, tuple(forwards)


def _is_world_readable(path: Path) -> bool:
    """False for example where root installed a Python under a strict umask."""
    return not path.exists() or path.stat().st_mode & 0o005 == 0o005


def _package_folders(prefix: str, version: str) -> list[str]:
    folders = [
        f"{prefix}/lib/{version}/site-packages",
        f"{prefix}/lib/{version}/dist-packages",
        f"{prefix}/lib/python3/dist-packages",
    ]
    return [folder for folder in folders if prefix != "/usr" or Path(folder).is_dir()]


def _system_folders() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return links and binds for /usr, parts of /etc, and /bin, /lib and so on, which may be links into /usr."""
    links: list[tuple[str, str]] = []
    binds = [("/usr", "/usr")]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            links.append((str(path), str(path.readlink())))
        elif path.is_dir():
            binds.append((str(path), str(path)))
    for name in _ETC:
        path = Path("/etc", name)
        if path.exists():
            binds.append((str(path.resolve()), str(path)))
    return links, binds


def _command_folders(spec: SandboxSpec) -> tuple[CommandFolder, ...]:
    own = spec.interpreter.parent
    system = [Path(path) for path in ("/usr/bin", "/usr/sbin", "/usr/games", "/bin", "/sbin", "/usr/local/bin")]
    folders = [(path, str(path)) for path in system if path.is_dir() and not path.is_symlink() and _is_shown(path, own)]
    folders += [(own, "/var/lang/bin"), *([] if own in system else [(own, str(own))])]
    return tuple(
        CommandFolder(
            str(source), path, commands.visible(source, spec.interpreter), spec.interpreter.name if source == own else ""
        )
        for source, path in folders
    )


def _is_shown(folder: Path, own: Path) -> bool:
    """Whether the folder isn't hidden as a whole."""
    return folder != Path("/usr/local/bin") or own == folder


def _texts() -> dict[str, str]:
    """Return Lambda's own users (the host's other users appear as nobody) and the host's name resolution."""
    texts = {"/etc/passwd": _PASSWD, "/etc/group": _GROUPS}
    for name in ("hosts", *_ETC_TEXT):
        with contextlib.suppress(OSError):
            texts[f"/etc/{name}"] = Path("/etc", name).read_text()
    texts["/etc/hosts"] = texts.get("/etc/hosts", "127.0.0.1 localhost\n") + f"\n127.0.0.1 {HOSTNAME}\n"
    return texts
