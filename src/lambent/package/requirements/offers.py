"""Every file that an index offers of one package: uv tells only the version it takes.

Source: https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin
from lambent.package.requirements.lines import normalised
from lambent.package.requirements.question import Question
from lambent.package.urls import without_credentials
from lambent.package.wheels.choose_wheel import parse_wheel_filename
from lambent.package.wheels.credentials import Credentials
from lambent.package.wheels.registry_client import RegistryClient

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_ANCHOR = re.compile(r"<a\s([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class Offers:
    """What the indexes of a question have, read with the credentials that uv would use. Each page is fetched once."""

    def __init__(self, question: Question) -> None:
        environ = question.uv.environ
        self._http = RegistryClient(environ, Credentials(environ, question.asked.folder, (question.path,)))
        self._pages: dict[tuple[str, str], tuple[Pin, ...]] = {}

    def of(self, name: str, index: str) -> tuple[Pin, ...]:
        """The versions that have wheels, newest first; none when the index does not tell: then uv says what is wrong."""
        if not index.startswith(("http://", "https://")):
            return ()
        if (name, index) not in self._pages:
            self._pages[name, index] = self._read(name, index)
        return self._pages[name, index]

    def _read(self, name: str, index: str) -> tuple[Pin, ...]:
        from urllib3.exceptions import HTTPError

        try:
            response = self._http.get(address(index, name), {"Accept": ACCEPT}, index)
            body = response.read(decode_content=True)
            return parse(name, index, body, response.headers.get("content-type", "")) if response.status == 200 else ()
        except (HTTPError, PackagingError, OSError, ValueError, KeyError, TypeError):
            return ()


def address(index: str, name: str) -> str:
    """The page of a package."""
    return f"{index.rstrip('/')}/{normalised(name)}/"


def parse(name: str, index: str, body: bytes, kind: str) -> tuple[Pin, ...]:
    """The versions that have wheels, newest first, with all their files that are not withdrawn. `kind` is a content type.

    Raises ValueError for a page that cannot be read.
    """
    from packaging.version import InvalidVersion, Version

    base = address(index, name)
    text = body.decode("utf-8", "replace")
    files = _of_json(json.loads(text), base) if "json" in kind else _of_html(text, base)
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
        Pin(normalised(name), str(version), tuple(versions[version]), index=without_credentials(index))
        for version in sorted(stable, reverse=True)
    )


def _of_json(page: dict[str, Any], base: str) -> Iterator[DistFile]:
    for file in page["files"]:
        if not file.get("yanked"):
            hashes = tuple(sorted(file.get("hashes", {}).items()))
            yield DistFile(file["filename"], without_credentials(urljoin(base, file["url"])), hashes, file.get("size"))


def _of_html(page: str, base: str) -> Iterator[DistFile]:
    for anchor in _ANCHOR.finditer(page):
        said = {found[1].lower(): html.unescape(found[2] or found[3] or "") for found in _ATTRIBUTE.finditer(anchor[1])}
        if "href" not in said or "data-yanked" in said:
            continue
        url, _, fragment = urljoin(base, said["href"]).partition("#")
        hashed = re.match(r"(\w+)=([0-9a-fA-F]+)", fragment)
        filename = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
        yield DistFile(filename, without_credentials(url), ((hashed[1], hashed[2].lower()),) if hashed else ())
