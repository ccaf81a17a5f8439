"""User names and passwords for package indexes, from the places where uv looks for them.

These are: URLs in requirements files, locks and settings (`https://me:secret@host/simple`), `UV_INDEX_<NAME>_USERNAME` and
`_PASSWORD` for a named index, netrc, what `uv auth login` stored, and keyring if uv is configured to use it. Credentials are
bound to scheme, host and port: if an index keeps its files on another host, that host doesn't get the index's credentials.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property
from netrc import NetrcParseError, netrc
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from uv import find_uv_bin

from lambent.package.urls import host_of, origin, without_credentials
from lambent.package.wheels.index_settings import IndexSettings

_ANONYMOUS = ""
_LOOK_UP_TIMEOUT_S = 60


class Login(Struct, frozen=True):
    """A user at a URL (without credentials). `password` is None if it is stored somewhere else."""

    url: str
    user: str
    password: str | None

    def __repr__(self) -> str:  # keeps the password out of logs and tracebacks
        return f"Login({self.url!r})"


def login_of(url: str) -> Login | None:
    """Return the login that a URL contains, or None."""
    try:
        parts = urlsplit(url)
        origin(url)
    except ValueError:  # text that only looks like a URL
        return None
    if parts.username is None:
        return None
    password = None if parts.password is None else unquote(parts.password)
    return Login(without_credentials(url), unquote(parts.username), password)


def basic_authorization(user: str, password: str) -> str:
    """Return the value of the header Authorization for a user and password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Credentials:
    """The credentials of a project and its user. Nothing is read before they are first needed."""

    def __init__(self, environ: Mapping[str, str], project: Path, inputs: tuple[Path, ...] = ()) -> None:
        self._environ = environ
        self._settings = IndexSettings(environ, project, inputs)
        self._lock = Lock()
        self._stored: dict[tuple[str, str], list[str]] = {}

    def candidates(self, url: str, index: str = "") -> Iterator[str]:
        """Yield values of the header Authorization to try, in order; "" is an anonymous request. Slow sources come last."""
        logins = self.logins(url, index)
        ready = [basic_authorization(login.user, login.password) for login in logins if login.password is not None]
        ready += self._from_netrc(url)
        yield from ready or [_ANONYMOUS]
        yield from (header for header in self._from_programs(url, index, logins) if header not in ready)
        if ready:
            yield _ANONYMOUS  # an outdated password must not block access to public files

    def logins(self, url: str, index: str = "") -> list[Login]:
        """Return the logins that the project's URLs contain for this host: first those of that index, then by closest path."""
        url_login = login_of(url)
        with self._lock:  # the first of several threads reads the files
            configured = self._configured
        path = urlsplit(url).path

        def closeness(login: Login) -> tuple[bool, int]:
            prefix = urlsplit(login.url).path.rstrip("/")
            is_above = path == prefix or path.startswith(f"{prefix}/")
            return bool(index) and login.url.rstrip("/") == index.rstrip("/"), len(prefix) + 1 if is_above else 0

        same_host = [login for login in configured if origin(login.url) == origin(url)]
        return [*([url_login] if url_login else []), *sorted(same_host, key=closeness, reverse=True)]

    @cached_property
    def _configured(self) -> list[Login]:
        logins = [login for url in self._settings.urls_with_user if (login := login_of(url))]
        for name, url in self._settings.indexes:
            prefix = f"UV_INDEX_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"
            user, password = self._environ.get(f"{prefix}_USERNAME"), self._environ.get(f"{prefix}_PASSWORD")
            if user is not None or password is not None:
                logins.insert(0, Login(without_credentials(url), user or "", password))
        return list(dict.fromkeys(logins))

    def _from_netrc(self, url: str) -> list[str]:
        path = self._environ.get("NETRC") or str(Path(self._environ.get("HOME") or "~").expanduser() / ".netrc")
        try:
            entries = netrc(path)
        except (OSError, NetrcParseError, UnicodeDecodeError):
            return []
        parts = urlsplit(url)
        for host in (host_of(parts), parts.hostname or ""):
            if host in entries.hosts or "default" in entries.hosts:
                entry = entries.authenticators(host)
                return [basic_authorization(entry[0] or entry[1], entry[2] or "")] if entry else []
        return []

    def _from_programs(self, url: str, index: str, logins: list[Login]) -> list[str]:
        """Ask uv's own store and keyring, once for a host and index: each question starts a process."""
        address = index if index and origin(index) == origin(url) else without_credentials(url)
        with self._lock:
            key = (host_of(urlsplit(url)), address if index else "")
            if key not in self._stored:
                users = [login.user for login in logins if login.password is None] or [""]
                self._stored[key] = [header for user in users for header in self._look_up(address, user) if header]
            return self._stored[key]

    def _look_up(self, address: str, user: str) -> Iterator[str]:
        if user:
            token = self._output([find_uv_bin(), "auth", "token", address, "--username", user]).strip()
            yield basic_authorization(user, token) if token else ""
        else:
            yield self._from_uv(address)
        if self._settings.uses_keyring:
            for service in (address, host_of(urlsplit(address))):
                yield self._from_keyring(service, user)

    def _from_uv(self, address: str) -> str:
        command = [find_uv_bin(), "auth", "helper", "--preview-features", "auth-helper", "--protocol", "bazel", "get"]
        try:
            (header,) = json.loads(self._output(command, json.dumps({"uri": address})))["headers"]["Authorization"]
        except (ValueError, KeyError, TypeError):
            return ""
        return str(header)

    def _from_keyring(self, service: str, user: str) -> str:
        lines = self._output(["keyring", "get", service, *([user] if user else ["--mode", "creds"])]).splitlines()
        if user:
            return basic_authorization(user, lines[0]) if lines else ""
        return basic_authorization(lines[0], lines[1]) if len(lines) > 1 else ""

    def _output(self, command: list[str], text: str = "") -> str:
        """Return what a program prints, or "" if it doesn't exist or fails."""
        try:
            run = subprocess.run(
                command,
                input=text,
                capture_output=True,
                text=True,
                env=dict(self._environ),
                check=False,
                timeout=_LOOK_UP_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
            return ""
        return run.stdout if run.returncode == 0 else ""
