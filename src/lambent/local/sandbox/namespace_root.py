"""What the file system of a namespace sandbox contains. Reads the host's folders and changes nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec import Struct

from .sandbox import SandboxSpec
from .system_image import SystemImage, has_system_prefix, library_folders, prefix_of

USER, GROUP = 1051, 990  # sbx_user1051 and its group on AWS
HOSTNAME = "lambda"
Address = tuple[str, int]

_DNS = 53
_NAME_SERVER = "169.254.100.{}"  # next to the environment's own address, which ends in 6
_NAME_SERVERS_MAX = 3  # what glibc uses (resolv.conf(5))

_ETC = ("ssl/certs", "ssl/openssl.cnf", "pki/tls", "pki/ca-trust", "ca-certificates")
_PRIVATE_KEYS = "/etc/pki/tls/private"
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


class RootFilesystem(Struct, frozen=True):
    """Symbolic links (target, path), read-only binds (source, path), folders to hide, and files (path, mode, text).

    `python` is the interpreter's path inside. `world_readable`: whether a user other than the service's may run it.
    `forwards` are addresses in the environment's own network, and those of this machine that they stand for.
    """

    links: tuple[tuple[str, str], ...]
    binds: tuple[tuple[str, str], ...]
    masks: tuple[str, ...]
    files: tuple[tuple[str, int, str], ...]
    python: str
    world_readable: bool = True
    forwards: tuple[tuple[Address, Address], ...] = ()


def plan_root(spec: SandboxSpec, image: SystemImage, *, own_network: bool = False) -> RootFilesystem:
    """Plan the root of a sandbox. With a network of its own, it finds this machine's name servers at other addresses."""
    links, binds = _system_folders(image)
    prefix = prefix_of(spec.interpreter)
    version = spec.interpreter.name
    binds += [*_python(spec.interpreter, image), (str(spec.task.resolve()), "/var/task")]
    binds.append((str(spec.runtime.resolve()), "/var/runtime"))
    if spec.opt is not None:
        binds.append((str(spec.opt.resolve()), "/opt"))
    relocatable = (prefix / "lib" / version / "os.py").exists()
    python = f"/var/lang/bin/{version}" if relocatable else str(spec.interpreter)
    world_readable = all(_is_world_readable(path) for path in (spec.interpreter, prefix, prefix / "lib"))
    texts = _texts()
    forwards: tuple[tuple[Address, Address], ...] = ()
    if own_network:
        texts["/etc/resolv.conf"], forwards = stand_in_for_name_servers(texts.get("/etc/resolv.conf", ""))
    files = (*((path, 0o644, text) for path, text in texts.items()), ("/lambda-entrypoint.sh", 0o755, _ENTRYPOINT))
    masks = (_PRIVATE_KEYS, *_package_folders(spec.interpreter))
    return RootFilesystem(tuple(links), tuple(binds), masks, files, python, world_readable, forwards)


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


def _package_folders(interpreter: Path) -> list[str]:
    return [
        f"{prefix}/{library}/{interpreter.name}/{name}"
        for prefix in ("/var/lang", prefix_of(interpreter))
        for library in ("lib", "lib64")
        for name in ("site-packages", "dist-packages")
    ]


def _system_folders(image: SystemImage) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return links and binds for /usr, parts of /etc, and /bin, /lib and so on, which may be links into /usr."""
    links: list[tuple[str, str]] = []
    binds = [(f"{image.folder}/usr", "/usr"), (f"{image.folder}/etc/ld.so.cache", "/etc/ld.so.cache")]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            links.append((str(path), str(path.readlink())))
        elif (image.folder / name).is_dir():
            binds.append((str(image.folder / name), str(path)))
    binds += [(path, path) for path in image.mounts if Path(path).exists()]
    for name in _ETC:
        path = Path("/etc", name)
        if path.exists():
            binds.append((str(path.resolve()), str(path)))
    return links, binds


def _python(interpreter: Path, image: SystemImage) -> list[tuple[str, str]]:
    """Return binds for the interpreter: /var/lang, and its programs.

    Its file is bound, since Python finds its library by its own path, which must not be that of a link.
    """
    prefix, name = prefix_of(interpreter), interpreter.name
    programs = f"{image.folder}/lang/bin"
    own = str(interpreter.parent)
    if has_system_prefix(interpreter):
        folders = library_folders(interpreter)
        binds = [(str(folder), f"/var/lang/{folder.relative_to(prefix)}") for folder in folders]
        return [*binds, (programs, "/var/lang/bin"), *((str(interpreter), f"{path}/{name}") for path in ("/var/lang/bin", own))]
    binds = [(str(prefix), "/var/lang")]
    for path in ("/var/lang/bin", own):
        binds += [(programs, path), (str(interpreter), f"{path}/{name}")]
    return binds


def _texts() -> dict[str, str]:
    """Return Lambda's own users (the host's other users appear as nobody) and the host's name resolution."""
    texts = {"/etc/passwd": _PASSWD, "/etc/group": _GROUPS}
    for name in ("hosts", *_ETC_TEXT):
        with contextlib.suppress(OSError):
            texts[f"/etc/{name}"] = Path("/etc", name).read_text()
    texts["/etc/hosts"] = texts.get("/etc/hosts", "127.0.0.1 localhost\n") + f"\n127.0.0.1 {HOSTNAME}\n"
    return texts
