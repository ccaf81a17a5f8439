"""`lambent curl`: a request to the app's URL, with the curl of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import click

from lambent.cli import options
from lambent.cli.connection import connect_to_app
from lambent.cli.destination_options import with_destination
from lambent.config.load import Flags
from lambent.deployment.app_url import find_url
from lambent.deployment.desired import PUBLIC
from lambent.deployment.signing_proxy import TOKEN_HEADER, Proxy, signing_proxy
from lambent.errors import LambentError, UsageError
from lambent.library.destination import Destination
from lambent.ui.reporter import reporter


def _with_options(command: options.Command) -> options.Command:
    return options.add_options(
        command,
        click.argument("request", metavar="[PATH] [CURL OPTIONS]", nargs=-1, type=click.UNPROCESSED),
        options.path_option,
        options.name_option,
        options.stage_option,
        with_destination,
    )


@click.command("curl", context_settings={"ignore_unknown_options": True})
@_with_options
def command(request: tuple[str, ...], path: Path, name: str | None, stage: str | None, destination: Destination) -> int:
    """Send a request to the app's URL with curl: lambent curl /orders -X POST -d name=lamp

    PATH is the path of the request and comes first. Default: /. Options that aren't below are curl's own, --json too. If the
    URL takes signed requests only, lambent signs them with your AWS credentials. The exit status is curl's.
    """
    executable = shutil.which("curl")
    if executable is None:
        raise LambentError("curl isn't installed", where="PATH", hint="install curl; lambent invoke needs none")
    with reporter(False) as emit:
        location, aws = connect_to_app(path, Flags(name=name, stage=stage), destination, emit)
        url = find_url(aws, location.app)
    if url.auth == PUBLIC:
        return subprocess.run([executable, *curl_arguments(url.address, request)], check=False).returncode
    with signing_proxy(aws, url.address) as proxy:
        return _run_with_header(executable, curl_arguments(url.address, request, proxy), f"{TOKEN_HEADER}: {proxy.token}")


def curl_arguments(url: str, request: tuple[str, ...], proxy: Proxy | None = None) -> list[str]:
    """Return the arguments of curl for a request to a path of the URL, through the signing proxy if there is one. Pure."""
    has_path = bool(request) and not request[0].startswith("-")
    path, rest = (request[0], request[1:]) if has_path else ("/", request)
    if re.match(r"[a-z]+://", path):
        what = f"PATH is a path of the app's URL, got {path}"
        raise UsageError(what, where="PATH", hint=f"lambent curl {urlsplit(path).path or '/'}")
    parts = urlsplit(url)
    host, is_local = parts.hostname or "", (parts.hostname or "").endswith(".localhost")
    port = parts.port or (443 if parts.scheme == "https" and proxy is None else 80)
    connect: list[str] = []
    if proxy is not None or is_local:  # not every resolver knows names below .localhost, and no proxy of the environment does
        connect = ["--connect-to", f"{host}:{port}:127.0.0.1:{proxy.port if proxy else port}", "--noproxy", host]
    scheme = "http" if proxy is not None else parts.scheme
    return [*connect, *rest, f"{scheme}://{parts.netloc}/{path.lstrip('/')}"]


def _run_with_header(executable: str, arguments: list[str], header: str) -> int:
    """Run curl with a header that isn't in its arguments, which any user of the machine can read."""
    reading, writing = os.pipe()
    try:
        os.write(writing, f'header = "{header}"\n'.encode())
        os.close(writing)
        config = ["--config", f"/dev/fd/{reading}"]
        return subprocess.run([executable, *config, *arguments], pass_fds=(reading,), check=False).returncode
    finally:
        os.close(reading)
