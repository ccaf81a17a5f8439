"""Which requests a loopback service must refuse. Pure.

A web page can make the browser send requests to 127.0.0.1, and with DNS rebinding even under a host name of the page's choice.
So the service answers only under loopback names (and under a Function URL's AWS name, which no one else can own), and neither
pages of other sites nor those that it serves itself (of functions, and objects in S3) can use the API. Pages of other servers
on this machine, such as a frontend's, can. All pages of this machine can use S3 as browsers do on AWS: read objects, and upload
with a presigned URL or form.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from lambent.local.http import Request
from lambent.loopback import is_loopback

_URL_HOST = re.compile(r"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.(?:localhost|on\.aws)")
_APP_HOST = re.compile(r"([a-z0-9_-]{1,64})(?:\.([a-z]{2,4}(?:-[a-z]+)+-\d))?\.localhost")
_S3_PATH = re.compile(r"/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.+)?/?", re.DOTALL)  # moto uses paths with "_" for other services
_URL_PATH = re.compile(r"/_url/([a-z0-9]{1,64})(/.*)?", re.DOTALL)


def hostname(host: str) -> str:
    """Return the name in a Host header, in lower case and without port or final dot: "[::1]:4580" -> "::1"."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def url_host(url_id: str, region: str) -> str:
    """Return a Function URL's host name. A name below `localhost` is loopback by RFC 6761; curl and browsers know that."""
    return f"{url_id}.lambda-url.{region}.localhost"


def host_label(function: str) -> str:
    """Return a function's name as part of a host name, which has no "_": Django refuses one that does."""
    return function.lower().replace("_", "-")


def app_host(function: str, region: str, default_region: str) -> str:
    """Return the host name below which an app's URL stays the same although it is deleted and deployed again."""
    return f"{host_label(function)}.localhost" if region == default_region else f"{host_label(function)}.{region}.localhost"


def split_app_host(name: str, default_region: str) -> tuple[str, str] | None:
    """Return the label of the function and the region that a host name stands for, or None for other names."""
    match = _APP_HOST.fullmatch(name)
    return (host_label(match[1]), match[2] or default_region) if match else None


def url_id(name: str) -> str | None:
    """Return the id in a Function URL's host name, or None for other names."""
    match = _URL_HOST.fullmatch(name)
    return match[1] if match else None


def split_url_path(path: str) -> tuple[str, str] | None:
    """Return the id in `/_url/<id>/...` and the path after it, or None for other paths."""
    match = _URL_PATH.fullmatch(path)
    return (match[1], match[2] or "/") if match else None


def is_refused_page(request: Request, port: int, is_s3: bool) -> bool:
    """Whether a page made this request that may not use the API, according to the browser.

    `port` is the service's own. `is_s3`: whether the request is one for S3 that pages on AWS make too (`is_s3_object`). Without
    Origin, which browsers leave out of some GETs, Referer names the page.
    """
    page = request.header("origin") or request.header("referer")
    site, mode = request.header("sec-fetch-site"), request.header("sec-fetch-mode")
    if mode == "navigate" and request.method == "GET":
        return site not in (None, "none") and not is_s3 and not _is_own_page(request)  # somebody clicked on a link
    if page is None:
        return site in ("cross-site", "same-origin") and not is_s3
    name, page_port = _name_and_port(page)
    if not is_loopback(name):
        return True
    return (name.endswith(".localhost") or page_port == port) and not is_s3


def _name_and_port(origin: str) -> tuple[str, int]:
    """Return the host and port of an origin or URL; ("", 0) for "null" and others that name no host."""
    try:
        parts = urlsplit(origin)
        return hostname(parts.netloc.rpartition("@")[2]), parts.port or 80
    except ValueError:
        return "", 0


def _is_own_page(request: Request) -> bool:
    """Whether this is a page of the service itself, which changes nothing."""
    return request.method == "GET" and ((request.path == "/" and not request.query) or request.path.startswith("/_"))


def is_s3_object(request: Request) -> bool:
    """Whether a request reads an object of S3, or writes one with a presigned URL or form, as pages on AWS do."""
    match = _S3_PATH.fullmatch(request.path)
    content_type = (request.header("content-type") or "").lower()
    if match is None or request.header("authorization") or content_type.startswith("application/x-www-form-urlencoded"):
        return False
    if request.method == "POST":
        return not match[1] and not request.query and content_type.startswith("multipart/form-data")
    if not match[1]:
        return False
    query = dict(parse_qsl(request.query))
    if "Action" in query or query.get("X-Amz-Credential", "/s3/").split("/")[-2:-1] not in ([], ["s3"]):
        return False
    presigned = "Signature" in query or "X-Amz-Signature" in query
    return presigned or request.method in ("GET", "HEAD", "OPTIONS")


def is_navigation(request: Request) -> bool:
    """Whether a browser wants to show the response as a page. Old browsers don't say so, but they ask for HTML."""
    destination = request.header("sec-fetch-dest")
    if destination is not None:
        return destination in ("document", "iframe", "frame", "embed", "object")
    return request.method == "GET" and "text/html" in (request.header("accept") or "")
