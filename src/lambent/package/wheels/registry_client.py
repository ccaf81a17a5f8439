"""The HTTP client for package registries: proxies, certificates and time-outs as in uv, and the right credentials for a host.

urllib3 and the standard library's TLS are imported with the first request: a build that finds all wheels in the cache makes
none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from lambent.errors import PackagingError
from lambent.lazy import LazyModule
from lambent.package.urls import host_of, origin, printable_url, without_credentials
from lambent.package.wheels.credentials import Credentials

if TYPE_CHECKING:
    import ssl
    from urllib import request as url_request

    import certifi
    import urllib3
    from urllib3 import BaseHTTPResponse, PoolManager
else:
    certifi, ssl, urllib3 = LazyModule("certifi"), LazyModule("ssl"), LazyModule("urllib3")
    url_request = LazyModule("urllib.request")

_CONNECTIONS = 8  # per host
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 30.0  # uv's default: the longest pause, not the longest download
_REDIRECTS_MAX = 10
_DRAIN_MAX = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
_UNAUTHORIZED = (401, 403, 404)  # to strangers, registries also say 404 for private files


class RegistryClient:
    """Connections to registries, shared by all downloads of a build."""

    def __init__(self, environ: Mapping[str, str], credentials: Credentials) -> None:
        self._environ = environ
        self._credentials = credentials
        self._pools: dict[tuple[str, bool], PoolManager] = {}
        self._accepted: dict[tuple[tuple[str, str, int], str], str] = {}
        self._lock = Lock()

    def get(self, url: str, headers: Mapping[str, str], index: str) -> BaseHTTPResponse:
        """Return the response, its body unread. Sends credentials only if the registry asks or the user's settings name them.

        Raises urllib3's HTTPError for connection errors, and PackagingError for unusable settings.
        """
        address = without_credentials(_web_url(url, url))
        accepted = self._accepted.get((origin(url), index))
        response = None
        for authorization in self._authorizations(accepted, url, index):
            if response is not None:
                _release(response)
            response = self._follow(address, {**headers, **({"Authorization": authorization} if authorization else {})})
            if response.status not in _UNAUTHORIZED:
                self._accepted[origin(url), index] = authorization
                break
        assert response is not None  # there is always at least one candidate
        return response

    def _authorizations(self, accepted: str | None, url: str, index: str) -> Iterator[str]:
        """Yield what to try: first what this host accepted before."""
        if accepted is not None:
            yield accepted
        yield from (header for header in self._credentials.candidates(url, index) if header != accepted)

    def _follow(self, url: str, headers: dict[str, str]) -> BaseHTTPResponse:
        """Follow redirects here and not in urllib3: the next host may need another proxy, or other certificates."""
        for _ in range(_REDIRECTS_MAX):
            response = self._pool(url).request(
                "GET", url, headers=headers, preload_content=False, decode_content=False, redirect=False, retries=False
            )
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return response
            _release(response)
            location = _web_url(response.headers["location"], url)
            if origin(location) != origin(url):  # another host must not see the credentials
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url = location
        raise PackagingError(
            f"more than {_REDIRECTS_MAX} redirects", where=printable_url(url), hint="check the address of the index"
        )

    def _pool(self, url: str) -> PoolManager:
        parts = urlsplit(url)
        proxy = self._proxy(parts.scheme, host_of(parts))
        insecure_hosts = self._environ.get("UV_INSECURE_HOST", "").replace(",", " ").split()
        insecure = parts.hostname in insecure_hosts or host_of(parts) in insecure_hosts
        with self._lock:
            if (proxy, insecure) not in self._pools:
                self._pools[proxy, insecure] = self._new_pool(proxy, insecure)
            return self._pools[proxy, insecure]

    def _proxy(self, scheme: str, host: str) -> str:
        """Return the proxy for a host, or "". Lower-case variables take precedence, as in curl and urllib."""
        bypass: bool = url_request.proxy_bypass_environment(  # type: ignore[attr-defined]  # missing in typeshed
            host, {"no": self._variable("no_proxy")}
        )
        if bypass:
            return ""
        proxy = self._variable(f"{scheme}_proxy") or self._variable("all_proxy")
        return f"http://{proxy}" if proxy and "://" not in proxy else proxy

    def _variable(self, name: str) -> str:
        return self._environ.get(name) or self._environ.get(name.upper()) or ""

    def _new_pool(self, proxy: str, insecure: bool) -> PoolManager:
        if insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=self._read_timeout_s)
        context = _unverified_context() if insecure else self._verified_context
        if not proxy:
            return urllib3.PoolManager(maxsize=_CONNECTIONS, timeout=timeout, ssl_context=context)
        parts = urlsplit(proxy)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        headers = urllib3.make_headers(proxy_basic_auth=login)
        try:
            address = f"{parts.scheme}://{host_of(parts)}"
            return urllib3.ProxyManager(
                address, proxy_headers=headers, maxsize=_CONNECTIONS, timeout=timeout, ssl_context=context
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise PackagingError(
                f"cannot use the proxy {printable_url(proxy)}", where="HTTPS_PROXY", hint="HTTPS_PROXY=http://host:port"
            ) from error

    @property
    def _read_timeout_s(self) -> float:
        value = self._environ.get("UV_HTTP_TIMEOUT") or self._environ.get("HTTP_TIMEOUT")
        try:
            return float(value) if value else _READ_TIMEOUT_S
        except ValueError:
            raise PackagingError(
                f"the time-out must be a number of seconds, got {value}", where="UV_HTTP_TIMEOUT", hint="UV_HTTP_TIMEOUT=30"
            ) from None

    @cached_property
    def _verified_context(self) -> ssl.SSLContext:
        """Trusts the user's bundle, otherwise the system's authorities, otherwise (if Python has none) certifi's."""
        variables = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        variable = next((name for name in variables if self._environ.get(name)), "")
        folder = self._environ.get("SSL_CERT_DIR") or None
        path = self._environ[variable] if variable else None
        if path and Path(path).is_dir():  # as requests, accept a folder too
            path, folder = None, path
        try:
            # loading the system's authorities takes longer than a download, so it happens once, and only if they are used
            context = ssl.create_default_context(cafile=path, capath=folder)
            if not (path or folder or context.cert_store_stats()["x509_ca"] or ssl.get_default_verify_paths().capath):
                context.load_verify_locations(certifi.where())
            if client_certificate := self._environ.get("SSL_CLIENT_CERT"):
                context.load_cert_chain(client_certificate)
        except (OSError, ssl.SSLError) as error:
            raise PackagingError(
                f"cannot read the certificates: {error}",
                where=variable or "SSL_CERT_DIR",
                hint=f"set {variable or 'SSL_CERT_DIR'} to an existing PEM file or folder, or unset it",
            ) from error
        return context


def _web_url(url: str, base: str) -> str:
    """Return the absolute form of a URL from `base`. Raises PackagingError if it isn't an http(s) URL."""
    try:
        absolute = urljoin(base, url)
        scheme, host, _ = origin(absolute)
    except ValueError:
        absolute, scheme, host = "", "", ""
    if scheme not in ("http", "https") or not host:
        raise PackagingError(
            "the registry points to something that is not a web address",
            where=printable_url(base),
            hint="check the address of the index",
        )
    return absolute


def content_length(headers: Mapping[str, str]) -> int:
    """Return the length of the body in bytes, or -1 if the server didn't send it."""
    value = headers.get("content-length", "")
    return int(value) if value.isdecimal() else -1


def _release(response: BaseHTTPResponse) -> None:
    """Make the connection available for the next request. That means reading the body, so only do it if the body is short."""
    if 0 <= content_length(response.headers) < _DRAIN_MAX:
        response.drain_conn()
        response.release_conn()
    else:
        response.close()


def _unverified_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
