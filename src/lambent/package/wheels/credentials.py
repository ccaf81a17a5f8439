"""Who asks a registry for a file: user names and passwords as uv takes them.

From the URLs in requirement files, locks and settings (`https://me:secret@host/simple`), `UV_INDEX_<NAME>_USERNAME` and
`_PASSWORD` of a named index, netrc, what `uv auth login` stored, and keyring where uv is told to use it. They are bound to
scheme, host and port: an index whose files are on another host does not give its credentials to that host.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from uv import find_uv_bin

from lambent.package.urls import host_of, origin, without_credentials
from lambent.package.wheels.index_settings import Settings

_NOBODY = ""


class Login(Struct, frozen=True):
    """A user at an address (without credentials). `password` is None where it is kept somewhere else."""

    url: str
    user: str
    password: str | None

    def __repr__(self) -> str:  # never by accident in a log
        return f"Login({self.url!r})"


def login_of(url: str) -> Login | None:
    """The user that a URL names, or None."""
    try:
        parts = urlsplit(url)
        origin(url)
    except ValueError:  # what looks like a URL in some file need not be one
        return None
    if parts.username is None:
        return None
    password = None if parts.password is None else unquote(parts.password)
    return Login(without_credentials(url), unquote(parts.username), password)


class Credentials:
    """What is known about users of registries. Nothing is read before the first question."""

    def __init__(self, environ: Mapping[str, str], project: Path, inputs: tuple[Path, ...] = ()) -> None:
        self._environ = environ
        self._settings = Settings(environ, project, inputs)
        self._lock = Lock()
        self._looked_up: dict[tuple[str, str], list[str]] = {}

    def candidates(self, url: str, index: str = "") -> Iterator[str]:
        """Values of the header Authorization to try in this order; "" is nobody. Slow sources come last."""
        named = self.logins(url, index)
        known = [_basic(login.user, login.password) for login in named if login.password is not None]
        known += self._netrc(url)
        yield from known or [_NOBODY]
        yield from (found for found in self._stored(url, index, named) if found not in known)
        if known:
            yield _NOBODY  # a stale password must not keep one from what is public

    def logins(self, url: str, index: str = "") -> list[Login]:
        """The users that the URLs of the project name for this host: those of that index first, then the closest path."""
        own = login_of(url)
        with self._lock:  # the first of many threads reads the files
            named = self._named
        there = [login for login in named if origin(login.url) == origin(url)]
        path = urlsplit(url).path

        def closeness(login: Login) -> tuple[bool, int]:
            at = urlsplit(login.url).path.rstrip("/")
            near = path == at or path.startswith(f"{at}/")
            return bool(index) and login.url.rstrip("/") == index.rstrip("/"), len(at) + 1 if near else 0

        return [*([own] if own else []), *sorted(there, key=closeness, reverse=True)]

    @cached_property
    def _named(self) -> list[Login]:
        found = [login for url in self._settings.urls if (login := login_of(url))]
        for name, url in self._settings.indexes:
            prefix = f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
            user, password = self._environ.get(f"{prefix}_USERNAME"), self._environ.get(f"{prefix}_PASSWORD")
            if user is not None or password is not None:
                found.insert(0, Login(without_credentials(url), user or "", password))
        return list(dict.fromkeys(found))

    def _netrc(self, url: str) -> list[str]:
        from netrc import NetrcParseError, netrc

        path = self._environ.get("NETRC") or str(Path(self._environ.get("HOME") or "~").expanduser() / ".netrc")
        try:
            entries = netrc(path)
        except (OSError, NetrcParseError, UnicodeDecodeError):
            return []
        parts = urlsplit(url)
        for host in (host_of(parts), parts.hostname or ""):
            if host in entries.hosts or "default" in entries.hosts:
                entry = entries.authenticators(host)
                return [_basic(entry[0] or entry[1], entry[2] or "")] if entry else []
        return []

    def _stored(self, url: str, index: str, named: list[Login]) -> list[str]:
        """From uv's own store, and from keyring. Asked once for a host and index, since each is a process."""
        address = index if index and origin(index) == origin(url) else without_credentials(url)
        with self._lock:
            key = (host_of(urlsplit(url)), address if index else "")
            if key not in self._looked_up:
                users = [login.user for login in named if login.password is None] or [""]
                self._looked_up[key] = [found for user in users for found in self._look_up(address, user) if found]
            return self._looked_up[key]

    def _look_up(self, address: str, user: str) -> Iterator[str]:
        if user:
            said = self._said([find_uv_bin(), "auth", "token", address, "--username", user])
            yield _basic(user, said.strip()) if said else ""
        else:
            yield self._from_uv(address)
        if self._settings.keyring:
            for service in (address, host_of(urlsplit(address))):
                yield self._from_keyring(service, user)

    def _from_uv(self, address: str) -> str:
        command = [find_uv_bin(), "auth", "helper", "--preview-features", "auth-helper", "--protocol", "bazel", "get"]
        try:
            (header,) = json.loads(self._said(command, json.dumps({"uri": address})))["headers"]["Authorization"]
        except (ValueError, KeyError, TypeError):
            return ""
        return str(header)

    def _from_keyring(self, service: str, user: str) -> str:
        said = self._said(["keyring", "get", service, *([user] if user else ["--mode", "creds"])]).splitlines()
        if user:
            return _basic(user, said[0]) if said else ""
        return _basic(said[0], said[1]) if len(said) > 1 else ""

    def _said(self, command: list[str], given: str = "") -> str:
        """What a program prints; nothing when it is not there, or says no."""
        try:
            run = subprocess.run(
                command, input=given, capture_output=True, text=True, env=dict(self._environ), check=False, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
            return ""
        return run.stdout if run.returncode == 0 else ""


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
