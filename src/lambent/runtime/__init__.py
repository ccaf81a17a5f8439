"""The runtime that ships in the zip of a web app, there under the name `lambent_runtime`.

A guest in somebody else's process: standard library only, as few imports as can be, nothing else of ours. It stands in for
AWS's runtime client (see `bootstrap`), speaks the Runtime API over one socket, and hosts an ASGI or WSGI app.
"""
