"""Runs lambent without what only Unix has, as far as that is possible on Linux: python -m support.without_unix build app

The modules can't be imported, and the functions and signals don't exist. Packages of others were imported before, because on
Windows they take other branches.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from lambent import systems

OTHERS = (
    *("botocore.httpsession", "botocore.session", "click", "concurrent.futures", "email.message", "getpass", "http.client"),
    *("msgspec", "platform", "platformdirs.unix", "rich.console", "tarfile", "tempfile", "urllib.request", "urllib3", "uv"),
)
MODULES = frozenset(("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"))
FUNCTIONS = (
    *("chown", "fchmod", "fchown", "fork", "getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid", "getuid"),
    *("killpg", "lchown", "mkfifo", "nice", "pidfd_open", "setsid", "statvfs"),
)
FLAGS = ("O_CLOEXEC", "O_DIRECTORY", "O_NONBLOCK", "O_SYNC")
SIGNALS = ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGWINCH", "pthread_sigmask", "alarm")


class _Missing:
    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def remove_unix() -> None:
    for name in OTHERS:
        importlib.import_module(name)
    for module in MODULES:
        sys.modules.pop(module, None)
    sys.meta_path.insert(0, _Missing())
    for place, names in ((os, (*FUNCTIONS, *FLAGS)), (signal, SIGNALS)):
        for name in names:
            delattr(place, name)
    systems.is_windows = lambda: True


def import_commands() -> None:
    """Import the module of every command."""
    from lambent.cli.main import COMMANDS

    for name in COMMANDS:
        importlib.import_module(f"lambent.cli.{name}")


if __name__ == "__main__":
    assert asyncio and multiprocessing and shutil and subprocess
    remove_unix()
    if sys.argv[1:] == ["--import-commands"]:
        import_commands()
    else:
        from lambent.cli.main import run

        run()
