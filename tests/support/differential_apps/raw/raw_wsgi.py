"""A bare WSGI app that says what it saw, or answers as it is told."""

import sys

import told


def app(environ, start_response):
    body = read(environ)
    plan = told.read(environ.get("HTTP_X_ANSWER"), see(environ, body))
    raised = plan.get("raise")
    if raised == "before":
        raise ValueError("on purpose, before the start")
    headers = told.headers(plan)
    status = f"{plan['status']} As Told"
    if raised == "replaced":
        start_response("200 OK", [("X-Forgotten", "yes")])
        try:
            raise ValueError("on purpose, and handled")
        except ValueError:
            write = start_response(status, headers, sys.exc_info())
    else:
        write = start_response(status, headers)
    chunks = told.chunks(plan)
    if environ["REQUEST_METHOD"] == "HEAD" or plan["status"] in (204, 304):
        return []
    if plan.get("via") == "write":
        for chunk in chunks:
            write(chunk)
        return []
    return iter(chunks) if plan.get("via") == "generator" else chunks


def read(environ):
    """The body, in the way the request asks for."""
    file, way = environ["wsgi.input"], environ.get("HTTP_X_READ", "length")
    if way == "length":
        return file.read(int(environ.get("CONTENT_LENGTH") or 0))
    if way == "line":
        return b"".join(iter(file.readline, b""))
    if way == "lines":
        return b"".join(file.readlines())
    if way == "bits":
        return b"".join(iter(lambda: file.read(7000), b""))
    if way == "iter":
        return b"".join(file)
    return file.read()


def see(environ, body):
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    return {"environ": seen, "version": environ["wsgi.version"], "body": told.digest(body)}
