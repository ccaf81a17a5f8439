"""A bare WSGI app that returns what it saw, or answers by a plan."""

import sys

import answer_plan


def app(environ, start_response):
    body = read(environ)
    plan = answer_plan.read(environ.get("HTTP_X_ANSWER"), describe(environ, body))
    raised = plan.get("raise")
    if raised == "before":
        raise ValueError("on purpose, before the start")
    headers = answer_plan.headers(plan)
    status = f"{plan['status']} As Planned"
    if raised == "replaced":
        start_response("200 OK", [("X-Forgotten", "yes")])
        try:
            raise ValueError("on purpose, and handled")
        except ValueError:
            write = start_response(status, headers, sys.exc_info())
    else:
        write = start_response(status, headers)
    chunks = answer_plan.chunks(plan)
    if environ["REQUEST_METHOD"] == "HEAD" or plan["status"] in (204, 304):
        return []
    if plan.get("via") == "write":
        for chunk in chunks:
            write(chunk)
        return []
    return iter(chunks) if plan.get("via") == "generator" else chunks


def read(environ):
    """Return the body, read in the way that the request names."""
    file, method = environ["wsgi.input"], environ.get("HTTP_X_READ", "length")
    if method == "length":
        return file.read(int(environ.get("CONTENT_LENGTH") or 0))
    if method == "line":
        return b"".join(iter(file.readline, b""))
    if method == "lines":
        return b"".join(file.readlines())
    if method == "bits":
        return b"".join(iter(lambda: file.read(7000), b""))
    if method == "iter":
        return b"".join(file)
    return file.read()


def describe(environ, body):
    view = {key: value for key, value in environ.items() if isinstance(value, str)}
    return {"environ": view, "version": environ["wsgi.version"], "body": answer_plan.digest(body)}
