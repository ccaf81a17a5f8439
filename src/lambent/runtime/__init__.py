"""The runtime that ships in the zip of a web app, where the package is called `lambent_runtime`.

It runs inside the user's process, so it uses the standard library only, imports as little as possible and nothing else of
lambent. It replaces AWS's runtime client (see `bootstrap`), speaks the Runtime API over one socket and hosts an ASGI or WSGI
app.
"""
