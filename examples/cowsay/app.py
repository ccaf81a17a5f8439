"""A web app without a framework: a plain WSGI function, and a cow."""

from collections.abc import Iterable
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

import cowsay


def say(environ: WSGIEnvironment) -> tuple[str, str]:
    """The status and the text for one request."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    who = environ["PATH_INFO"].strip("/") or "cow"
    if who not in cowsay.char_names:
        return "404 Not Found", f"no one here is called {who}; try {', '.join(cowsay.char_names)}\n"
    if environ["REQUEST_METHOD"] == "POST":
        text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    else:
        text = query.get("text", ["moo"])[0]
    return "200 OK", cowsay.get_output_string(who, text) + "\n"


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, text = say(environ)
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
