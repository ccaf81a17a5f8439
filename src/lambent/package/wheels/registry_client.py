"""Requests to registries: proxies, certificates and time-outs as uv takes them, and credentials that fit the host.

urllib3 and the standard library's TLS are imported with the first request: a build whose wheels are all there makes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from lambent.errors import PackagingError
from lambent.package.urls import host_of, origin, shown, without_credentials
from lambent.package.wheels.credentials import Credentials

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

_AT_ONCE = 8
_CONNECT_S = 10.0
_READ_S = 30.0  # uv's: the longest silence, not the longest download
_REDIRECTS_MAX = 10
_SHORT = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
_ASKS_WHO = (401, 403, 404)  # registries also say 404 of what they do not show to strangers


class Http:
    """Connections that are kept and shared by all downloads of a build."""

    def __init__(self, environ: Mapping[str, str], credentials: Credentials) -> None:
        self._environ = environ
        self._credentials = credentials
        self._pools: dict[tuple[str, bool], PoolManager] = {}
        self._accepted: dict[tuple[tuple[str, str, int], str], str] = {}
        self._lock = Lock()

    def get(self, url: str, headers: Mapping[str, str], index: str) -> BaseHTTPResponse:
        """The answer, its body unread. Who asks is told only when the registry asks for it, or the user's settings name it.

        Raises urllib3's HTTPError for broken connections, PackagingError for settings that cannot be used.
        """
        address = without_credentials(_web_address(url, url))
        known = self._accepted.get((origin(url), index))
        response = None
        for login in self._logins(known, url, index):
            if response is not None:
                _let_go(response)
            response = self._follow(address, {**headers, **({"Authorization": login} if login else {})})
            if response.status not in _ASKS_WHO:
                self._accepted[origin(url), index] = login
                break
        assert response is not None  # there is always one candidate: nobody
        return response

    def _logins(self, known: str | None, url: str, index: str) -> Iterator[str]:
        """Who was let in before comes first."""
        if known is not None:
            yield known
        yield from (login for login in self._credentials.candidates(url, index) if login != known)

    def _follow(self, url: str, headers: dict[str, str]) -> BaseHTTPResponse:
        for _ in range(_REDIRECTS_MAX):
            response = self._pool(url).request(
                "GET", url, headers=headers, preload_content=False, decode_content=False, redirect=False, retries=False
            )
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            _let_go(response)
            there = _web_address(response.headers["location"], url)
            if origin(there) != origin(url):  # never another host's business
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = there
        raise PackagingError(f"more than {_REDIRECTS_MAX} redirects", where=shown(url), hint="check the index's address")

    def _pool(self, url: str) -> PoolManager:
        parts = urlsplit(url)
        proxy = self._proxy(parts.scheme, host_of(parts))
        insecure = parts.hostname in self._insecure or host_of(parts) in self._insecure
        with self._lock:
            if (proxy, insecure) not in self._pools:
                self._pools[proxy, insecure] = self._open(proxy, insecure)
            return self._pools[proxy, insecure]

    def _proxy(self, scheme: str, host: str) -> str:
        """The proxy for a host, or "". The lower-case names win, as everywhere."""
        from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

        if proxy_bypass_environment(host, {"no": self._either("no_proxy")}):
            return ""
        proxy = self._either(f"{scheme}_proxy") or self._either("all_proxy")
        return f"http://{proxy}" if proxy and "://" not in proxy else proxy

    def _either(self, name: str) -> str:
        return self._environ.get(name) or self._environ.get(name.upper()) or ""

    @property
    def _insecure(self) -> list[str]:
        return self._environ.get("UV_INSECURE_HOST", "").replace(",", " ").split()

    def _open(self, proxy: str, insecure: bool) -> PoolManager:
        import urllib3

        if insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        timeout = urllib3.Timeout(connect=_CONNECT_S, read=self._read_s)
        context = _unverified() if insecure else self._certificates
        if not proxy:
            return urllib3.PoolManager(maxsize=_AT_ONCE, timeout=timeout, ssl_context=context)
        parts = urlsplit(proxy)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        headers = urllib3.make_headers(proxy_basic_auth=login)
        try:
            address = f"{parts.scheme}://{host_of(parts)}"
            return urllib3.ProxyManager(address, proxy_headers=headers, maxsize=_AT_ONCE, timeout=timeout, ssl_context=context)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise PackagingError(
                f"a proxy that cannot be used: {shown(proxy)}", where="HTTPS_PROXY", hint="http://host:port"
            ) from error

    @property
    def _read_s(self) -> float:
        said = self._environ.get("UV_HTTP_TIMEOUT") or self._environ.get("HTTP_TIMEOUT") or ""
        try:
            return float(said) if said else _READ_S
        except ValueError:
            raise PackagingError(f"not a number of seconds: {said}", where="UV_HTTP_TIMEOUT", hint="30") from None

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        """The authorities of the user's bundle, else of the system, else (a Python without any) of certifi."""
        import ssl

        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        named = next((name for name in names if self._environ.get(name)), "")
        folder = self._environ.get("SSL_CERT_DIR") or None
        path = self._environ[named] if named else None
        if path and Path(path).is_dir():  # requests takes either
            path, folder = None, path
        try:
            # reading the system's authorities takes longer than a download, so it is done once, and only if they count
            context = ssl.create_default_context(cafile=path, capath=folder)
            if not (path or folder or context.cert_store_stats()["x509_ca"] or ssl.get_default_verify_paths().capath):
                import certifi

                context.load_verify_locations(certifi.where())
            if own := self._environ.get("SSL_CLIENT_CERT"):
                context.load_cert_chain(own)
        except (OSError, ssl.SSLError) as error:
            raise PackagingError(
                f"certificates that cannot be read: {error}",
                where=named or "SSL_CERT_DIR",
                hint="name a PEM file that is there",
            ) from error
        return context


def _web_address(said: str, source: str) -> str:
    """The URL that stood in `source`, relative to it. Raises PackagingError when it is none for the web."""
    try:
        url = urljoin(source, said)
        scheme, host, _ = origin(url)
    except ValueError:
        url, scheme, host = "", "", ""
    if scheme not in ("http", "https") or not host:
        raise PackagingError(
            "the registry leads to something that is no web address", where=shown(source), hint="check the index's address"
        )
    return url


def length_of(headers: Mapping[str, str]) -> int:
    """The length of the body in bytes, or -1 when it is not said."""
    said = headers.get("content-length", "")
    return int(said) if said.isdecimal() else -1


def _let_go(response: BaseHTTPResponse) -> None:
    """Makes the connection free for the next request: its body has to be read for that, which is worth it when short."""
    if 0 <= length_of(response.headers) < _SHORT:
        response.drain_conn()
        response.release_conn()
    else:
        response.close()


def _unverified() -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
