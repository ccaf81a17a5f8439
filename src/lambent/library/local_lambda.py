"""A local Lambda for one program: started when it is needed, and stopped with everything that it holds."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lambent.aws.boto import make_client
from lambent.errors import LocalError, UsageError
from lambent.events import Emit, ignore
from lambent.library.destination import Destination, ensure_local
from lambent.local import daemon


class LocalLambda:
    """A local Lambda, running within a `with` block: a destination for `plan` and `deploy`.

    It has nothing deployed at first, listens on a free port, and is deleted at the end. With `state`, a folder, it keeps what
    is deployed there; if a local Lambda is already running with that folder, this is the one, and it goes on running.
    `port` 0 takes a free one. While it runs, this process resolves names under `.localhost`, such as those of its URLs, to
    127.0.0.1, which not every system does, and requests to them don't go through a proxy. Raises LocalError
    if it can't be started.
    """

    def __init__(
        self, state: str | Path | None = None, *, port: int = 0, region: str = daemon.REGION, emit: Emit = ignore
    ) -> None:
        self.region = region
        self._state = None if state is None else Path(state).resolve()
        self._port = port
        self._emit = emit
        self._stack = ExitStack()
        self._running: tuple[Path, daemon.RunningService] | None = None

    def __enter__(self) -> LocalLambda:
        with ExitStack() as stack:
            state = self._state or stack.enter_context(_temporary_folder())
            with _without_log(state if self._state is None else None):
                running = ensure_local(state, self._port, self._emit, stack.enter_context(_lifeline()))
            if running.started_now:
                stack.callback(daemon.stop, state, force=True)
            stack.enter_context(_resolving_localhost())
            stack.enter_context(_without_proxy())
            self._running = state, running
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._running = None
        self._stack.close()

    @property
    def url(self) -> str:
        """The address of its API, for AWS_ENDPOINT_URL and `endpoint_url`."""
        return self._service[1].url

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point `aws`, boto3 and other tools at it."""
        return daemon.client_environment(self.url) | {"AWS_DEFAULT_REGION": self.region}

    @property
    def destination(self) -> Destination:
        state, running = self._service
        return Destination(True, self.region, None, state, running.port)

    def client(self, service: str = "lambda") -> Any:
        """Return a client of one of its services: the same class as `boto3.client(service)`."""
        return make_client(service, self.region, self.url, daemon.CREDENTIALS)

    @property
    def _service(self) -> tuple[Path, daemon.RunningService]:
        if self._running is None:
            raise UsageError("this LocalLambda isn't running", hint="with lambent.LocalLambda() as local: ...")
        return self._running


@contextmanager
def _without_log(folder: Path | None) -> Iterator[None]:
    """Let errors name no file and no command in a `folder` that is deleted: the detail has the end of the log."""
    try:
        yield
    except LocalError as error:
        if folder is not None and str(folder) in error.hint:
            error.where, error.hint = "LocalLambda()", "pass a folder, LocalLambda(state=...), which keeps the log"
        raise


@contextmanager
def _lifeline() -> Iterator[int]:
    """Yield a descriptor that reads from this process and sees its end, also if it is killed."""
    read_end, write_end = os.pipe()
    try:
        yield read_end
    finally:
        os.close(read_end)
        os.close(write_end)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lambent-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _resolving_localhost() -> Iterator[None]:
    """Let this process resolve every name under .localhost to 127.0.0.1, as RFC 6761 says; the C library need not do it."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        is_local = isinstance(name, str) and name.lower().rstrip(".").endswith(".localhost")
        return original("127.0.0.1" if is_local else host, *arguments, **options)

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        if socket.getaddrinfo is getaddrinfo:  # another patch on top of this one stays
            socket.getaddrinfo = original


@contextmanager
def _without_proxy() -> Iterator[None]:
    """Let HTTP clients of this process reach names under .localhost although the environment names a proxy."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    hosts = before["no_proxy"] or before["NO_PROXY"] or ""
    os.environ.update(dict.fromkeys(before, f"{hosts},.localhost".lstrip(",")))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
