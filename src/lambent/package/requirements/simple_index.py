"""Reads all files of a package from an index. uv reports only the version it picks.

Source: https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from urllib3.exceptions import HTTPError

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.urls import without_credentials
from lambent.package.wheels.choose_wheel import parse_wheel_filename
from lambent.package.wheels.credentials import Credentials
from lambent.package.wheels.registry_client import RegistryClient

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_ANCHOR = re.compile(r"<a\s([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class SimpleIndex:
    """The indexes of a request, read with the credentials that uv would use. Each page is fetched once."""

    def __init__(self, request: ResolveRequest) -> None:
        environ = request.uv.environ
        self._http = RegistryClient(environ, Credentials(environ, request.source.folder, (request.path,)))
        self._pages: dict[tuple[str, str], tuple[Pin, ...]] = {}

    def versions(self, name: str, index: str) -> tuple[Pin, ...]:
        """Return the versions that have wheels, newest first.

        Returns none if the page can't be read: uv then reports what is wrong.
        """
        if not index.startswith(("http://", "https://")):
            return ()
        if (name, index) not in self._pages:
            self._pages[name, index] = self._fetch(name, index)
        return self._pages[name, index]

    def _fetch(self, name: str, index: str) -> tuple[Pin, ...]:
        try:
            response = self._http.get(_page_url(index, name), {"Accept": ACCEPT}, index)
            body = response.read(decode_content=True)
            if response.status != 200:
                return ()
            return parse_page(name, index, body, response.headers.get("content-type", ""))
        except (HTTPError, PackagingError, OSError, ValueError, KeyError, TypeError):
            return ()


def _page_url(index: str, name: str) -> str:
    return f"{index.rstrip('/')}/{canonicalize_name(name)}/"


def parse_page(name: str, index: str, body: bytes, content_type: str) -> tuple[Pin, ...]:
    """Return the versions that have wheels, newest first, with all their files that weren't withdrawn.

    Raises ValueError, KeyError or TypeError for a page that can't be read.
    """
    url = _page_url(index, name)
    text = body.decode("utf-8", "replace")
    files = _parse_json(json.loads(text), url) if "json" in content_type else _parse_html(text, url)
    versions: dict[Version, list[DistFile]] = {}
    for file in files:
        wheel = parse_wheel_filename(file.filename)
        if wheel is None:
            continue
        try:
            versions.setdefault(Version(wheel.version), []).append(file)
        except InvalidVersion:
            continue
    stable = [version for version in versions if not version.is_prerelease] or list(versions)
    return tuple(
        Pin(canonicalize_name(name), str(version), tuple(versions[version]), index=without_credentials(index))
        for version in sorted(stable, reverse=True)
    )


def _parse_json(page: dict[str, Any], page_url: str) -> Iterator[DistFile]:
    for file in page["files"]:
        if not file.get("yanked"):
            hashes = tuple(sorted(file.get("hashes", {}).items()))
            yield DistFile(file["filename"], without_credentials(urljoin(page_url, file["url"])), hashes, file.get("size"))


def _parse_html(page: str, page_url: str) -> Iterator[DistFile]:
    for anchor in _ANCHOR.finditer(page):
        attributes = {match[1].lower(): html.unescape(match[2] or match[3] or "") for match in _ATTRIBUTE.finditer(anchor[1])}
        if "href" not in attributes or "data-yanked" in attributes:
            continue
        url, _, fragment = urljoin(page_url, attributes["href"]).partition("#")
        digest = re.match(r"(\w+)=([0-9a-fA-F]+)", fragment)
        filename = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
        yield DistFile(filename, without_credentials(url), ((digest[1], digest[2].lower()),) if digest else ())
